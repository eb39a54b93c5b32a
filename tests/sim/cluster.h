/* cluster.h - three nodes of one data shard. There is no shard 0: the metadata is the same image
 * from the first step to the last. */
#ifndef TESTS_SIM_CLUSTER_H
#define TESTS_SIM_CLUSTER_H

#include "base/err.h"

struct sim_world;
struct sim_node;

/* The image, the model's topics, and each node's shard on its disk. */
void sim_cluster_begin(struct sim_world *w);
void sim_cluster_release(struct sim_world *w);
/* Open a node's shard. */
int sim_cluster_open(struct sim_node *n, struct err *e);
/* After each step: let a node that is too far behind take a checkpoint. */
void sim_cluster_install(struct sim_node *n);
/* Someone leads. */
void sim_cluster_leads(struct sim_node *n);
/* In the end: does every node have all that was ever read? */
bool sim_cluster_agrees(struct sim_world *w);

#endif

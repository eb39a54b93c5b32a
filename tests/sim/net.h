/* net.h - the network between nodes: messages are late, lost or doubled, and overtake each other;
 * links are cut, one way or both, and healed.
 */
#ifndef TESTS_SIM_NET_H
#define TESTS_SIM_NET_H

#include "shard/message.h"

struct sim_world;

enum { NET_NODES = 3 };

struct sim_net {
    bool cut[NET_NODES][NET_NODES]; /* from, to: numbered from 0 */
    struct shard_message *on_way;   /* those that are in the queue */
};

/* m is the network's from here on. */
void sim_net_send(struct sim_world *w, struct shard_message *m);
/* Cut some links, or heal all. */
void sim_net_trouble(struct sim_world *w);
void sim_net_heal(struct sim_world *w);
void sim_net_release(struct sim_world *w);

#endif

/* session.h - a program's connection to the cluster, as the common options name it. */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "cli/cli.h"
#include "client/cluster.h"

/* What follows has the time of --timeout; client_begin starts it anew. interrupt_fd: see
 * client_options; -1: none. Connects to nothing yet. client_cluster_release ends it. */
void cli_session(struct client_cluster *c, const struct cli_common *o, int interrupt_fd);

#endif

/* node_impl.h - what the files of the node share. */
#ifndef SHARD_NODE_IMPL_H
#define SHARD_NODE_IMPL_H

#include "shard/node.h"

/* node_meta.c: the WALs in wal_dir, NULL: in dir's own. ERR_INVALID, -ENAMETOOLONG. */
int node_set_wal_dir(struct node_meta *m, const char *dir, const char *wal_dir, struct err *e);

/* node_init.c: an empty DIR becomes a node's, or what a killed first start left does. n->meta is
 * filled in. */
int node_first_start(struct node *n, const struct node_config *cfg, struct err *e);
/* node_init.c: what an adding that was killed moved into place becomes durable, so that it may be
 * served; WALDIR/add.tmp says that there was one. */
int node_settle_added(const struct node *n, struct err *e);
/* node_init.c: after that, remove what an adding left. */
int node_clear_added(const struct node *n, struct err *e);
/* node_init.c: a further data shard; nothing is left of an adding before. */
int node_add_shard(const struct node *n, const struct node_config *cfg, uint32_t shard,
                   struct err *e);

/* node.c: is there a dir/name? 1, 0, or an error code. */
int node_exists(struct io *io, const char *dir, const char *name);
/* node.c: mkdir that takes one that is there; sync_dir; both with the path in e. */
int node_make_dir(struct io *io, const char *path, struct err *e);
int node_sync_dir(struct io *io, const char *path, struct err *e);
/* node.c: hold WALDIR/lock; once is enough. */
int node_lock_wal(struct node *n, struct err *e);
/* node.c: a directory made if missing, its name durable in its parent. */
int node_make_root(struct io *io, const char *path, struct err *e);

#endif

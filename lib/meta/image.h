/* image.h - the inside of an image, for the files of this room. */
#ifndef META_IMAGE_H
#define META_IMAGE_H

#include <stdatomic.h>

#include "meta/meta.h"
#include "meta/topics.h"

/* What is known of the cluster's nodes: small, rarely changed, so copied whole. Counted; one block
 * of memory. */
struct brokers {
    atomic_uint refs;
    size_t n_servers;
    struct meta_server *servers; /* of raft, in its order */
    size_t n_nodes;
    struct meta_node *nodes; /* by id */
    size_t n_configs;
    struct meta_broker_configs *configs; /* by node; none without settings */
};

/* The same lists, to be made another of: all but the count, which other threads change meanwhile. */
static inline struct brokers brokers_like(const struct brokers *b)
{
    return (struct brokers){.n_servers = b->n_servers,
                            .servers = b->servers,
                            .n_nodes = b->n_nodes,
                            .nodes = b->nodes,
                            .n_configs = b->n_configs,
                            .configs = b->configs};
}

struct meta_image {
    atomic_uint refs;
    struct uuid cluster_id;
    uint64_t index, term;
    int64_t next_producer_id;
    struct topics *by_name, *by_id; /* the same topics */
    struct brokers *brokers;
};

/* A new image that shares all of m's parts, for the caller alone until it gives it away: a draft,
 * which the functions below change. NULL when out of memory. */
struct meta_image *image_draft(const struct meta_image *m);

/* Put a topic in, over the one with its name and id if there is one; the draft takes a reference of
 * its own. 0 or -ENOMEM, the draft being unchanged then. */
int image_put_topic(struct meta_image *draft, struct topic *t);
int image_drop_topic(struct meta_image *draft, const struct topic *t);
/* Replace what is known of brokers by a copy of `like` (refs is not looked at). 0 or -ENOMEM. */
int image_set_brokers(struct meta_image *draft, const struct brokers *like);
int image_set_servers(struct meta_image *draft, const struct meta_server *servers, size_t n);

#endif

/* client.h - producers: idempotent ones that retry until they have an answer, and plain ones that
 * send once.
 *
 * An idempotent client keeps a stream per partition: up to five batches in flight; after a failure
 * it waits until nothing is in flight and sends all again, in order. Now and then it behaves badly
 * on purpose: an answered batch once more, a gap in its sequence, its old epoch.
 */
#ifndef TESTS_SIM_CLIENT_H
#define TESTS_SIM_CLIENT_H

#include "tests/sim/model.h"

enum { CLIENTS = 8, STREAMS = 32, IN_FLIGHT = 5 };

/* What an answer may say. */
enum expect {
    EXPECT_ANY,   /* what the rules allow for the next batch of a stream */
    EXPECT_AGAIN, /* sent before */
    EXPECT_LAST,  /* and answered, as one of the last five */
    EXPECT_GAP,   /* never accept it */
    EXPECT_FENCED,
};

struct attempt {
    struct shard_produce produce;
    struct model_batch *batch;
    struct sim_node *node;
    struct stream *stream; /* NULL: a plain one, or one of ill will */
    enum expect expect;
    bool fresh;                   /* counted as in flight of its stream */
    uint64_t life;                /* of the node */
    struct attempt *next, **prev; /* of all that have no answer */
};

struct stream {
    struct model_part *part;
    int16_t epoch;
    int32_t next_sequence;
    struct model_batch *queue[IN_FLIGHT]; /* not answered, oldest first */
    unsigned n, n_sent;                   /* of them, so many are in flight */
    const struct sim_node *sent_to;       /* and all of those to this node */
    bool again;                           /* something failed: all have to be sent again */
    struct model_batch *last;             /* the newest answered of this epoch */
    uint64_t last_life;                   /* of the node when it was answered */
};

struct client {
    uint32_t number;
    int64_t pid; /* -1: plain */
    uint64_t order;
    struct stream streams[STREAMS];
    unsigned n_streams;
};

struct sim_clients {
    struct client c[CLIENTS];
    unsigned n;
    struct attempt *pending;
};

void sim_clients_begin(struct sim_world *w);
/* The node died: nobody will answer. */
void sim_clients_forget(struct sim_node *n);
/* Is everything answered? */
bool sim_clients_idle(const struct sim_world *w);
void sim_clients_release(struct sim_world *w);

#endif

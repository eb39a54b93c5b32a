/* fan.h - an operation over partitions, sent to all their leaders at once and tried again for those
 * that failed in a way that may pass.
 *
 * A round groups the unfinished partitions by leader, sends each leader one request, and reads the
 * answers in the same order. An operation says how to build its request and how to read its answer.
 */
#ifndef CLIENT_FAN_H
#define CLIENT_FAN_H

#include "client/cluster.h"

/* One partition's share; stands first in the operation's own struct. */
struct client_part {
    const char *topic;
    int32_t partition;
    bool done;
    int16_t error;            /* once done: the broker's verdict */
    char text[200];           /* its reason, if error is set */
    struct client_link *link; /* private */
    size_t order;             /* private: the place in what the caller gave */
};

struct client_fan {
    int16_t key, max; /* the API and its highest version to use */
    bool unanswered;  /* the request has no answer: sent is done */
    void *ctx;
    /* Fill req (initialised) for n parts; parts of one topic are neighbours, in the caller's order.
     * 0 or a negative code.
     */
    int (*build)(void *ctx, struct client_part **parts, size_t n, void *req, struct arena *a);
    /* Read the answer: call client_part_settle for each part. 0 or a negative code. */
    int (*take)(void *ctx, struct client_part **parts, size_t n, const void *resp, struct err *e);
};

/* Run until every part is done. 0 (then look at each part's error), or the code that ended it:
 * parts that are not done may or may not have taken effect. */
int client_fan_run(struct client_cluster *c, const struct client_fan *f, struct client_part **parts,
                   size_t n, struct err *e);

/* The verdict on a part. An error that may pass leaves it undone. */
void client_part_settle(struct client_part *p, int16_t error, struct kp_str message);
/* The part an answer speaks of; *hint is where to look first (the one after the last). NULL: none.
 */
struct client_part *client_part_find(struct client_part **parts, size_t n, struct kp_str topic,
                                     int32_t partition, size_t *hint);
/* How many of parts, from the first on, are of one topic. */
size_t client_parts_of_topic(struct client_part **parts, size_t n);

#endif

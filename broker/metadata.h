/* metadata.h - the way to the metadata shard and back.
 *
 * A proposal becomes an entry of shard 0's log. Once it is applied, the new image goes first to
 * every data shard, which makes and drops partitions by it, then to all loops, and only then is the
 * proposer told: whoever sees the answer finds the topic served, on any connection.
 */
#ifndef BROKER_METADATA_H
#define BROKER_METADATA_H

#include <stdint.h>

#include "loop/loop.h"
#include "meta/meta.h"
#include "shard/shard.h"

struct broker;
struct metadata; /* opaque; belongs to shard 0's thread but for metadata_propose */
struct worker;

/* Shard 0's log: small entries, rarely. */
enum { METADATA_SEGMENT_BYTES = 8 << 20, METADATA_WAL_BYTES = 64 << 20 };

struct metadata *metadata_new(struct broker *b); /* NULL when out of memory */
void metadata_free(struct metadata *m);          /* no thread of a shard runs any more */

struct proposal {
    struct worker *home; /* on whose loop done is called; NULL: on shard 0's thread */
    /* Once, with the result in command.code, .index and .result; in an RCU read section. The
     * proposal is the caller's again. */
    void (*done)(struct proposal *p);
    void *arg;
    struct shard_command command; /* private but for the result */
    struct loop_msg msg;          /* private */
    struct metadata *to;          /* private */
    struct proposal *next;        /* private */
};
/* Any thread. msg is the command's struct (meta_gen.h), not needed any more on return. */
void metadata_propose(struct metadata *m, struct proposal *p, enum meta_command_type type,
                      const void *msg);
/* After done: free what it held. */
void proposal_release(struct proposal *p);

/* Shard 0's thread: a new image was applied. */
void metadata_spread(struct metadata *m, struct meta_image *image);

/* The same thread, now and then: hand on an image for which there was no memory. Ms until it wants
 * to be called again; INT64_MAX: not by itself. */
int64_t metadata_retry(struct metadata *m);

/* Images that a data shard was handed and that are not in force there yet; its thread's. */
struct metadata_visits {
    struct metadata_stop *first, **last;
};
void metadata_visits_init(struct metadata_visits *v);
/* A data shard's thread, after events: tell shard 0 which images came into force. */
void metadata_visits_end(struct metadata_visits *v, struct shard *s);

/* Any thread, once all data shards run: from now on images go to them first. */
void metadata_attach(struct metadata *m);

#endif

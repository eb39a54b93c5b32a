/* fetch.h - what one Fetch reads: slices of partition logs, chosen without reading them. */
#ifndef BROKER_FETCH_H
#define BROKER_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/reader.h"
#include "broker/request.h"
#include "broker/wait.h"
#include "kp/kp.h"
#include "plog/plog.h"

struct fetch_part {
    const struct kp_fetch_req_topics_partitions *asked;
    struct kp_fetch_resp_responses_partitions *answer;
    struct uuid topic_id;
    int16_t missing;          /* the error if there is no such topic */
    int64_t seen;             /* the high watermark when it was last read, -1: it was not */
    uint32_t slice, n_slices; /* in the fetch's array */
};

struct fetch_slice {
    struct plog_slice slice;
    uint32_t part;
};

struct fetch {
    struct request *q;
    struct kp_fetch_resp resp;
    struct fetch_part *parts; /* in the order of the request */
    uint32_t n;
    uint32_t first;             /* the part that is served first, for fairness */
    struct fetch_slice *slices; /* malloc'ed */
    uint32_t n_slices, cap_slices;
    uint64_t bytes; /* of all slices */
    bool settled;   /* answer now: a part has something to say beside records, or more of them than
                     * may be sent */
    bool cold;      /* a part needs files that a loop must not touch: choose on the pool */
    bool may_wait;  /* the time to wait is not over */
    int rc;         /* what choosing on the pool came to */
    struct wait wait;
    struct wait_link *links;
    int64_t deadline_ms;    /* when the wait ends, 0: not waited yet */
    struct loop_msg job;    /* on the pool */
    struct reading reading; /* on a reader: how far it is with the slices, */
    uint32_t slice_at;
    uint64_t at;             /* bytes of that one, */
    int64_t reading_from_ms; /* and since when */
    void (*prepared)(struct request *q);
};

/* Choose what to send: fill the answers and the slices anew. In a read section. on_loop: open and
 * read no file for it; where that is needed, cold is set and what was chosen is no answer. Without
 * on_loop it is for a pool thread. 0 or -ENOMEM. */
int fetch_read(struct fetch *f, bool on_loop);
/* Let go of the slices. */
void fetch_drop(struct fetch *f);

/* May the slices leave at once: verified, and in the page cache? */
bool fetch_is_ready(const struct fetch *f);
/* Have readers bring the slices into the page cache and verify what is not; then call prepared on
 * the loop. A part whose first slice is bad gets an error and no records, one with another bad
 * one those before it; parts behind the first whose reading would take too long get none this time.
 */
void fetch_prepare(struct fetch *f, void (*prepared)(struct request *q));

#endif

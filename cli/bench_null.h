/* bench_null.h - a broker that keeps nothing: it takes records over the loopback as a broker would,
 * and answers at once. What the generator drives against it is what the generator can drive.
 *
 * It has a topic of any name, with a given number of partitions, all led by itself, and gives out
 * offsets one after the other; idempotent producers get their ids. Its threads are its own: as many
 * as the generator's, so that they are not what is measured.
 */
#ifndef CLI_BENCH_NULL_H
#define CLI_BENCH_NULL_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/rd.h"
#include "base/wr.h"

/* What it knows: shared by its threads. */
struct null_state {
    int32_t port;
    uint32_t partitions;
    atomic_llong *ends; /* the next offset of each */
    atomic_llong next_producer;
};

/* Answer the request that frame holds (without its size) behind what is in out, size first; no
 * answer for Produce with acks=0. Scratch memory comes from a. 0, or a negative code: it is not a
 * request that this broker knows. */
int null_answer(struct null_state *s, struct rd frame, struct arena *a, struct wr *out);

struct null_broker; /* opaque */

/* Serve on a free port of 127.0.0.1. NULL: e says why. */
struct null_broker *null_start(uint32_t threads, uint32_t partitions, struct err *e);
/* "127.0.0.1:12345". */
const char *null_address(const struct null_broker *n);
/* End its threads and connections, and free it. NULL is fine. */
void null_stop(struct null_broker *n);

#endif

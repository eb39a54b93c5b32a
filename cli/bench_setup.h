/* bench_setup.h - what is done by ordinary blocking calls before the load and after it: find the
 * brokers, make or find the topic, ask for offsets and producer ids, delete the topic. */
#ifndef CLI_BENCH_SETUP_H
#define CLI_BENCH_SETUP_H

#include "cli/bench.h"

/* Fill b's brokers, and its partitions if `topic` is wanted: create it if asked for, wait until
 * every partition has a leader. 0 or a code. bench_release in every case. */
int bench_setup(struct bench *b, const struct bench_options *o, bool topic, struct err *e);
void bench_release(struct bench *b);

/* Ask for the partitions' offsets at a time of client/offsets.h: into start, or into end. */
int bench_ask_start(struct bench *b, int64_t time, struct err *e);
int bench_ask_end(struct bench *b, int64_t time, struct err *e);

/* How many connections read a topic that is read once. */
uint32_t bench_readers(const struct bench *b);

/* An id for each of n idempotent clients; a malloc'ed array. */
int bench_ask_producer_ids(struct bench *b, uint32_t n, struct producer_id **ids, struct err *e);

/* Delete n topics; those that are not there are fine. */
int bench_delete_topics(struct bench *b, const char *const *names, size_t n, struct err *e);

#endif

/* shard_thread.h - the thread that owns a shard.
 *
 * It sleeps until its inbox has something, runs all that is there (batches to stage, images,
 * finished jobs...), lets the shard flush once, writes and syncs the group, applies it, and hands
 * what was finished to each loop by one message. What comes in meanwhile makes the next group. That
 * is a turn, and whoever holds the mutex of that name has it: now and then a loop (lone.h).
 *
 * Large groups are handed to a writer beside it (wal.writer.thread), which does the write and the
 * sync; meanwhile the group before is applied and the next one staged. What that gains by overlap a
 * small group loses by two hand-overs: in four pairs on four busy cores 128 clients with 256 bytes
 * got 54 to 93 k/s without a writer and 23 to 63 k/s with one. 32 requests of 64 KiB in flight got
 * 434 MB/s without and 490 with one, the medians of six pairs of 8 s (336 to 451 and 278 to 651).
 */
#ifndef BROKER_SHARD_THREAD_H
#define BROKER_SHARD_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "broker/stage.h"
#include "loop/loop.h"
#include "shard/shard.h"

struct broker;
struct metadata_visits;
struct node;
struct shard_thread; /* opaque */
struct worker;

/* number 0: metadata. NULL when out of memory. */
struct shard_thread *shard_thread_new(struct broker *b, uint32_t number);
/* Recover the node's shard (shard_open) under an image, which for shard 0 is NULL; blocks. */
int shard_thread_open(struct shard_thread *t, const struct node *node, struct meta_image *image,
                      struct err *e);
/* Run it, and wait until it leads; an error if it never will. */
int shard_thread_start(struct shard_thread *t, struct err *e);
/* Any thread: from now on nothing waits in the shard for room or for an image (shard_hurry). */
void shard_thread_hurry(struct shard_thread *t);
/* Let the shard finish what is staged, checkpoint and mark; then end the thread. Never started is
 * fine. */
void shard_thread_stop(struct shard_thread *t);
void shard_thread_free(struct shard_thread *t); /* NULL is fine */

/* Any thread. Its run is called in a turn of the shard: on its thread, or on a loop's that has a
 * turn in its place. */
void shard_thread_post(struct shard_thread *t, struct loop_msg *m);
/* A loop's thread, in no read section of RCU: instead of posting m, have a turn with it here, write
 * and sync included, and let be done what it finished for this worker. False, and nothing happened:
 * somebody else has a turn, or the last write was slow (wal.loop.write.us). */
bool shard_thread_run_here(struct shard_thread *t, struct loop_msg *m, struct worker *here);
/* Any thread: the leader epoch of its partitions, and whether they are served here. */
int32_t shard_thread_epoch(struct shard_thread *t);
bool shard_thread_leads(struct shard_thread *t);

/* In a turn. */
struct shard *shard_thread_shard(struct shard_thread *t);
/* Where to put images that it was handed. */
struct metadata_visits *shard_thread_visits(struct shard_thread *t);
/* Where to put what is done for a worker. */
struct stage_list *shard_thread_finished(struct shard_thread *t, const struct worker *home);

/* Any thread: let it log what it counted. */
void shard_thread_log_stats(struct shard_thread *t);

#endif

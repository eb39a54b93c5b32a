/* compact_kit.h - a log of keyed records beside a plain model of what compaction must leave. */
#ifndef TESTS_PLOG_COMPACT_KIT_H
#define TESTS_PLOG_COMPACT_KIT_H

#include "plog/compact.h"
#include "tests/unit/plog/fixture.h"

enum { KIT_TOMBSTONE = -1, KIT_NOW = 10000000, KIT_DAY = 1000 };

struct kit_record {
    int64_t offset, timestamp;
    int key;   /* "k<key>" */
    int value; /* "v<value>", or KIT_TOMBSTONE */
};

struct kit {
    struct fixture f;           /* its disk, configuration and log; its batches are not used */
    struct kit_record *records; /* all that were ever written */
    size_t n;
    int64_t now;
    int n_keys;
    int64_t sequence;
    struct plog_compact_rules
        rules; /* of the next compaction; now_ms, seed and ends are filled in */
    struct plog_compact_stats stats; /* of the last one */
    struct plog_producer_end ends[8];
    size_t n_ends;
};

/* Segments of 2000 bytes, always worth compacting, tombstones for KIT_DAY; no log yet. */
void kit_init(struct kit *k);
void kit_release(struct kit *k);
/* One batch of n records with random keys out of n_keys, one in ten a tombstone, a millisecond
 * apart from k->now on (which moves with them); appended. */
void kit_append(struct kit *k, int n, enum batch_codec codec);
/* One record. */
void kit_put(struct kit *k, int key, int value);
/* Many batches of random sizes and codecs. */
void kit_fill(struct kit *k, int batches);
/* Begin a new segment and let everything below be compacted. */
void kit_seal(struct kit *k);

struct plog_compaction *kit_begin(struct kit *k);
/* Steps and runs until it is done; its code. It is freed. */
int kit_finish(struct kit *k, struct plog_compaction *c, struct err *e);
/* Both, without a failure. */
void kit_compact(struct kit *k);

/* All records in the log, by reading it as a consumer would; malloc'ed. */
struct kit_record *kit_read(struct kit *k, struct plog *log, size_t *n);
/* The log holds exactly what it must when everything below clean_to is compacted: there the last
 * record of each key, from there on all. gone_before: tombstones that may be gone have timestamps
 * below it. */
void kit_check(struct kit *k, int64_t clean_to, int64_t gone_before);
/* The batches of the whole log in order, cap at most; how many. */
size_t kit_walk_all(struct kit *k, struct batch *out, size_t cap);
/* Look for offsets and times all over the log, and compare with a plain search through what a
 * consumer reads. */
void kit_check_looking(struct kit *k);
/* Open the log again from its present mark. */
void kit_reopen(struct kit *k);

#endif

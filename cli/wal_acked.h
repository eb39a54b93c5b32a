/* wal_acked.h - chronik-wal verify --acked: is every record of an ack log on disk?
 *
 * On disk means: a start would serve it. That is so if its batch stands
 *
 *   in the WAL    in a valid group before the log's end that no later group discards, or
 *   in the logs   in its partition's segments, below the end that the newest checkpoint states;
 *                 what lies behind that end is cut and made anew from the WAL
 *
 * at its offset, with its count and CRC (or, where the broker writes batches anew, with the stamps
 * that its records were sent with). Not there, yet not lost: what lies below the log start
 * (retention, trims), and what a compacted topic may have cleaned.
 *
 * A broker may be running, for the order of looking makes it harmless: the ack log first, then the
 * WAL, then the checkpoints and the partition logs. What the WAL was recycled of before it was
 * looked at is covered by the checkpoints by then. If something is missing all the same it is
 * looked for again, because log starts may have moved meanwhile.
 */
#ifndef CLI_WAL_ACKED_H
#define CLI_WAL_ACKED_H

#include "base/json.h"
#include "batch/batch.h"
#include "cli/acklog.h"
#include "cli/wal_tool.h"
#include "meta/meta.h"
#include "shard/node.h"

enum acked_state {
    ACKED_UNSEEN,    /* not found so far */
    ACKED_IN_WAL,    /* found there */
    ACKED_IN_LOGS,   /* found in the partition logs, and not in the WAL */
    ACKED_REMOVED,   /* below the log start */
    ACKED_COMPACTED, /* of a compacted topic, in a segment that may have been cleaned */
    ACKED_ALTERED,   /* another batch stands there */
};

/* What became of one line of the ack log. */
struct acked_fate {
    uint8_t state;  /* enum acked_state */
    bool other;     /* another batch was seen at its place */
    uint32_t walk;  /* where it was found in the WAL: in which log... */
    uint64_t index; /* ...and in which entry */
};

/* The lines of one partition: v[from, to) of the ack log. */
struct acked_part {
    struct uuid id; /* of the topic */
    int32_t partition;
    const struct meta_topic *topic; /* NULL: the topic is not there */
    size_t from, to;
    int64_t log_start; /* as far as checkpoints and TRIM frames tell */
    int64_t log_end;   /* the newest checkpoint's; 0: in none */
    int64_t segment;   /* base offset of the active segment then, */
    uint64_t bytes;    /* and its size */
};

struct acked_check {
    struct acklog log;
    struct acked_fate *fates; /* beside log.v */
    struct acked_part *parts; /* by topic id and partition */
    size_t n_parts;
    struct meta_image *image;
    struct node_meta node;
    const char *dir;     /* the broker's data directory; borrowed */
    uint32_t walk;       /* counts the logs walked */
    uint64_t last_index; /* in this one */
    struct json *faults; /* of partition logs: file, position, kind, reason */
};

/* Read the ack log, and the topics' ids from the data directory at dir. 0 or a code; acked_release
 * in every case. */
int acked_open(struct acked_check *c, const char *file, const char *dir, struct err *e);
void acked_release(struct acked_check *c);

/* Another shard's log is going to be walked. */
void acked_begin_log(struct acked_check *c);
/* The next valid group of it, checked before. */
void acked_group(struct acked_check *c, const struct wal_group *g);
/* The partition whose lines these are; NULL: none. */
struct acked_part *acked_find(struct acked_check *c, const struct uuid *id, int32_t partition);
/* A whole valid batch of that partition: which lines does it fulfil? */
void acked_batch(struct acked_check *c, const struct acked_part *p, struct span bytes,
                 const struct batch *b, enum acked_state where);

/* wal_acked_logs.c: look into checkpoints and partition logs for what was not seen; then judge what
 * is still unseen. To be called when all logs were walked. 0 or a code. */
int acked_look_in_logs(struct acked_check *c, struct err *e);

/* All is there, or was removed in good order. */
bool acked_good(const struct acked_check *c);
/* Forget what was judged bad, to look again. */
void acked_again(struct acked_check *c);
/* The "acked" object of the result, which takes c's faults over. The first lines that are not
 * fulfilled are told on standard error too. */
struct json *acked_result(struct acked_check *c, const char *file);
/* The same as a line for people. */
void acked_print(const struct json *result);

#endif

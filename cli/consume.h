/* consume.h - fetch partitions and write their records; the heart of chronik-consume.
 *
 * Positions are found once, at the start: each partition's first offset and its high watermark.
 * Then rounds of fetches follow, each writing what came and moving the positions. Every batch is
 * verified before a record of it is written; a batch that is damaged ends the program.
 */
#ifndef CLI_CONSUME_H
#define CLI_CONSUME_H

#include "cli/cli.h"
#include "client/fetch.h"

enum consume_start {
    CONSUME_END,       /* the high watermark */
    CONSUME_BEGINNING, /* the first offset */
    CONSUME_OFFSET,    /* offset `at` */
    CONSUME_LAST,      /* `at` offsets before the high watermark */
    CONSUME_TIME,      /* the first record at or after `at` */
};

struct consumer_options {
    const char *topic;
    int32_t partition; /* -1: all */
    enum consume_start start;
    int64_t at;
    int64_t count; /* end after so many records; -1: never */
    bool exit_at_end;
    bool jsonl;
    struct span separator; /* text: between key and value; p NULL: no keys */
    int64_t timeout_ms;    /* for each answer of a broker */
    int64_t idle_ms;       /* end with ERR_TIMEOUT when no record came for so long; -1: never */
};

struct consumer_part {
    struct client_fetch fetch; /* first; its offset is the position */
    int64_t end;               /* stop there; INT64_MAX: never */
    bool lost;                 /* the position is outside the log */
};

struct consumer {
    struct consumer_options o;
    struct client_cluster *cluster;
    struct consumer_part *parts;
    size_t n;
    struct client_fetch **active; /* those not at their end */
    size_t n_active;
    int32_t partition_bytes; /* asked of a partition at once */
    uint64_t written;        /* records */
    bool stopped;            /* count is reached */
    struct err *e;           /* of the run */
};

/* Find the positions. 0 or a negative code; consumer_release in every case. */
int consumer_init(struct consumer *c, const struct consumer_options *o,
                  struct client_cluster *cluster, struct err *e);
/* Write records to standard output until count or the end is reached. 0 or a negative code:
 * ERR_INTERRUPTED, ERR_TIMEOUT, ERR_CRC and its like for damaged batches... */
int consumer_run(struct consumer *c, struct err *e);
void consumer_release(struct consumer *c);

#endif

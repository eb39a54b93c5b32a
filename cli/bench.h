/* bench.h - what chronik-bench was asked for, and what it learned of the cluster before the load
 * begins.
 *
 * A tour of the bench, in reading order (each name a pair of files):
 * - chronik-bench: main, the modes;  bench_opt: the command line
 * - bench_session: a mode from beginning to end;  bench_setup: topic, leaders, offsets
 * - bench_run: one phase of load over all threads;  bench_worker: a thread, its loop and clients
 * - bench_load: a client: connection, requests in flight, pace, latency, reconnecting
 * - bench_produce, bench_fetch, bench_meta: what clients ask, how they judge the answers
 * - bench_batch, bench_stamp: the records sent
 * - bench_check, bench_book, bench_acked, acklog: whether all is there that should be
 * - bench_outcome: what a session brought;  bench_stats, bench_report, bench_csv,
 *   bench_env: how it is told
 * - bench_rates, bench_step, bench_steps, bench_ramp: the load at several rates
 * - bench_search, bench_slo, bench_find: the highest rate at which latencies are as asked
 * - bench_ceiling, bench_null: what the bench itself can drive
 * - bench_disk: the disk's own floor, without any broker
 * - bench_durability, bench_process: kill the broker meanwhile
 * - bench_setting, bench_figure: what a result says of the work, and how it is judged
 * - bench_results, bench_pair, bench_weigh, bench_condition, bench_contrast, bench_compare: results
 *   of earlier runs set against each other
 * - bench_page, bench_curve, bench_chart, html: results as a page with charts
 */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"
#include "cli/acklog.h"
#include "cli/bench_batch.h"
#include "cli/bench_book.h"
#include "cli/bench_rates.h"
#include "cli/cli.h"

enum bench_mode {
    BENCH_PRODUCE,
    BENCH_CONSUME,
    BENCH_ROUND_TRIP,
    BENCH_METADATA,
    BENCH_DISK,
    BENCH_DURABILITY
};

struct bench_options {
    struct cli_common common;
    int mode; /* enum bench_mode */
    const char *topic;
    int64_t clients, threads, consumers; /* 0: chosen by the bench */
    int64_t message_size, batch_records, batch_bytes, in_flight;
    int64_t duration_ms, warmup_ms, count; /* 0: no bound */
    int64_t rate;                          /* records a second, 0: closed loop */
    int64_t linger_ms, request_timeout_ms, report_ms;
    int64_t partitions, replication;
    int acks; /* 0, 1, -1 */
    int codec, keys, payload;
    int64_t compress_ahead; /* batches a thread */
    int64_t fetch_bytes, fetch_wait_ms;
    bool create_topic, delete_topic, validate, keep_going, idempotent, repeat;
    struct opt_list fail_on; /* compare */
    const char *html_path;   /* a page with charts; NULL: none */
    const char *ack_log, *check_ack_log, *json_path, *csv_path;
    const char *file, *dir;
    int64_t file_size;
    int direct;               /* past the page cache, as the WAL does */
    const char *start, *kill; /* durability: shell commands */
    int64_t cycles, seed;     /* seed -1: drawn */
    int64_t kill_within_ms, ready_ms;
    const atomic_llong *until_ns; /* no request is begun after it; NULL: duration and count say */
    char *command_line;           /* as given, for the report; owned */
    const char *ramp;             /* NULL: none; rates is what it says */
    struct rates rates;
    bool find_max, ceiling;
    struct opt_list slo;
    int64_t lowest_rate, resolution; /* of a search: records a second, percent */
};

/* The records in a request that writes; one that asks for metadata counts as a record. */
static inline int64_t bench_request_records(const struct bench_options *o)
{
    return o->mode == BENCH_METADATA ? 1 : o->batch_records;
}

/* An idempotent producer. */
struct producer_id {
    int64_t id;
    int16_t epoch;
};

struct bench_broker {
    int32_t node;
    char name[300]; /* host:port */
    struct sockaddr_storage addr;
    socklen_t addr_len;
};

struct check;

struct bench_partition {
    int32_t number;
    int64_t start, end;     /* what a phase of reading is to read: start <= offset < end */
    struct book book;       /* the offsets acknowledged */
    atomic_llong acked_end; /* one above the highest of them */
    struct check *check;    /* of the one client that reads it back; NULL: none does */
};

struct bench {
    const struct bench_options *opt;
    uint32_t run_id;
    struct bench_broker *brokers;
    size_t n_brokers;
    uint32_t controller;           /* index into brokers */
    struct bench_partition *parts; /* of the topic, by number */
    uint32_t *leader_of;           /* the broker of each, once more */
    size_t n_parts;
    int32_t replicas;                       /* of the first of them */
    const struct producer_id *producer_ids; /* one per client, NULL: not idempotent */
    char *cluster_id;                       /* NULL: not told */
    char *broker_features;                  /* "metadata.version 1-29, ...", NULL: none */
    struct acklog_writer acklog;
    bool acklogged;
};

#endif

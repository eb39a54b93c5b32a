/* bench_report.h - what a run brought: as JSON, as text for people, as a row of CSV. All three come
 * from one JSON document, whose field names are frozen (chronik-bench(1)). */
#ifndef CLI_BENCH_REPORT_H
#define CLI_BENCH_REPORT_H

#include "base/json.h"
#include "cli/bench.h"
#include "cli/bench_check.h"
#include "cli/bench_pace.h"
#include "cli/bench_series.h"
#include "cli/bench_stats.h"
#include "cli/bench_usage.h"

struct bench_timing {
    const char *name; /* "service": becomes service_us */
    const struct hdr *ns;
};

struct bench_result {
    const struct bench_options *opt;
    const struct bench *b; /* NULL: no broker (disk) */
    const struct bench_stats *stats;
    /* Those of every request that was due, where the headline is of one kind among others (metadata
     * with topics made and deleted): what a rate is held against. NULL: stats are. */
    const struct bench_stats *load;
    const struct hdr *latency;   /* the headline */
    struct bench_timing more[4]; /* others, as far as they have a name */
    int64_t elapsed_ns;
    uint64_t records, bytes; /* the headline's */
    uint32_t threads;
    const struct check_counts *checked; /* NULL: nothing was read back */
    uint64_t bad_offsets;
    const char *disk_path; /* NULL: not a disk test */
    const char *disk_sync; /* how it wrote and synced */
    int64_t disk_write, disk_file_size;
    struct bench_cost cost;         /* of the generator while it measured; wall_ns 0: not known */
    double ceiling;                 /* records a second that it was seen to drive; 0: not tried */
    const struct pace_stats *paced; /* NULL: a closed loop */
    const struct series *series;    /* NULL: none */
    bool interrupted;
    const char *trouble; /* the first error that the run survived; NULL: there was none */
    const char *behind;  /* what failed once the load was over; NULL: nothing */
};

static inline const struct bench_stats *bench_result_load(const struct bench_result *r)
{
    return r->load ? r->load : r->stats;
}

/* Records a second that the generator could drive, as far as is known; 0: not at all. Measured, or
 * an estimate from how busy its busiest thread was, and a low one: at a higher rate more requests
 * share a wake-up. */
double bench_result_ceiling(const struct bench_result *r);

/* The document; NULL when out of memory. */
struct json *bench_report(const struct bench_result *r);

/* What of it other runs of the same load share: mode, topic, the load, the environment. */
struct json *bench_report_about(const struct bench_result *r);

/* Can the files asked for be written? To be known before a load, not after it. 0 or a code. */
int bench_report_check(const struct bench_options *o, struct err *e);

/* Write it to standard output in the format asked for, and to the files asked for: as far as that
 * can be done. 0 or the first code. */
int bench_report_write(const struct bench_options *o, const struct json *report, struct err *e);

/* Another document: write it to standard output with -o json, to --json-output and as a page, as far
 * as that can be done; text and rows are the caller's. 0 or the first code. */
int bench_report_document(const struct bench_options *o, const struct json *j, struct err *e);

/* The report for people (bench_text.c). */
void bench_text(const struct json *report, FILE *out);

#endif

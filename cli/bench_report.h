/* bench_report.h - what a run brought: as JSON, as text for people, as a row of CSV. All three come
 * from one JSON document, whose field names are frozen (chronik-bench(1)). */
#ifndef CLI_BENCH_REPORT_H
#define CLI_BENCH_REPORT_H

#include "base/json.h"
#include "cli/bench.h"
#include "cli/bench_check.h"
#include "cli/bench_stats.h"

struct bench_timing {
    const char *name; /* "service": becomes service_us */
    const struct hdr *ns;
};

struct bench_result {
    const struct bench_options *opt;
    const struct bench *b; /* NULL: no broker (disk) */
    const struct bench_stats *stats;
    const struct hdr *latency;   /* the headline */
    struct bench_timing more[4]; /* others, as far as they have a name */
    int64_t elapsed_ns;
    uint64_t records, bytes; /* the headline's */
    uint32_t threads;
    const struct check_counts *checked; /* NULL: nothing was read back */
    uint64_t bad_offsets;
    const char *disk_path; /* NULL: not a disk test */
    int64_t disk_write;
};

/* The document; NULL when out of memory. */
struct json *bench_report(const struct bench_result *r);

/* Write it to standard output in the format asked for, and to the files asked for. 0 or a code. */
int bench_report_write(const struct bench_options *o, const struct json *report, struct err *e);

#endif

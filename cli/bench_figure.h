/* bench_figure.h - the figures by which results are judged: the report is written from this table,
 * and read by it again (compare, conditions on the command line). */
#ifndef CLI_BENCH_FIGURE_H
#define CLI_BENCH_FIGURE_H

#include "base/json.h"
#include "cli/bench_report.h"

struct bench_figure {
    const char *name;    /* as people write it: "rate", "p99.9" */
    const char *object;  /* of the report it stands in; NULL: the report itself */
    const char *field;   /* its name there: "p999" */
    const char *unit;    /* "/s", "MB/s", "us" */
    bool more_is_better; /* else less is */
    bool headline;       /* told even in short */
    bool fault;          /* a count of what went wrong: told where there is any */
};

size_t bench_figures(void); /* how many there are */
/* The ith (from 0), in the order in which they are told. */
struct bench_figure bench_figure_at(size_t i);
/* The one of that name, as people write it or as the report does; false: there is none. */
bool bench_figure_find(struct span name, struct bench_figure *m);

/* Its value in a report; NaN if that has none. */
double bench_figure_of(const struct json *report, const struct bench_figure *m);
/* Put the rates and costs into the report: all but the latencies (bench_latency_json) and the
 * counts of faults, which are there as counts. */
void bench_figures_put(struct json *report, const struct bench_result *r);

#endif

/* bench_step.h - a step of a ramp or of a search: the load at one rate, and whether it was kept.
 *
 * A rate is kept if the answers came at (nearly) that rate, one after the other, and if no backlog
 * grew. How long each answer took is another matter: a broker may keep a rate and be slow.
 */
#ifndef CLI_BENCH_STEP_H
#define CLI_BENCH_STEP_H

#include "cli/bench_report.h"

enum {
    STEP_METRICS = 5,
    STEP_WHY = 200,
    STEP_REQUESTS_MIN = 10, /* with fewer nothing can be said of a rate */
};
/* p50, p90, p99, p99.9, max; their names are those of the rows' fields. */
extern const struct bench_quantile step_metrics[STEP_METRICS];

struct step {
    const char *phase; /* of a search; NULL: a step of a ramp */
    int64_t rate;      /* records a second that were due */
    double achieved;   /* and those that were answered */
    double us[STEP_METRICS];
    double lag_p50_us, lag_p99_us; /* how late the bench itself was */
    uint64_t failed;               /* records */
    uint64_t waiting;              /* requests without room on a connection when the last was due */
    double busiest;                /* share of the time that the busiest thread of the bench ran */
    bool kept;                     /* the rate was kept, */
    bool holds;                    /* and all that a search asks for too */
    char why[STEP_WHY];            /* why not; empty if so */
    struct json *caveats;          /* bench_caveats of it; owned */
};

/* How many latencies a step at that rate has. */
double step_samples(const struct bench_options *o, int64_t rate);
/* Fill s, but for its phase, from a run in open loop. step_release when done. */
void step_judge(struct step *s, const struct bench_result *r);
void step_release(struct step *s);
struct json *step_json(const struct step *s);

/* Steps as rows. */
struct out *step_rows(FILE *f, enum out_format format, bool header, bool search);
/* 0 or a negative code. */
int step_put(struct out *rows, const struct step *s);

#endif

#include "cli/bench_caveats.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LATE_NS = 1000000, LATE_MAX_NS = 5000000 }; /* what is worth a word */
#define QUEUED_SHARE 0.01
#define LAG_SHARE 0.1     /* of the median latency that may be the generator's own */
#define CEILING_SHARE 0.5 /* the generator is to drive twice what the broker takes */

/* The records of a request share its fate: where each is timed, they are still one observation. */
static void of_samples(struct json *all, const struct bench_result *r)
{
    const struct hdr *h = r->latency;
    uint64_t requests = r->stats->requests < h->count ? r->stats->requests : h->count;
    char names[80] = "";
    if (!h->count) {
        json_push_text(all, "nothing was measured");
        return;
    }
    for (int i = 0; i < BENCH_QUANTILES; i++) {
        const struct bench_quantile *q = &bench_quantiles[i];
        size_t n = strlen(names);
        if (q->p > 0 && q->p < 100 && (double)requests * (100 - q->p) / 100 < CAVEAT_SAMPLES_ABOVE)
            snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "", q->name);
    }
    if (*names)
        json_push_text(all, "too short for %s: of %" PRIu64 " requests fewer than %d lie above",
                       names, requests, CAVEAT_SAMPLES_ABOVE);
}

static void of_failures(struct json *all, const struct bench_result *r)
{
    const struct bench_stats *s = bench_result_load(r);
    if (s->failed_requests)
        json_push_text(all,
                       "%" PRIu64 " of %" PRIu64
                       " requests failed: the latencies are those of the others",
                       s->failed_requests, s->failed_requests + s->requests);
    if (s->retried_requests)
        json_push_text(
            all,
            "%" PRIu64 " answers brought an error and were asked for again: the latencies "
            "count the wait%s%s",
            s->retried_requests, r->trouble ? "; the first: " : "", r->trouble ? r->trouble : "");
}

/* What is not there did not cost any time. */
static void of_checks(struct json *all, const struct bench_result *r)
{
    const struct check_counts *c = r->checked;
    if (c && !check_counts_clean(c))
        json_push_text(all,
                       "the check failed: %" PRIu64 " lost, %" PRIu64 " duplicated, %" PRIu64
                       " reordered, %" PRIu64 " altered",
                       c->lost, c->duplicated, c->reordered, c->altered);
    if (r->bad_offsets)
        json_push_text(all, "%" PRIu64 " acknowledgements had an offset that cannot be",
                       r->bad_offsets);
}

/* Was the generator late by itself, or the load held up on full connections? */
static void of_schedule(struct json *all, const struct bench_result *r)
{
    const struct hdr *late = &r->paced->late;
    double rate = bench_stats_rate(bench_result_load(r));
    uint64_t p99 = hdr_percentile(late, 99);
    if (p99 > LATE_NS || (late->max > LATE_MAX_NS && late->max > r->latency->max / 2))
        json_push_text(
            all,
            "the bench itself began requests late (p99 %.1f ms, max %.1f ms), and the latencies "
            "count it",
            (double)p99 / 1e6, (double)late->max / 1e6);
    uint64_t lag = hdr_percentile(late, 50), p50 = hdr_percentile(r->latency, 50);
    if ((double)lag > LAG_SHARE * (double)p50)
        json_push_text(all,
                       "the bench itself began half of the requests %.0f us late or later, of a "
                       "median latency of %.0f us",
                       (double)lag / 1e3, (double)p50 / 1e3);
    if ((double)r->paced->no_room > QUEUED_SHARE * (double)late->count)
        json_push_text(
            all,
            "%.1f %% of the requests found their connection full when they were due and waited: "
            "if the broker was not the cause, give more clients (-c) or --in-flight",
            100 * (double)r->paced->no_room / (double)late->count);
    if (rate > 0 && rate < BENCH_RATE_KEPT * (double)r->opt->rate)
        json_push_text(all,
                       "the load fell behind: %.0f records/s were answered, %" PRId64 " were due",
                       rate, r->opt->rate);
}

static void of_generator(struct json *all, const struct bench_result *r)
{
    double rate = r->elapsed_ns > 0 ? (double)r->records * 1e9 / (double)r->elapsed_ns : 0;
    if (r->cost.busiest > BENCH_BUSY)
        json_push_text(
            all,
            "a thread of the bench was busy %.0f %% of the time: this may be its limit and not the "
            "broker's (--threads)",
            100 * r->cost.busiest);
    else if (bench_cost_taken(&r->cost) > BENCH_BUSY)
        json_push_text(all,
                       "a thread of the bench was busy %.0f %% of the time and waited for a "
                       "processor %.0f %%: "
                       "what the broker answered in that time counts as later than it was",
                       100 * r->cost.busiest, 100 * r->cost.waiting);
    if (r->ceiling > 0 && rate > CEILING_SHARE * r->ceiling)
        json_push_text(
            all,
            "this is %.0f %% of what the bench can drive at these settings: above half of it, what "
            "it takes itself is a good part of what it measures",
            100 * rate / r->ceiling);
}

struct json *bench_caveats(const struct bench_result *r)
{
    struct json *all = json_new_array();
    if (r->interrupted)
        json_push_text(all, "interrupted: this covers what was done by then");
    if (r->behind)
        json_push_text(all, "%safter the load: %s",
                       r->opt->validate && !r->checked ? "not validated: " : "", r->behind);
    of_samples(all, r);
    of_failures(all, r);
    of_checks(all, r);
    if (r->paced && r->latency->count)
        of_schedule(all, r);
    of_generator(all, r);
    return all;
}

#include "cli/bench_outcome.h"

int outcome_check(const struct bench_session *s)
{
    if (s->run->bad_offsets || (s->checked && !check_counts_clean(&s->counts))) {
        if (s->run->bad_offsets)
            cli_error("%s", s->run->first.text);
        else
            cli_error("the check failed: %llu lost, %llu duplicated, %llu reordered, %llu altered",
                      (unsigned long long)s->counts.lost, (unsigned long long)s->counts.duplicated,
                      (unsigned long long)s->counts.reordered,
                      (unsigned long long)s->counts.altered);
        return CLI_CHECK;
    }
    return s->run->interrupted ? CLI_INTERRUPTED : CLI_OK;
}

int outcome_status(const struct bench_session *s)
{
    const struct bench_options *o = s->opt;
    const struct bench_stats *st = &s->run->load;
    int status = outcome_check(s);
    if (status || !st->failed_requests)
        return status;
    bool expected = o->keep_going && st->requests;
    (expected ? cli_warn : cli_error)(
        "%llu of %llu requests failed, the first: %s", (unsigned long long)st->failed_requests,
        (unsigned long long)(st->failed_requests + st->requests), s->run->first.text);
    return expected ? CLI_OK : CLI_FAILED;
}

int outcome_worse(int first, int second)
{
    static const int worst[] = {CLI_CHECK, CLI_INTERRUPTED};
    for (size_t i = 0; i < sizeof worst / sizeof *worst; i++)
        if (first == worst[i] || second == worst[i])
            return worst[i];
    return first ? first : second;
}

static void round_trip_result(struct bench_result *r, const struct run *run)
{
    const struct bench_stats *t = &run->stats[METRIC_END_TO_END];
    r->latency = &t->latency;
    r->records = t->records;
    r->bytes = t->bytes;
    r->more[0] = (struct bench_timing){"ack_latency", &run->stats[METRIC_MAIN].latency};
    r->more[1] = (struct bench_timing){"service", &run->stats[METRIC_MAIN].service};
}

static void metadata_result(struct bench_result *r, const struct run *run)
{
    r->more[1] = (struct bench_timing){"create", &run->stats[METRIC_CREATE].latency};
    r->more[2] = (struct bench_timing){"delete", &run->stats[METRIC_DELETE].latency};
}

struct bench_result outcome_result(const struct bench_session *s)
{
    const struct run *run = s->run;
    const struct bench_stats *st = &run->stats[METRIC_MAIN];
    struct bench_result r = {
        .opt = s->opt,
        .b = &s->b,
        .stats = st,
        .load = &run->load,
        .latency = &st->latency,
        .more = {{"service", &st->service}},
        .elapsed_ns = run->elapsed_ns,
        .records = st->records,
        .bytes = st->bytes,
        .threads = run->n_workers,
        .checked = s->checked ? &s->counts : NULL,
        .bad_offsets = run->bad_offsets,
        .cost = run->cost,
        .paced = run->plan.rate && run->plan.kind->paced ? &run->paced : NULL,
        .series = &run->series,
        .interrupted = run->interrupted,
        .trouble = run->first.code ? run->first.text : NULL,
    };
    if (s->opt->mode == BENCH_ROUND_TRIP)
        round_trip_result(&r, run);
    if (s->opt->mode == BENCH_METADATA && s->opt->create_topic)
        metadata_result(&r, run);
    return r;
}

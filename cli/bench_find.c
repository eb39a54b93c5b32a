#include "cli/bench_find.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/bench_caveats.h"
#include "cli/bench_outcome.h"
#include "cli/bench_search.h"
#include "cli/bench_slo.h"
#include "cli/bench_steps.h"

struct find {
    const struct bench_options *o;
    struct slo slos[SLO_MAX];
    size_t n_slos;
    struct search search;
    struct steps steps;
};

static void add_why(struct step *st, const struct slo *slo)
{
    char time[32];
    size_t n = strlen(st->why);
    snprintf(st->why + n, sizeof st->why - n, "%s%s was %s, not %s", n ? "; " : "",
             step_metrics[slo->metric].title, slo_time(st->us[slo->metric], time, sizeof time),
             slo->below.text);
}

/* The rate has to be kept, without a failure, and every latency to be as asked. */
static void judge(const struct find *f, struct step *st)
{
    if (!st->kept)
        return;
    if (st->failed)
        snprintf(st->why, sizeof st->why, "%" PRIu64 " records failed", st->failed);
    for (size_t i = 0; i < f->n_slos; i++)
        if (!slo_holds(&f->slos[i], st->us[f->slos[i].metric]))
            add_why(st, &f->slos[i]);
    st->holds = !*st->why;
}

static int probe(struct find *f, struct err *e)
{
    struct search *s = &f->search;
    struct step *st = steps_run(&f->steps, s->next, search_phase_name(s->phase), e);
    if (!st)
        return e->code;
    judge(f, st);
    search_learn(s, st->holds);
    return steps_tell(&f->steps, e);
}

static int run(struct find *f, struct err *e)
{
    int rc = 0;
    while (!rc && f->search.phase != SEARCH_DONE && f->steps.status != CLI_CHECK)
        rc = probe(f, e);
    return rc;
}

static bool answered(const struct find *f)
{
    return f->search.phase == SEARCH_DONE && f->search.held;
}

/* The last step at that rate that did (not) hold; NULL: there is none. */
static const struct step *step_at(const struct find *f, int64_t rate, bool holds)
{
    const struct step *found = NULL;
    for (size_t i = 0; i < f->steps.n; i++)
        if (f->steps.v[i].rate == rate && f->steps.v[i].holds == holds)
            found = &f->steps.v[i];
    return found;
}

static struct json *rate_json(int64_t rate)
{
    return rate ? json_new_int(rate) : json_new_null();
}

static struct json *found_json(const struct find *f)
{
    struct json *j = json_new_object(), *slos = json_new_array();
    for (size_t i = 0; i < f->n_slos; i++)
        json_push(slos, json_new_str(span_str(f->slos[i].below.text)));
    json_set_int(j, "rate_limit", f->o->rate); /* of a single run: none */
    json_set(j, "slo", slos);
    json_set_int(j, "lowest_rate", f->o->lowest_rate);
    json_set_int(j, "resolution_pct", f->o->resolution);
    json_set_real(j, "step_secs", (double)f->o->duration_ms / 1e3);
    json_set(j, "max_rate", rate_json(answered(f) ? f->search.held : 0));
    json_set(j, "refused_rate", rate_json(f->search.refused));
    return j;
}

static void tell(const struct find *f)
{
    const struct search *s = &f->search;
    FILE *out = stdout;
    const struct step *held = answered(f) ? step_at(f, s->held, true) : NULL;
    const struct step *refused = step_at(f, s->refused, false);
    if (held)
        fprintf(out, "%-13s %" PRId64 " records/s held twice\n", "maximum", s->held);
    if (refused)
        fprintf(out, "%-13s %" PRId64 " records/s: %s\n", "refused", refused->rate, refused->why);
    steps_tell_ceiling(&f->steps, out);
    if (held)
        steps_warn(held, out);
    if (refused) /* was it the broker's limit? */
        steps_warn(refused, out);
}

/* The status of a search that came to its end. */
static int status_of(const struct find *f)
{
    const struct step *st = step_at(f, f->search.refused, false);
    if (f->steps.status || answered(f) || !st)
        return f->steps.status;
    cli_error("no rate holds: at %" PRId64 " records/s, the lowest, %s", st->rate, st->why);
    return CLI_CHECK;
}

/* What is known of a percentile with hardly a sample above it is chance. */
static int check_samples(const struct slo *slo, const struct bench_options *o)
{
    double p = step_metrics[slo->metric].p, samples = step_samples(o, o->lowest_rate);
    double above = samples * (100 - p) / 100;
    if (p >= 100 || above > CAVEAT_SAMPLES_ABOVE - 1e-6)
        return CLI_OK;
    return cli_misuse(
        "--slo '%s': of the %.0f requests of the lowest rate, %" PRId64
        " records/s for %g s, %.1f lie above %s, and %d have to: give more --duration "
        "or --lowest-rate",
        slo->below.text, samples, o->lowest_rate, (double)o->duration_ms / 1e3, above,
        step_metrics[slo->metric].title, CAVEAT_SAMPLES_ABOVE);
}

static int take_slos(struct find *f)
{
    const struct opt_list *texts = &f->o->slo;
    struct err e;
    if (texts->n > SLO_MAX)
        return cli_misuse("--slo: these are more than %d", SLO_MAX);
    int status = CLI_OK;
    for (; f->n_slos < texts->n && !status; f->n_slos++) {
        if (slo_parse(&f->slos[f->n_slos], texts->v[f->n_slos], &e))
            return cli_misuse("--slo: %s", e.text);
        status = check_samples(&f->slos[f->n_slos], f->o);
    }
    return status;
}

int bench_find(const struct bench_options *o)
{
    struct find f = {.o = o};
    struct err why, e;
    int status = take_slos(&f);
    if (status)
        return status;
    search_init(&f.search, o->lowest_rate, BENCH_RATE_MAX, (double)o->resolution / 100);
    int rc = steps_init(&f.steps, o, true, &why);
    if (!rc)
        rc = run(&f, &why);
    if (f.steps.n && o->common.format == OUT_TEXT)
        tell(&f);
    status = rc ? outcome_worse(f.steps.status, (int)cli_fail(&why)) : status_of(&f);
    if (steps_finish(&f.steps, found_json(&f), rc ? &why : NULL, &e))
        status = outcome_worse(status, (int)cli_fail(&e));
    steps_release(&f.steps);
    return status;
}

#include "cli/bench_ramp.h"

#include <inttypes.h>

#include "cli/bench_outcome.h"
#include "cli/bench_steps.h"

/* What a ramp finds out. The steps behind the first that was not kept do not change it, whatever
 * became of them. */
struct found {
    const struct step *kept, *behind; /* the last before it, and that one; NULL: there is none */
};

static struct found find(const struct steps *s)
{
    struct found f = {0};
    for (size_t i = 0; i < s->n && !f.behind; i++)
        *(s->v[i].kept ? &f.kept : &f.behind) = &s->v[i];
    return f;
}

static struct json *rate_json(const struct step *st)
{
    return st ? json_new_int(st->rate) : json_new_null();
}

static struct json *found_json(const struct bench_options *o, const struct found *f)
{
    struct json *j = json_new_object();
    json_set_int(j, "rate_limit", o->rate); /* of a single run: none */
    json_set_str(j, "ramp", o->ramp);
    json_set_real(j, "step_secs", (double)o->duration_ms / 1e3);
    json_set(j, "kept_up_to", rate_json(f->kept));
    json_set(j, "fell_behind_at", rate_json(f->behind));
    return j;
}

static void tell(const struct steps *s, const struct found *f)
{
    FILE *out = stdout;
    if (f->kept)
        fprintf(out, "%-13s to %" PRId64 " records/s\n", "kept up", f->kept->rate);
    if (f->behind)
        fprintf(out, "%-13s at %" PRId64 " records/s: %s\n", "fell behind", f->behind->rate,
                f->behind->why);
    steps_tell_ceiling(s, out);
    for (size_t i = 0; i < s->n && (!f->behind || &s->v[i] <= f->behind); i++)
        steps_warn(&s->v[i], out);
}

static int run_steps(struct steps *s, struct err *e)
{
    const struct rates *rates = &s->opt->rates;
    for (int64_t rate = rates_next(rates, 0); rate && s->status != CLI_CHECK;
         rate = rates_next(rates, rate)) {
        if (!steps_run(s, rate, NULL, e) || steps_tell(s, e))
            return e->code;
    }
    return 0;
}

int bench_ramp(const struct bench_options *o)
{
    struct steps s;
    struct err why, e;
    int rc = steps_init(&s, o, false, &why);
    if (!rc)
        rc = run_steps(&s, &why);
    struct found f = find(&s);
    if (s.n && o->common.format == OUT_TEXT)
        tell(&s, &f);
    int status = rc ? outcome_worse(s.status, (int)cli_fail(&why)) : s.status;
    if (steps_finish(&s, found_json(o, &f), rc ? &why : NULL, &e))
        status = outcome_worse(status, (int)cli_fail(&e));
    steps_release(&s);
    return status;
}

#include "cli/bench_slo.h"

#include <stdio.h>
#include <string.h>

#include "cli/bench_step.h"

int slo_parse(struct slo *s, const char *text, struct err *e)
{
    int rc = bench_condition_parse(&s->below, text, e), i = 0;
    if (rc)
        return rc;
    while (i < STEP_METRICS && strcmp(step_metrics[i].title, s->below.figure.name) != 0)
        i++;
    s->metric = i;
    if (i < STEP_METRICS && !s->below.more && !s->below.relative && s->below.bound > 0)
        return 0;
    return err_set(e, ERR_INVALID,
                   "'%.80s': what has to hold is like p99<5ms: one of p50, p90, p99, p99.9 and max "
                   "below a time",
                   text);
}

bool slo_holds(const struct slo *s, double us)
{
    return bench_condition_met(&s->below, 0, us);
}

const char *slo_time(double us, char *out, size_t size)
{
    static const struct {
        const char *name;
        double us;
    } units[] = {{"s", 1e6}, {"ms", 1e3}, {"us", 1}};
    int i = 0;
    while (us < units[i].us && units[i].us > 1)
        i++;
    snprintf(out, size, "%.4g %s", us / units[i].us, units[i].name);
    return out;
}

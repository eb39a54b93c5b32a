#include "cli/bench_condition.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int complain(const char *text, struct err *e, const char *why)
{
    return err_set(e, ERR_INVALID, "'%.80s': %s", text, why);
}

static int unknown_figure(const char *text, struct err *e)
{
    char names[240] = "";
    for (size_t i = 0; i < bench_figures(); i++) {
        size_t n = strlen(names);
        snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "", bench_figure_at(i).name);
    }
    return err_set(e, ERR_INVALID, "'%.80s': a figure is one of %s", text, names);
}

/* What stands behind a number, as a factor to the figure's unit; 0: nothing that may. */
static double factor(const char *unit, const struct bench_figure *f)
{
    static const struct {
        const char *name;
        double us;
    } times[] = {{"us", 1}, {"ms", 1e3}, {"s", 1e6}};
    if (strcmp(f->unit, "us") != 0)
        return !*unit || !strcmp(unit, f->unit);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        if (!strcmp(unit, times[i].name))
            return times[i].us;
    return 0;
}

static int parse_bound(struct bench_condition *c, const char *bound, struct err *e)
{
    char *end;
    size_t digits = strspn(bound, "+-.0123456789");
    c->bound = strtod(bound, &end);
    if (!digits || end != bound + digits || !isfinite(c->bound))
        return complain(c->text, e, "a number is expected behind the sign");
    c->relative = !strcmp(end, "%");
    if (c->relative)
        return 0;
    double scale = factor(end, &c->figure);
    if (scale <= 0)
        return complain(c->text, e,
                        strcmp(c->figure.unit, "us")
                            ? "the bound is a change in percent or a plain number"
                            : "the bound is a change in percent or a time in us, ms or s");
    if (*bound == '+' || *bound == '-')
        return complain(c->text, e, "only a change in percent has a sign");
    c->bound *= scale;
    return 0;
}

int bench_condition_parse(struct bench_condition *c, const char *text, struct err *e)
{
    size_t name = strcspn(text, "<>");
    *c = (struct bench_condition){.text = text};
    if (!text[name])
        return complain(text, e, "a condition is like p99>+10% or rate<100000");
    if (!bench_figure_find(span_of(text, name), &c->figure))
        return unknown_figure(text, e);
    c->more = text[name] == '>';
    c->equal = text[name + 1] == '=';
    return parse_bound(c, text + name + 1 + c->equal, e);
}

double bench_change_pct(double a, double b)
{
    if (a <= 0)
        return b > 0 ? INFINITY : 0;
    return 100 * (b - a) / a;
}

bool bench_condition_met(const struct bench_condition *c, double a, double b)
{
    double v = c->relative ? bench_change_pct(a, b) : b;
    if (c->more)
        return c->equal ? v >= c->bound : v > c->bound;
    return c->equal ? v <= c->bound : v < c->bound;
}

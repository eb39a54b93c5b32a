/* bench_contrast.c - two sets of results as one document: each pair of alike work with its figures,
 * and what to know before believing them. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/bench_compare.h"
#include "cli/bench_setting.h"
#include "cli/bench_weigh.h"

/* Ranges that lie apart so often by chance alone are worth a word. */
#define CHANCE_PCT 5
/* So are runs of one side that took so many times as long as the other's. */
#define UNLIKE_TIMES 1.5

static void note_chance(struct json *notes, const struct bench_pair *p)
{
    double chance = bench_chance_pct(p->a.n, p->b.n);
    if (p->a.n == 1 || p->b.n == 1)
        json_push_text(notes, "one run has no range, so nothing is claimed: five a side would do");
    else if (chance > CHANCE_PCT)
        json_push_text(
            notes,
            "the ranges of %zu and %zu runs of the very same thing lie apart by chance in %.0f %% "
            "of cases: five a side would do",
            p->a.n, p->b.n, chance);
}

static int note_duration(struct json *notes, const struct bench_pair *p)
{
    static const struct bench_figure duration = {.field = "duration_secs"};
    struct bench_spread a, b;
    int rc = bench_spread_of(&a, &p->a, &duration);
    if (!rc)
        rc = bench_spread_of(&b, &p->b, &duration);
    if (!rc && (a.median > b.median * UNLIKE_TIMES || b.median > a.median * UNLIKE_TIMES))
        json_push_text(
            notes, "the runs took %.1f s and %.1f s: the longer ones had more time for rare events",
            a.median, b.median);
    return rc;
}

/* A field of a report, or of an object in it. */
static const struct json *field_of(const struct json *report, const char *object, const char *field)
{
    return json_get(object ? json_get(report, object) : report, field);
}

/* What the first run of the group has there that has something else; NULL: none. */
static const struct json *other(const struct bench_group *g, const char *object, const char *field,
                                const struct json *than)
{
    for (size_t i = 0; i < g->n; i++) {
        const struct json *v = field_of(g->v[i], object, field);
        if (bench_values_differ(v, than))
            return v;
    }
    return NULL;
}

static void note_difference(struct json *notes, const struct bench_pair *p, const char *object,
                            const char *field, const char *begin, const char *title)
{
    char x[120], y[120];
    const struct json *first = field_of(p->a.v[0], object, field);
    const struct json *found = other(&p->a, object, field, first);
    if (!found)
        found = other(&p->b, object, field, first);
    if (found)
        json_push_text(notes, "%s %s: %s and %s", begin, title,
                       bench_value_text(first, x, sizeof x), bench_value_text(found, y, sizeof y));
}

/* What does not make the load another one, but may well make a difference. */
static void note_settings(struct json *notes, const struct bench_pair *p)
{
    for (size_t i = 0; i < n_bench_settings; i++)
        if (bench_settings[i].noted)
            note_difference(notes, p, NULL, bench_settings[i].field, "the runs differ in",
                            bench_settings[i].title);
}

static void note_environment(struct json *notes, const struct bench_pair *p)
{
    static const char *const fields[][2] = {{"cpu", "processors"},
                                            {"cores", "numbers of cores"},
                                            {"memory_bytes", "sizes of memory"},
                                            {"kernel", "kernels"},
                                            {"chronik_version", "versions of the bench"}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        note_difference(notes, p, "environment", fields[i][0], "measured with different",
                        fields[i][1]);
}

/* < 0: a is earlier. These are times as reports have them, the text of which sorts. */
static int compare_times(struct span a, struct span b)
{
    int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
    return order ? order : (a.n > b.n) - (a.n < b.n);
}

/* The first or the last time of a group; p NULL if a run does not tell its own. */
static struct span time_of(const struct bench_group *g, bool last)
{
    struct span found = {0};
    for (size_t i = 0; i < g->n; i++) {
        struct span s = json_str(field_of(g->v[i], "environment", "time"));
        if (!s.p)
            return s;
        if (!found.p || (compare_times(s, found) > 0) == last)
            found = s;
    }
    return found;
}

static bool is_older(const struct bench_group *a, const struct bench_group *b)
{
    struct span last = time_of(a, true), first = time_of(b, false);
    return last.p && first.p && compare_times(last, first) < 0;
}

static void note_order(struct json *notes, const struct bench_pair *p)
{
    bool a_first = is_older(&p->a, &p->b);
    if (a_first || is_older(&p->b, &p->a))
        json_push_text(notes,
                       "all runs of %s are older than all of %s: a drift of the machine cannot be "
                       "told from a difference (take turns)",
                       a_first ? "A" : "B", a_first ? "B" : "A");
}

/* The next character but for numbers, which differ from run to run; 0 at the end. */
static int next_letter(struct span *s)
{
    while (s->n && *s->p >= '0' && *s->p <= '9') {
        s->p++;
        s->n--;
    }
    if (!s->n)
        return 0;
    s->n--;
    return *s->p++;
}

static bool same_warning(struct span a, struct span b)
{
    int x, y;
    do {
        x = next_letter(&a);
        y = next_letter(&b);
    } while (x && x == y);
    return x == y;
}

static size_t runs_that_warn(const struct bench_group *g, size_t upto, struct span of)
{
    size_t n = 0;
    for (size_t i = 0; i < upto; i++) {
        const struct json *all = json_get(g->v[i], "warnings");
        bool found = false;
        for (size_t k = 0; !found && k < json_len(all); k++)
            found = same_warning(json_str(json_at(all, k)), of);
        n += found;
    }
    return n;
}

/* What the runs themselves warned of, each once, in the words of the first. */
static void note_warnings(struct json *notes, const struct bench_group *g, const char *side)
{
    for (size_t i = 0; i < g->n; i++) {
        const struct json *all = json_get(g->v[i], "warnings");
        for (size_t k = 0; k < json_len(all); k++) {
            struct span s = json_str(json_at(all, k));
            if (s.p && !runs_that_warn(g, i, s))
                json_push_text(notes, "%s, %zu of %zu runs: %.*s", side, runs_that_warn(g, g->n, s),
                               g->n, (int)(s.n < 400 ? s.n : 400), (const char *)s.p);
        }
    }
}

/* Does b have what a has none of? A figure that a does not tell counts as none. */
static int fault_of(const struct bench_pair *p, const struct bench_figure *f, bool *found,
                    struct bench_spread *b)
{
    struct bench_spread a;
    int rc = bench_spread_of(&a, &p->a, f);
    if (!rc)
        rc = bench_spread_of(b, &p->b, f);
    *found = !rc && f->fault && b->n && b->max > 0 && !(a.n && a.max > 0);
    return rc;
}

static int note_faults(struct json *notes, const struct bench_pair *p)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < bench_figures(); i++) {
        struct bench_figure f = bench_figure_at(i);
        struct bench_spread b;
        bool found;
        rc = fault_of(p, &f, &found, &b);
        if (found)
            json_push_text(notes, "B has %s %s, up to %.0f a run, and A has none", f.name, f.unit,
                           b.max);
    }
    return rc;
}

static int add_notes(struct json *pair, const struct bench_pair *p)
{
    struct json *notes = json_new_array();
    int rc = note_faults(notes, p);
    note_chance(notes, p);
    if (!rc)
        rc = note_duration(notes, p);
    note_order(notes, p);
    note_settings(notes, p);
    note_environment(notes, p);
    note_warnings(notes, &p->a, "A");
    note_warnings(notes, &p->b, "B");
    json_set(pair, "notes", notes);
    return rc;
}

static struct json *work_of(const struct bench_pair *p)
{
    struct json *work = json_new_object();
    for (size_t i = 0; i < n_bench_settings; i++) {
        const struct bench_setting *s = &bench_settings[i];
        const struct json *v = json_get(p->a.v[0], s->field);
        if (s->shapes && json_type_of(v) != JSON_T_NULL)
            json_set(work, s->field, json_clone(v));
    }
    return work;
}

static double rounded(double v, double to)
{
    return round(v * to) / to;
}

static void put_spread(struct json *row, char side, const struct bench_spread *s)
{
    const struct {
        const char *name;
        double v;
    } parts[] = {{"median", s->median}, {"min", s->min}, {"max", s->max}};
    char key[16];
    for (size_t i = 0; i < 3; i++) {
        snprintf(key, sizeof key, "%c_%s", side, parts[i].name);
        json_set_real(row, key, rounded(parts[i].v, 1000));
    }
}

static int add_figure(struct json *figures, const struct bench_pair *p,
                      const struct bench_figure *f)
{
    struct bench_spread a, b;
    int rc = bench_spread_of(&a, &p->a, f);
    if (!rc)
        rc = bench_spread_of(&b, &p->b, f);
    if (rc || (f->fault && !(a.max > 0) && !(b.max > 0)))
        return rc;
    struct json *row = json_new_object();
    json_set_str(row, "figure", f->name);
    json_set_str(row, "unit", f->unit);
    put_spread(row, 'a', &a);
    put_spread(row, 'b', &b);
    json_set_real(row, "ratio", rounded(b.median / a.median, 10000));
    json_set_real(row, "change_pct", rounded(bench_change_pct(a.median, b.median), 100));
    json_set_str(row, "verdict", bench_verdict_name(bench_weigh(&a, &b, f->more_is_better)));
    json_push(figures, row);
    return 0;
}

static int add_pair(struct json *pairs, const struct bench_pair *p)
{
    struct json *pair = json_new_object(), *figures = json_new_array();
    char text[320];
    int rc = 0;
    bench_settings_text(p->a.v[0], text, sizeof text);
    json_set_str(pair, "title", text);
    json_set(pair, "work", work_of(p));
    json_set_int(pair, "a_runs", (int64_t)p->a.n);
    json_set_int(pair, "b_runs", (int64_t)p->b.n);
    for (size_t i = 0; !rc && i < bench_figures(); i++) {
        struct bench_figure f = bench_figure_at(i);
        rc = add_figure(figures, p, &f);
    }
    json_set(pair, "figures", figures);
    if (!rc)
        rc = add_notes(pair, p);
    json_push(pairs, pair);
    return rc;
}

/* ---- conditions ---- */

struct judging {
    const struct bench_comparison *c;
    struct json *conditions, *faults;
    bool good;
};

static int judge(struct judging *j, const struct bench_condition *c, size_t pair, struct err *e)
{
    const struct bench_pair *p = &j->c->pairs.v[pair];
    struct bench_spread a, b;
    int rc = bench_spread_of(&a, &p->a, &c->figure);
    if (!rc)
        rc = bench_spread_of(&b, &p->b, &c->figure);
    if (rc)
        return err_code(e, rc, "'%s'", c->text);
    if (!b.n || (!a.n && c->relative))
        return err_set(e, ERR_INVALID, "'%s': the results in %s do not tell %s", c->text,
                       b.n ? j->c->a.path : j->c->b.path, c->figure.name);
    bool met = bench_condition_met(c, a.median, b.median);
    struct json *row = json_new_object();
    json_set_str(row, "condition", c->text);
    json_set_int(row, "pair", (int64_t)pair);
    json_set_str(row, "figure", c->figure.name);
    json_set_str(row, "unit", c->figure.unit);
    json_set_real(row, "a_median", rounded(a.median, 1000));
    json_set_real(row, "b_median", rounded(b.median, 1000));
    json_set_real(row, "change_pct", rounded(bench_change_pct(a.median, b.median), 100));
    json_set_str(row, "verdict", bench_verdict_name(bench_weigh(&a, &b, c->figure.more_is_better)));
    json_set_bool(row, "met", met);
    json_push(j->conditions, row);
    j->good = j->good && !met;
    return 0;
}

static bool is_judged(const struct bench_comparison *c, const struct bench_figure *f)
{
    for (size_t i = 0; i < c->n_conditions; i++)
        if (!strcmp(c->conditions[i].figure.name, f->name))
            return true;
    return false;
}

/* Faults that nobody said anything about are held against b: a broker that refuses or loses records
 * may well be fast with the others. */
static int judge_faults(struct judging *j, size_t pair)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < bench_figures(); i++) {
        struct bench_figure f = bench_figure_at(i);
        struct bench_spread b;
        bool found;
        rc = fault_of(&j->c->pairs.v[pair], &f, &found, &b);
        if (!found || is_judged(j->c, &f))
            continue;
        struct json *row = json_new_object();
        json_set_int(row, "pair", (int64_t)pair);
        json_set_str(row, "figure", f.name);
        json_set_str(row, "unit", f.unit);
        json_set_real(row, "b_max", b.max);
        json_push(j->faults, row);
        j->good = false;
    }
    return rc;
}

static struct json *side(const struct bench_results *r)
{
    struct json *j = json_new_object();
    json_set_str(j, "file", r->path);
    json_set_int(j, "results", (int64_t)r->n);
    return j;
}

int bench_contrast(const struct bench_comparison *c, struct json **document, struct err *e)
{
    struct json *doc = json_new_object(), *pairs = json_new_array();
    struct judging j = {c, json_new_array(), json_new_array(), true};
    int rc = 0;
    for (size_t i = 0; !rc && i < c->pairs.n; i++)
        rc = add_pair(pairs, &c->pairs.v[i]);
    for (size_t i = 0; !rc && i < c->pairs.n; i++)
        rc = judge_faults(&j, i);
    if (rc)
        err_code(e, rc, "comparison");
    for (size_t i = 0; i < c->pairs.n; i++)
        for (size_t k = 0; !rc && k < c->n_conditions; k++)
            rc = judge(&j, &c->conditions[k], i, e);
    json_set(doc, "a", side(&c->a));
    json_set(doc, "b", side(&c->b));
    json_set(doc, "pairs", pairs);
    json_set(doc, "conditions", j.conditions);
    json_set(doc, "faults", j.faults);
    json_set_bool(doc, "good", j.good);
    if (rc)
        json_free(doc);
    else
        *document = doc;
    return rc;
}

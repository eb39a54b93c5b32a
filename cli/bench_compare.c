#include "cli/bench_compare.h"

#include <errno.h>
#include <stdlib.h>

#include "cli/bench_page.h"

static int parse_conditions(struct bench_comparison *c, const struct opt_list *texts)
{
    struct err e;
    c->conditions = calloc(texts->n + 1, sizeof *c->conditions);
    if (!c->conditions) {
        err_code(&e, -ENOMEM, "--fail-on");
        return (int)cli_fail(&e);
    }
    for (size_t i = 0; i < texts->n; i++)
        if (bench_condition_parse(&c->conditions[c->n_conditions++], texts->v[i], &e))
            return (int)cli_misuse("--fail-on %s", e.text);
    return 0;
}

static int read_both(struct bench_comparison *c, const struct opt_args *args, struct err *e)
{
    int rc = bench_results_read(&c->a, args->operands[0], e);
    if (!rc)
        rc = bench_results_read(&c->b, args->operands[1], e);
    return rc ? rc : bench_pairs_make(&c->pairs, &c->a, &c->b, e);
}

static int write_out(const struct bench_options *o, const struct json *document, struct err *e)
{
    int rc = 0;
    switch ((enum out_format)o->common.format) {
    case OUT_JSON:
    case OUT_JSONL:
        rc = json_write(document, stdout, o->common.format == OUT_JSON ? 2 : 0);
        fputc('\n', stdout);
        break;
    case OUT_CSV:
        rc = bench_contrast_csv(document, !o->common.no_header, stdout);
        break;
    default:
        bench_contrast_text(document, !o->common.no_header, stdout);
        break;
    }
    return rc ? err_code(e, rc, "standard output") : 0;
}

/* What the line about a condition is to say of what it rests on. */
static const char *weakness(const struct json *document, const struct json *row)
{
    const struct json *pair =
        json_at(json_get(document, "pairs"), (size_t)json_int(json_get(row, "pair"), 0));
    if (json_int(json_get(pair, "a_runs"), 0) == 1 && json_int(json_get(pair, "b_runs"), 0) == 1)
        return " (but this is a single pair of runs)";
    return span_eq(json_str(json_get(row, "verdict")), span_str("overlap"))
               ? " (but the ranges overlap)"
               : "";
}

/* A line for what B has that is wrong, and for each condition that is met. */
static int verdict(const struct json *document)
{
    const struct json *all = json_get(document, "conditions"),
                      *faults = json_get(document, "faults");
    for (size_t i = 0; i < json_len(faults); i++) {
        const struct json *row = json_at(faults, i);
        const char *figure = (const char *)json_str(json_get(row, "figure")).p;
        cli_error("B has %s %s, up to %.0f a run, and A has none (--fail-on '%s>N' allows N)",
                  figure, (const char *)json_str(json_get(row, "unit")).p,
                  json_double(json_get(row, "b_max"), 0), figure);
    }
    for (size_t i = 0; i < json_len(all); i++) {
        const struct json *row = json_at(all, i);
        if (!json_bool(json_get(row, "met"), true))
            continue;
        cli_error("'%s' is met: the medians are %g and %g %s%s",
                  (const char *)json_str(json_get(row, "condition")).p,
                  json_double(json_get(row, "a_median"), 0),
                  json_double(json_get(row, "b_median"), 0),
                  (const char *)json_str(json_get(row, "unit")).p, weakness(document, row));
    }
    return json_bool(json_get(document, "good"), false) ? CLI_OK : CLI_CHECK;
}

static int compare(struct bench_comparison *c, const struct bench_options *o,
                   const struct opt_args *args)
{
    struct json *document = NULL;
    struct err e;
    int rc = read_both(c, args, &e);
    if (!rc)
        rc = bench_contrast(c, &document, &e);
    if (!rc && o->html_path)
        rc = bench_page_comparison(o->html_path, document, &c->pairs, &e);
    if (!rc)
        rc = write_out(o, document, &e);
    int status = rc ? (int)cli_fail(&e) : verdict(document);
    json_free(document);
    return status;
}

int bench_compare(void *values, const struct opt_args *args)
{
    const struct bench_options *o = values;
    struct bench_comparison c = {0};
    int status = parse_conditions(&c, &o->fail_on);
    if (!status)
        status = compare(&c, o, args);
    bench_pairs_release(&c.pairs);
    bench_results_release(&c.a);
    bench_results_release(&c.b);
    free(c.conditions);
    return status;
}

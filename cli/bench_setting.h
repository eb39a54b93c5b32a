/* bench_setting.h - what a run was asked to do: the report is written from this table, and results
 * are alike if they agree in it. */
#ifndef CLI_BENCH_SETTING_H
#define CLI_BENCH_SETTING_H

#include "base/json.h"
#include "cli/bench_report.h"

struct bench_setting {
    const char *field; /* of the report; null where it means nothing */
    const char *title; /* for people */
    int kind;          /* private, as is the next */
    size_t offset;
    bool shapes; /* it says what the load is; else where it went, or what drove it */
    bool noted;  /* runs that differ in it are compared, but the comparison says so */
};
extern const struct bench_setting bench_settings[];
extern const size_t n_bench_settings;

/* Put all of them into the report. */
void bench_settings_put(struct json *report, const struct bench_result *r);

/* Does a setting that shapes the load differ? What one of them does not tell (it is of an earlier
 * version) does not. */
bool bench_setting_differs(const struct bench_setting *s, const struct json *a,
                           const struct json *b);
/* Are two scalars other values? Not if one is missing (NULL). */
bool bench_values_differ(const struct json *a, const struct json *b);
/* A scalar for people: "all", "64", "yes", "-" for null. Cut to size; gives out. */
const char *bench_value_text(const struct json *v, char *out, size_t size);
/* The work as a line: "produce, 256 bytes a record, 64 clients, acks all". What is none, 0 or no is
 * left out. Cut to size. */
void bench_settings_text(const struct json *report, char *out, size_t size);

#endif

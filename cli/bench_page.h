/* bench_page.h - results as one page with charts (html.h): of a run, and of a comparison. All of it
 * comes from the JSON documents, and what is charted stands there as numbers, too. */
#ifndef CLI_BENCH_PAGE_H
#define CLI_BENCH_PAGE_H

#include "cli/bench_pair.h"

/* Write the page to a file. 0 or a code. */
int bench_page_run(const char *path, const struct json *report, struct err *e);
/* The document is that of the pairs (bench_contrast). */
int bench_page_comparison(const char *path, const struct json *document,
                          const struct bench_pairs *pairs, struct err *e);

/* ---- for the two of them (bench_page_parts.c) ---- */

/* A list of sentences, if there are any. */
void page_warnings(FILE *page, const struct json *sentences);
/* "A title" and a table of what each says: a report's settings, its environment, its other
 * scalars. */
void page_settings(FILE *page, const struct json *report);
void page_environment(FILE *page, const char *title, const struct json *report);
void page_others(FILE *page, const struct json *report);
/* The steps of a ramp or a search as charts over the rate, and as a table. 0 or -ENOMEM. */
int page_steps(FILE *page, const struct json *report);
/* What the latencies of the whole run and those second by second are of: in a round trip these are
 * not the same. */
const char *page_latency_name(const struct json *report);
const char *page_series_latency_name(const struct json *report);
/* What its bytes are those of, to stand behind a number of them. */
const char *page_bytes_name(const struct json *report);
/* A figure's value with its unit. */
void page_value(FILE *page, double v, const char *unit);

#endif

/* bench_csv.h - reports as rows of CSV. Rows of one kind of report have the same columns, whatever
 * the mode was and whatever there was to tell, so that a file can gather them.
 */
#ifndef CLI_BENCH_CSV_H
#define CLI_BENCH_CSV_H

#include "cli/bench_report.h"

/* The row of a run, behind the header if that is asked for. 0 or a negative code. */
int bench_csv_write(const struct json *report, FILE *out, bool header);
/* Does --csv-output take the rows that are to come? A file that is there must begin with their
 * header. 0, or the exit status after a line on standard error. */
int bench_csv_check(const struct bench_options *o);

#endif

/* bench_outcome.h - what a session brought, as a result to report and as a status to end with. */
#ifndef CLI_BENCH_OUTCOME_H
#define CLI_BENCH_OUTCOME_H

#include "cli/bench_report.h"
#include "cli/bench_session.h"

/* The result of a session that has s->loaded; it points into s. */
struct bench_result outcome_result(const struct bench_session *s);
/* Its exit status, after a line on standard error if that is not CLI_OK or hides something: what
 * the session found out decides. */
int outcome_status(const struct bench_session *s);
/* The same, but requests that failed are the caller's business. */
int outcome_check(const struct bench_session *s);
/* Of two exit statuses the one to end with: a check that failed before an interruption before any
 * other, and of two others the first. */
int outcome_worse(int first, int second);

#endif

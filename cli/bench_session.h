/* bench_session.h - a mode from beginning to end: set up, load, read back, clean up. */
#ifndef CLI_BENCH_SESSION_H
#define CLI_BENCH_SESSION_H

#include "cli/bench_run.h"

struct bench_session {
    const struct bench_options *opt;
    struct bench b;
    struct run *run; /* the load; NULL if it did not come to that */
    bool loaded;     /* it came to its end: a code is of what followed it */
    bool checked;    /* counts is set: everything was read back */
    struct check_counts counts;
};

/* 0, or a code; what the load brought, failures included, is in s->run, and if s->loaded it is worth
 * a report even with a code. May complete o by what the topic decides. session_release in every
 * case. */
int session_execute(struct bench_session *s, struct bench_options *o, struct err *e);
void session_release(struct bench_session *s);

/* Delete the topic, for those that go through several sessions on it. 0 or a code. */
int session_delete_topic(const struct bench_options *o, struct err *e);

#endif

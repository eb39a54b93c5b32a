/* bench_steps.h - several runs of the same load at different rates, told as they go: what a ramp
 * and a search for the highest rate have in common.
 *
 * Each step is a session of its own, from setting up to reading back, so that it begins with
 * nothing in flight and nothing waiting, whatever became of the one before. Rows leave as steps are
 * done; the document follows when all are.
 */
#ifndef CLI_BENCH_STEPS_H
#define CLI_BENCH_STEPS_H

#include "cli/bench_step.h"

struct steps {
    const struct bench_options *opt;
    struct step *v;
    size_t n;
    bool search;          /* the steps are told with their phase and with what they have to hold */
    struct json *about;   /* what all steps share; NULL: none is done */
    struct out *rows;     /* on standard output; NULL: that gets the document */
    struct out *appended; /* to --csv-output, */
    FILE *csv;            /* which is this; NULL: not asked for */
    double ceiling;       /* bench_ceiling, measured after the first step; 0: not asked for */
    int status; /* of the steps so far: CLI_CHECK if a check failed, then there is no going on */
};

/* 0 or a code; steps_release in every case. */
int steps_init(struct steps *s, const struct bench_options *o, bool search, struct err *e);
void steps_release(struct steps *s);
/* Run the load at a rate. The step, to be told by steps_told; it stays where it is until the next
 * one. NULL: it could not be run, e says why. */
struct step *steps_run(struct steps *s, int64_t rate, const char *phase, struct err *e);
/* The last step is judged: write its row. */
int steps_tell(struct steps *s, struct err *e);

/* End: delete the topic if that was asked for, and write the document, which consists of what the
 * steps share, `found` (taken over), and the steps. `failure` is what ended it early, or NULL. 0 or
 * a code. */
int steps_finish(struct steps *s, struct json *found, const struct err *failure, struct err *e);
/* What the bench itself could have driven, if that was measured, and the warnings of a step, as
 * lines of the text. */
void steps_tell_ceiling(const struct steps *s, FILE *out);
void steps_warn(const struct step *st, FILE *out);

#endif

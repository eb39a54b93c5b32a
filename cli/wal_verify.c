/* wal_verify.c - chronik-wal verify: what wal_check found, of each log the first fault. With
 * --acked also whether all that an ack log says is on disk (wal_acked.h). */
#include "cli/wal_acked.h"
#include "cli/wal_check.h"

enum { ACKED_TRIES = 3 };

static int look_for_acked(void *ctx, struct wal_visit *v)
{
    acked_group(ctx, v->group);
    return 0;
}

/* The logs were walked. What is missing is looked for again, because a broker at work may have
 * moved it, or removed it, under our eyes. */
static enum cli_exit check_acked(struct acked_check *acked, const struct wal_logs *logs)
{
    struct wal_outcome o;
    struct err e;
    for (int i = 1;; i++) {
        if (acked_look_in_logs(acked, &e) != 0)
            return cli_fail(&e);
        if (acked_good(acked))
            return CLI_OK;
        if (i == ACKED_TRIES)
            return CLI_CHECK;
        acked_again(acked);
        for (size_t k = 0; k < logs->n; k++) {
            acked_begin_log(acked);
            wal_walk(&logs->v[k], look_for_acked, acked, &o); /* its end was judged before */
        }
    }
}

static enum cli_exit verify(const struct wal_options *o, const struct wal_logs *logs,
                            struct acked_check *acked)
{
    struct verdict v = {.files = 0};
    enum cli_exit status;
    for (size_t i = 0; i < logs->n; i++) {
        if (acked)
            acked_begin_log(acked);
        wal_check_log(&v, &logs->v[i], acked ? look_for_acked : NULL, acked);
    }
    if (acked) {
        enum cli_exit all_there = check_acked(acked, logs);
        struct verdict_more more = {"acked", acked_result(acked, o->acked), acked_print};
        status = wal_worse(verdict_report(&v, "groups", &more, &o->common), all_there);
    } else {
        status = verdict_report(&v, "groups", NULL, &o->common);
    }
    faults_release(&v.faults);
    return status;
}

int wal_verify(void *values, const struct opt_args *args)
{
    const struct wal_options *o = values;
    struct wal_logs logs = {.n = 0};
    struct acked_check acked;
    struct err e;
    if (o->acked && args->n != 1)
        return cli_misuse("--acked is about one data directory");
    /* The ack log before the logs: what it says is on disk by then. */
    int rc = o->acked ? acked_open(&acked, o->acked, args->operands[0], &e) : 0;
    if (rc == 0)
        rc = wal_logs_find(&logs, args, -1, &e);
    enum cli_exit status = rc == 0 ? verify(o, &logs, o->acked ? &acked : NULL) : cli_fail(&e);
    wal_logs_release(&logs);
    if (o->acked)
        acked_release(&acked);
    return status;
}

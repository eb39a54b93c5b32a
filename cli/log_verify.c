/* log_verify.c - chronik-log verify: what log_check found. Faults of files that are made anew from
 * others are told, but fail nothing. */
#include "cli/log_check.h"
#include "cli/log_tool.h"

int log_verify(void *values, const struct opt_args *args)
{
    const struct log_options *o = values;
    struct verdict all = {.files = 0};
    for (size_t i = 0; i < args->n; i++) {
        struct verdict v;
        struct err e;
        int rc = log_check_run(&v, io_posix(), args->operands[i], &e);
        if (rc < 0)
            faults_add(&all.faults, args->operands[i], 0, &e);
        verdict_add(&all, &v);
    }
    int status = verdict_report(&all, "batches", NULL, &o->common);
    faults_release(&all.faults);
    return status;
}

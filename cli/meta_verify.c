/* meta_verify.c - what a check found. A torn tail is told but fails nothing: the broker cuts it
 * when it starts. */
#include "cli/meta_check.h"
#include "cli/meta_tool.h"

int meta_verify(void *values, const struct opt_args *args)
{
    const struct meta_options *o = values;
    struct place p;
    struct verdict v;
    struct err e;
    if (place_find(&p, io_posix(), args->operands[0], &e) < 0)
        return (int)cli_fail(&e);
    meta_check_run(&v, &p);
    int status = verdict_report(&v, "groups", NULL, &o->common);
    faults_release(&v.faults);
    return status;
}

/* meta_verify.c - what a check found. Faults are results, so they go to standard output. A torn
 * tail is told but fails nothing: the broker cuts it when it starts. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/meta_check.h"

static int show_text(const struct meta_options *o, const struct meta_check *c)
{
    int rc = c->faults.n > 0 ? faults_table(&c->faults, o) : 0;
    printf("%" PRIu64 " files, %" PRIu64 " groups, %" PRIu64 " records, %" PRIu64 " bytes: %s\n",
           c->files, c->groups, c->records, c->bytes,
           c->faults.failed    ? "corrupt"
           : c->faults.trouble ? "not checked to the end"
                               : "ok");
    return rc;
}

static int show(const struct meta_options *o, const struct meta_check *c)
{
    enum out_format format = (enum out_format)o->common.format;
    if (format == OUT_TEXT)
        return show_text(o, c);
    if (format == OUT_CSV || format == OUT_NAMES)
        return faults_table(&c->faults, o);
    struct json *obj = json_new_object();
    json_set_int(obj, "files", (int64_t)c->files);
    json_set_int(obj, "groups", (int64_t)c->groups);
    json_set_int(obj, "records", (int64_t)c->records);
    json_set_int(obj, "bytes", (int64_t)c->bytes);
    json_set(obj, "faults", faults_json(&c->faults));
    return out_single(stdout, format, true, obj);
}

int meta_verify(void *values, const struct opt_args *args)
{
    const struct meta_options *o = values;
    struct place p;
    struct meta_check c;
    struct err e;
    if (place_find(&p, io_posix(), args->operands[0], &e) < 0)
        return (int)cli_fail(&e);
    meta_check_run(&c, &p);
    faults_say(&c.faults);
    int rc = show(o, &c);
    int status = c.faults.failed    ? CLI_CHECK
                 : c.faults.trouble ? (int)cli_exit_of(c.faults.trouble)
                 : rc < 0           ? CLI_FAILED
                                    : CLI_OK;
    faults_release(&c.faults);
    return status;
}

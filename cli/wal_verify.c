/* wal_verify.c - chronik-wal verify: every checksum, every link, every frame; the first fault of
 * each log, and the checkpoints beside it. With --acked also whether all that an ack log says is
 * on disk (wal_acked.h). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "batch/batch.h"
#include "cli/wal_acked.h"
#include "shard/checkpoint.h"

struct verify {
    uint64_t files, groups, records, bytes;
    uint64_t segment; /* the one being read */
    struct json *faults;
    struct acked_check *acked; /* NULL: without --acked */
};

static const struct out_column fault_columns[] = {
    {"file", OUT_STR}, {"position", OUT_INT}, {"kind", OUT_STR}, {"reason", OUT_STR}};

static int check_frames(struct verify *c, struct wal_visit *v)
{
    size_t at = WAL_PAYLOAD_HEADER, next = at;
    struct wal_frame f;
    int rc;
    while ((rc = wal_frame_next(v->group->payload, &next, &f)) == 1) {
        struct wal_batch w;
        struct batch b;
        v->at = at;
        if (wal_frame_check(&f, &v->why) != 0)
            return ERR_CORRUPT;
        if (f.type == WAL_BATCH && wal_batch_decode(f.body, &w) == 0 &&
            batch_peek(w.batch, &b) == 0)
            c->records += (uint64_t)b.count;
        at = next;
    }
    v->at = at;
    v->why = "a frame does not fit its group";
    return rc == 0 ? 0 : ERR_CORRUPT;
}

static int check_group(void *ctx, struct wal_visit *v)
{
    struct verify *c = ctx;
    if (v->segment->id != c->segment) {
        c->segment = v->segment->id;
        c->files++;
    }
    int rc = check_frames(c, v);
    if (rc == 0 && c->acked)
        acked_group(c->acked, v->group);
    return rc;
}

static void add_fault(struct verify *c, const char *file, uint64_t position, const char *kind,
                      const char *reason)
{
    struct json *j = json_new_object();
    json_set_str(j, "file", file);
    json_set_int(j, "position", (int64_t)position);
    json_set_str(j, "kind", kind);
    json_set_str(j, "reason", reason);
    json_push(c->faults, j);
}

/* A checkpoint beside the log says how far it was durable when that was written: a witness that may
 * know more than the log's own headers. It is read before the log, so that a broker at work cannot
 * put it behind what is read. */
static enum cli_exit check_checkpoint(struct verify *c, struct wal_log *log, int which)
{
    char path[IO_PATH_MAX];
    struct checkpoint found;
    struct err e;
    uint8_t *buf;
    size_t n;
    int rc = io_path(path, sizeof path, log->path, "checkpoint.%d", which);
    if (rc == 0)
        rc = io_read_file(io_posix(), path, CHECKPOINT_FILE_MAX, &buf, &n);
    if (rc == -ENOENT)
        return CLI_OK;
    if (rc) {
        err_code(&e, rc, "read %s/checkpoint.%d", log->path, which);
        return cli_fail(&e);
    }
    rc = checkpoint_decode(span_of(buf, n), &found, &e);
    free(buf);
    if (rc) {
        if (rc == ERR_CORRUPT)
            add_fault(c, path, 0, "corruption", e.text);
        err_wrap(&e, "%s", path);
        return cli_fail(&e);
    }
    if (wal_pos_cmp(found.synced, log->synced) > 0)
        log->synced = found.synced;
    checkpoint_release(&found);
    return CLI_OK;
}

/* A torn tail is no failure of the check; it is said, though. */
static enum cli_exit verify_log(struct verify *c, struct wal_log *log)
{
    struct wal_outcome o;
    enum cli_exit status = CLI_OK;
    for (int i = 0; i < 2 && !log->is_file; i++)
        status = wal_worse(status, check_checkpoint(c, log, i));
    c->segment = 0;
    if (c->acked)
        acked_begin_log(c->acked);
    wal_walk(log, check_group, c, &o);
    c->groups += o.groups;
    c->bytes += o.bytes;
    if (o.rc == ERR_CORRUPT)
        add_fault(c, o.fault.file, o.fault.pos.offset, "corruption", o.fault.reason);
    else if (o.rc == 0 && o.end.torn)
        add_fault(c, o.last_file, o.end.pos.offset, "torn-tail",
                  "the log ends in an incomplete write");
    return wal_worse(status, wal_outcome_report(&o));
}

/* ---- the ack log */

enum { ACKED_TRIES = 3 };

static int look_for_acked(void *ctx, struct wal_visit *v)
{
    acked_group(ctx, v->group);
    return 0;
}

/* The logs were walked. What is missing is looked for again, because a broker at work may have
 * moved it, or removed it, under our eyes. */
static enum cli_exit check_acked(struct verify *c, const struct wal_logs *logs)
{
    struct wal_outcome o;
    struct err e;
    for (int i = 1;; i++) {
        if (acked_look_in_logs(c->acked, &e) != 0)
            return cli_fail(&e);
        if (acked_good(c->acked))
            return CLI_OK;
        if (i == ACKED_TRIES)
            return CLI_CHECK;
        acked_again(c->acked);
        for (size_t k = 0; k < logs->n; k++) {
            acked_begin_log(c->acked);
            wal_walk(&logs->v[k], look_for_acked, c->acked, &o); /* its end was judged before */
        }
    }
}

/* ---- the result */

static struct json *result_json(const struct verify *c, struct json *faults)
{
    struct json *j = json_new_object();
    json_set_int(j, "files", (int64_t)c->files);
    json_set_int(j, "groups", (int64_t)c->groups);
    json_set_int(j, "records", (int64_t)c->records);
    json_set_int(j, "bytes", (int64_t)c->bytes);
    json_set(j, "faults", faults);
    return j;
}

/* csv: the faults; the sums have no place in such a table. */
static void put_faults(const struct wal_options *o, const struct json *faults)
{
    struct out *out = wal_out(o, OUT_COLUMNS(fault_columns));
    for (size_t i = 0; i < json_len(faults); i++) {
        const struct json *f = json_at(faults, i);
        out_span(out, json_str(json_get(f, "file")));
        out_int(out, json_int(json_get(f, "position"), 0));
        out_span(out, json_str(json_get(f, "kind")));
        out_span(out, json_str(json_get(f, "reason")));
        out_row(out);
    }
    out_free(out);
}

static void put_result(const struct wal_options *o, struct verify *c, struct json *acked,
                       enum cli_exit status)
{
    enum out_format format = (enum out_format)o->common.format;
    if (format == OUT_JSON || format == OUT_JSONL) {
        struct json *j = result_json(c, c->faults);
        if (acked)
            json_set(j, "acked", acked);
        out_single(stdout, format, false, j);
        return;
    }
    if (format != OUT_TEXT || json_len(c->faults) > 0)
        put_faults(o, c->faults);
    if (format == OUT_TEXT)
        printf("%" PRIu64 " files, %" PRIu64 " groups, %" PRIu64 " records, %" PRIu64
               " bytes: %s\n",
               c->files, c->groups, c->records, c->bytes,
               status == CLI_OK      ? "ok"
               : status == CLI_CHECK ? "corrupt"
                                     : "not checked to the end");
    if (format == OUT_TEXT && acked)
        acked_print(acked);
    json_free(acked);
    json_free(c->faults);
}

static enum cli_exit verify(const struct wal_options *o, const struct wal_logs *logs,
                            struct acked_check *acked)
{
    struct verify c = {.faults = json_new_array(), .acked = acked};
    enum cli_exit status = CLI_OK;
    for (size_t i = 0; i < logs->n; i++)
        status = wal_worse(status, verify_log(&c, &logs->v[i]));
    if (acked) {
        enum cli_exit all_there = check_acked(&c, logs);
        struct json *result = acked_result(acked, o->acked);
        put_result(o, &c, result, status);
        return wal_worse(status, all_there);
    }
    put_result(o, &c, NULL, status);
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

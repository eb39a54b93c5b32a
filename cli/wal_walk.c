#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/wal_tool.h"

uint64_t wal_visit_position(const struct wal_visit *v, size_t at)
{
    return v->group->pos.offset + WAL_GROUP_HEADER + at;
}

static int visit_one(struct wal_visit *v, wal_visitor *visit, void *ctx, struct wal_outcome *out)
{
    int rc = visit(ctx, v);
    if (rc >= 0)
        return rc;
    if (rc != ERR_CORRUPT)
        return err_code(&out->e, rc, "%s: byte %" PRIu64, v->file, v->group->pos.offset);
    uint64_t byte = v->whole ? v->group->pos.offset : wal_visit_position(v, v->at);
    out->fault.pos = (struct wal_pos){v->segment->id, byte};
    out->fault.reason = v->why;
    snprintf(out->fault.file, sizeof out->fault.file, "%s", v->file);
    return err_set(&out->e, rc, "%s: byte %" PRIu64 ": %s", v->file, byte, v->why);
}

static int visit_all(struct wal_reader *r, const struct wal_log *log, wal_visitor *visit, void *ctx,
                     struct wal_outcome *out)
{
    struct wal_group g;
    int rc;
    while ((rc = wal_reader_next(r, &g, &out->e)) == 1) {
        struct wal_visit v = {
            .log = log, .segment = wal_reader_segment(r), .file = wal_reader_file(r), .group = &g};
        out->groups++;
        out->bytes += wal_group_bytes(g.payload_len);
        rc = visit_one(&v, visit, ctx, out);
        if (rc != 0)
            return rc;
    }
    return rc;
}

static void walk(const struct wal_log *log, wal_visitor *visit, void *ctx, struct wal_outcome *out)
{
    struct wal_reader_config cfg = {.io = log->io,
                                    .path = log->path,
                                    .owner = log->owned && log->strict ? &log->owner : NULL,
                                    .from = log->from,
                                    .synced = log->synced,
                                    .live = true,
                                    .fault = &out->fault};
    struct wal_reader *r;
    out->rc = wal_reader_open(&r, &cfg, &out->e);
    if (out->rc != 0)
        return;
    out->rc = visit_all(r, log, visit, ctx, out);
    if (out->rc == 0)
        wal_reader_end(r, &out->end);
    snprintf(out->last_file, sizeof out->last_file, "%s", wal_reader_file(r));
    wal_reader_free(r);
}

void wal_walk(const struct wal_log *log, wal_visitor *visit, void *ctx, struct wal_outcome *out)
{
    memset(out, 0, sizeof *out);
    walk(log, visit, ctx, out);
    if (out->rc == WALK_STOP)
        out->rc = 0;
}

/* ---- following */

static bool gone(const struct wal_log *log)
{
    char path[IO_PATH_MAX];
    struct io_stat st;
    return log->from.segment != 0 &&
           wal_segment_path(path, sizeof path, log->path, log->from.segment) == 0 &&
           io_stat(log->io, path, &st) == -ENOENT;
}

/* Each look opens the log anew where the last one ended: whatever happened meanwhile, a roll or a
 * recovery that went on in a new segment, is then found as by any reader. */
void wal_follow(const struct wal_log *log, wal_visitor *visit, void (*idle)(void *ctx), void *ctx,
                struct wal_outcome *out)
{
    static const struct timespec pause = {.tv_nsec = 250000000};
    struct wal_log rest = *log;
    memset(out, 0, sizeof *out);
    for (;;) {
        walk(&rest, visit, ctx, out);
        if (out->rc == ERR_CORRUPT && gone(&rest)) {
            cli_warn("%s: the log was faster than its reader; something is left out", log->path);
            rest.from = (struct wal_pos){0, 0};
            continue;
        }
        if (out->rc != 0)
            break;
        rest.from = out->end.pos;
        idle(ctx);
        nanosleep(&pause, NULL);
    }
    if (out->rc == WALK_STOP)
        out->rc = 0;
}

enum cli_exit wal_outcome_report(const struct wal_outcome *o)
{
    if (o->rc == 0 && o->end.torn)
        cli_warn("%s: byte %" PRIu64
                 ": the log ends in an incomplete write (a torn tail of %" PRIu64 " bytes)",
                 o->last_file, o->end.pos.offset, o->end.torn_bytes);
    return o->rc == 0 ? CLI_OK : cli_fail(&o->e);
}

enum cli_exit wal_worse(enum cli_exit a, enum cli_exit b)
{
    return a == CLI_CHECK || b == CLI_OK ? a : b == CLI_CHECK || a == CLI_OK ? b : a;
}

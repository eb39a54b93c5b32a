/* meta_log.c - the entries of shard 0's log in the order they were written, those included that a
 * later entry of the same index discards. */
#include <inttypes.h>

#include "cli/meta_place.h"
#include "cli/meta_tool.h"
#include "shard/conf.h"
#include "wal/reader.h"

static const struct out_column columns[] = {
    {"index", OUT_INT},
    {"term", OUT_INT},
    {"written", OUT_STR},
    {"type", OUT_STR},
    {"command", OUT_STR},
    {"fields", OUT_VALUE},
    {"wall_ms", OUT_INT, .data_only = true},
    {"position", OUT_INT, .data_only = true},
    {"file", OUT_STR, .data_only = true},
};

/* {"servers": [{"id", "role"}]}, NULL if it cannot be decoded. */
static struct json *change_json(struct span body)
{
    static const char *const roles[] = {"standby", "voter", "spare"};
    struct shard_conf c;
    if (shard_conf_decode(body, &c) < 0)
        return NULL;
    struct json *obj = json_new_object(), *servers = json_new_array();
    for (uint32_t i = 0; i < c.n; i++) {
        struct json *s = json_new_object();
        json_set_int(s, "id", (int64_t)c.servers[i].id);
        json_set_str(s, "role", roles[c.servers[i].role]);
        json_push(servers, s);
    }
    json_set(obj, "servers", servers);
    return obj;
}

/* The name of a command and its fields; false if they cannot be told. */
static bool put_command(struct out *out, struct span body)
{
    struct json *fields = meta_command_fields(body);
    const char *name = body.n >= 2 ? meta_command_name((int16_t)get_be16(body.p)) : "?";
    out_str(out, name);
    if (fields)
        out_value(out, fields);
    else
        out_null(out);
    return fields != NULL;
}

static bool put_change(struct out *out, struct span body)
{
    struct json *fields = change_json(body);
    out_null(out);
    if (fields)
        out_value(out, fields);
    else
        out_null(out);
    return fields != NULL;
}

static void put_frame(struct out *out, const struct wal_reader *r, const struct wal_group *g,
                      const struct wal_frame *f)
{
    char time[CLOCK_TEXT];
    bool good = true;
    out_int(out, (int64_t)g->index);
    out_int(out, (int64_t)g->term);
    out_str(out, meta_time(g->wall_ms, time));
    out_str(out, wal_frame_name(f->type));
    if (f->type == WAL_COMMAND) {
        good = put_command(out, f->body);
    } else if (f->type == WAL_CHANGE) {
        good = put_change(out, f->body);
    } else {
        out_null(out);
        out_null(out);
    }
    out_int(out, g->wall_ms);
    out_int(out, (int64_t)g->pos.offset);
    out_str(out, wal_reader_file(r));
    out_row(out);
    if (!good)
        cli_warn("%s: byte %" PRIu64 ": entry %" PRIu64 " cannot be decoded", wal_reader_file(r),
                 g->pos.offset, g->index);
}

/* All frames of an entry. */
static int put_group(struct out *out, const struct wal_reader *r, const struct wal_group *g,
                     struct err *e)
{
    size_t at = WAL_PAYLOAD_HEADER;
    struct wal_frame f;
    int rc;
    while ((rc = wal_frame_next(g->payload, &at, &f)) == 1)
        put_frame(out, r, g, &f);
    return rc < 0 ? err_code(e, ERR_CORRUPT, "%s: byte %" PRIu64 ": frames", wal_reader_file(r),
                             g->pos.offset)
                  : 0;
}

static int put_log(const struct meta_options *o, struct wal_reader *r, struct out *out,
                   struct err *e)
{
    struct wal_group g;
    int64_t shown = 0;
    int rc = 0;
    while ((o->limit < 0 || shown < o->limit) && (rc = wal_reader_next(r, &g, e)) == 1) {
        if (g.index == 0 || g.index < (uint64_t)o->from)
            continue;
        rc = put_group(out, r, &g, e);
        if (rc < 0)
            return rc;
        shown++;
    }
    return rc < 0 ? rc : 0;
}

static int open_log(struct place *p, const char *path, struct wal_reader **r, struct err *e)
{
    int rc = place_find(p, io_posix(), path, e);
    if (rc < 0)
        return rc;
    if (!p->log[0])
        return err_set(e, ERR_INVALID, "%s: not a log: give a data directory or a WAL segment",
                       path);
    struct wal_reader_config cfg = {
        .io = p->io, .path = p->log, .owner = place_owner(p), .live = true};
    rc = wal_reader_open(r, &cfg, e);
    if (rc == 0)
        rc = place_check_shard(p, *r, e);
    return rc;
}

int meta_log(void *values, const struct opt_args *args)
{
    const struct meta_options *o = values;
    struct place p;
    struct wal_reader *r = NULL;
    struct err e;
    if (open_log(&p, args->operands[0], &r, &e) < 0) {
        wal_reader_free(r);
        return (int)cli_fail(&e);
    }
    struct out *out = meta_out(o, OUT_COLUMNS(columns));
    int rc = put_log(o, r, out, &e);
    bool written = out_free(out) == 0;
    wal_reader_free(r);
    if (rc < 0)
        return (int)cli_fail(&e);
    return written ? CLI_OK : CLI_FAILED;
}

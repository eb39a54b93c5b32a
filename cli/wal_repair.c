/* wal_repair.c - chronik-wal repair: see wal_repair.h. */
#include "cli/wal_repair.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/meta_history.h"
#include "plog/plog.h"

struct repair {
    const struct wal_options *o;
    const char *path; /* what is repaired, */
    const char *to;   /* and where the copy goes; NULL: nowhere */
    bool node;        /* it is a data directory, not one shard's log */
    struct node_meta meta;
    struct io_file *lock;
    struct wal_logs dirs; /* of the shards' logs */
    struct repair_log *logs;
    size_t n; /* of them read */
    struct meta_image *image;
    struct json *orphans; /* partitions whose topic is lost with the metadata */
};

/* ---- reading */

static int find_place(struct repair *r, const struct opt_args *args, struct err *e)
{
    char lock[IO_PATH_MAX];
    struct io_stat st;
    int rc = node_read(io_posix(), r->path, &r->meta, e);
    if (rc != 0 && rc != ERR_NOTFOUND)
        return rc;
    r->node = rc == 0;
    rc = wal_logs_find(&r->dirs, args, -1, e);
    if (rc == 0 && !r->node && (r->dirs.n != 1 || r->dirs.v[0].is_file))
        rc = err_set(e, ERR_NOTFOUND, "%s: neither a data directory nor a shard's log", r->path);
    if (rc != 0 || !r->node)
        return rc;
    rc = io_path(lock, sizeof lock, r->path, "lock");
    if (rc == 0 && io_stat(io_posix(), lock, &st) == 0)
        rc = io_lock(io_posix(), lock, &r->lock);
    if (rc == -EAGAIN)
        return err_set(e, ERR_LOCKED, "%s: a broker runs on it: stop it first", r->path);
    if (rc == -EROFS || rc == -EACCES)
        rc = 0; /* then no broker of ours writes there either */
    return rc ? err_code(e, rc, "%s", lock) : 0;
}

static int read_logs(struct repair *r, struct err *e)
{
    r->logs = calloc(r->dirs.n, sizeof *r->logs);
    if (!r->logs)
        return err_code(e, -ENOMEM, "%s", r->path);
    for (size_t i = 0; i < r->dirs.n; i++) {
        int rc = repair_read(&r->logs[r->n++], r->dirs.v[i].path, e);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static size_t count_faults(const struct repair *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++)
        n += r->logs[i].n_faults;
    return n;
}

/* ---- planning */

static int find_image(struct repair *r, struct err *e)
{
    char meta_dir[IO_PATH_MAX];
    struct place place;
    if (r->logs[0].n_faults) {
        int rc = node_meta_dir(meta_dir, sizeof meta_dir, r->path);
        return rc ? err_code(e, rc, "%s", r->path)
                  : repair_image(&r->logs[0], meta_dir, &r->image, e);
    }
    int rc = place_find(&place, io_posix(), r->path, e);
    return rc ? rc : history_image(&place, HISTORY_LATEST, &r->image, e);
}

/* A directory of partition log: is its topic lost with an entry of the metadata? */
static int look_for_orphan(struct repair *r, const char *log_dir, const char *name)
{
    char dir[IO_PATH_MAX], text[UUID_TEXT];
    struct uuid id;
    size_t n = strlen(name);
    int rc = io_path(dir, sizeof dir, log_dir, "%s", name);
    if (rc != 0 || (n > 7 && strcmp(name + n - 7, "-delete") == 0) ||
        (n > 4 && strcmp(name + n - 4, "-new") == 0) || plog_dir_id(io_posix(), dir, &id) != 0 ||
        meta_topic_by_id(r->image, &id))
        return rc;
    uuid_text(&id, text);
    struct json *j = json_new_object();
    json_set_str(j, "directory", dir);
    json_set_str(j, "topic_id", text);
    json_push(r->orphans, j);
    return 0;
}

static int find_orphans(struct repair *r, const char *log_dir, struct err *e)
{
    char **names;
    size_t n;
    if (r->logs[0].damaged == 0)
        return 0;
    int rc = io_names(io_posix(), log_dir, &names, &n);
    if (rc != 0)
        return err_code(e, rc, "%s", log_dir);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = look_for_orphan(r, log_dir, names[i]);
    io_names_free(names, n);
    return rc ? err_code(e, rc, "%s", log_dir) : 0;
}

static int plan(struct repair *r, struct err *e)
{
    char log_dir[IO_PATH_MAX];
    int rc = r->node ? node_log_dir(log_dir, sizeof log_dir, r->path) : 0;
    if (rc != 0)
        return err_code(e, rc, "%s", r->path);
    if (r->node) {
        rc = find_image(r, e);
        if (rc == 0)
            rc = find_orphans(r, log_dir, e);
    }
    for (size_t i = 0; rc == 0 && i < r->n; i++) {
        struct repair_log *l = &r->logs[i];
        if (l->checkpoint.owner.shard == 0)
            continue; /* the image is all of its plan */
        rc = r->node ? repair_consult_logs(l, r->image, log_dir, e) : 0;
        if (rc == 0)
            rc = repair_plan(l, e);
    }
    return rc;
}

/* ---- telling */

static const struct out_column columns[] = {
    {"shard", OUT_INT},       {"topic", OUT_STR},     {"topic_id", OUT_STR}, {"partition", OUT_INT},
    {"from_offset", OUT_INT}, {"to_offset", OUT_INT}, {"offsets", OUT_INT},  {"fate", OUT_STR},
};

static const char *fate(const struct repair_fill *f)
{
    return !f->piece            ? "lost"
           : f->piece->from_log ? "saved from the partition log"
                                : "saved from a damaged group";
}

struct json_range {
    const struct repair_log *l;
    const struct repair_part *p;
    int64_t from, to;
    const char *fate;
};

static struct json *range_json(const struct repair *r, const struct json_range *g)
{
    struct json *j = json_new_object();
    char id[UUID_TEXT];
    const struct meta_topic *t = r->image ? meta_topic_by_id(r->image, &g->p->key.topic_id) : NULL;
    uuid_text(&g->p->key.topic_id, id);
    json_set_int(j, "shard", g->l->checkpoint.owner.shard);
    if (t)
        json_set_str(j, "topic", t->name);
    else
        json_set_span(j, "topic", wal_topics_name(&g->l->names, &g->p->key.topic_id));
    json_set_str(j, "topic_id", id);
    json_set_int(j, "partition", g->p->key.partition);
    json_set_int(j, "from_offset", g->from);
    json_set_int(j, "to_offset", g->to);
    json_set_int(j, "offsets", g->to - g->from + 1);
    json_set_str(j, "fate", g->fate);
    return j;
}

/* Fills of one fate that follow each other are one range. */
static void add_ranges(const struct repair *r, const struct repair_log *l,
                       const struct repair_part *p, struct json *to)
{
    for (size_t i = 0, k; i < p->n_fills; i = k) {
        struct json_range g = {l, p, p->fills[i].base, p->fills[i].last, fate(&p->fills[i])};
        for (k = i + 1;
             k < p->n_fills && fate(&p->fills[k]) == g.fate && p->fills[k].base == g.to + 1; k++)
            g.to = p->fills[k].last;
        json_push(to, range_json(r, &g));
    }
}

static struct json *shard_json(struct repair_log *l)
{
    struct json *j = json_new_object(), *lost = json_new_array();
    for (size_t i = 0; i < l->n; i++)
        if (l->entries[i].kind != WAL_WHOLE)
            json_push(lost, json_new_int((int64_t)(l->checkpoint.index + 1 + i)));
    json_set_int(j, "shard", l->checkpoint.owner.shard);
    json_set_str(j, "dir", l->dir);
    json_set_int(j, "checkpoint_index", (int64_t)l->checkpoint.index);
    json_set_int(j, "entries", (int64_t)l->n);
    json_set(j, "lost_entries", lost);
    json_set_int(j, "untold_entries", (int64_t)l->untold);
    json_set(j, "faults", l->faults);
    l->faults = NULL;
    return j;
}

static int64_t lost_offsets(const struct json *ranges)
{
    int64_t n = 0;
    for (size_t i = 0; i < json_len(ranges); i++) {
        struct span f = json_str(json_get(json_at(ranges, i), "fate"));
        if (f.n == 4)
            n += json_int(json_get(json_at(ranges, i), "offsets"), 0);
    }
    return n;
}

static struct json *report(struct repair *r)
{
    struct json *j = json_new_object(), *shards = json_new_array(), *ranges = json_new_array();
    for (size_t i = 0; i < r->n; i++) {
        struct repair_part *p, *next;
        HASH_ITER(hh, r->logs[i].parts, p, next)
        add_ranges(r, &r->logs[i], p, ranges);
        json_push(shards, shard_json(&r->logs[i]));
    }
    json_set_str(j, "path", r->path);
    json_set_str(j, "output", r->to);
    json_set_int(j, "lost_offsets", lost_offsets(ranges));
    json_set(j, "ranges", ranges);
    json_set(j, "lost_topics", r->orphans);
    json_set(j, "shards", shards);
    r->orphans = NULL;
    return j;
}

static void put_ranges(const struct wal_options *o, const struct json *ranges)
{
    static const char *const numbers[] = {"from_offset", "to_offset", "offsets"};
    struct out *out = wal_out(o, OUT_COLUMNS(columns));
    for (size_t i = 0; i < json_len(ranges); i++) {
        const struct json *g = json_at(ranges, i);
        out_int(out, json_int(json_get(g, "shard"), 0));
        out_span(out, json_str(json_get(g, "topic")));
        out_span(out, json_str(json_get(g, "topic_id")));
        out_int(out, json_int(json_get(g, "partition"), 0));
        for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
            out_int(out, json_int(json_get(g, numbers[k]), 0));
        out_span(out, json_str(json_get(g, "fate")));
        out_row(out);
    }
    out_free(out);
}

static void print_text_of(const struct json *j, const char *key, const char *before)
{
    struct span s = json_str(json_get(j, key));
    printf("%s%.*s", before, (int)s.n, (const char *)s.p);
}

static void print_shard(const struct json *s)
{
    const struct json *faults = json_get(s, "faults");
    size_t lost = json_len(json_get(s, "lost_entries"));
    for (size_t i = 0; i < json_len(faults); i++) {
        print_text_of(json_at(faults, i), "file", "");
        printf(": byte %" PRId64, json_int(json_get(json_at(faults, i), "position"), 0));
        print_text_of(json_at(faults, i), "reason", ": ");
        putchar('\n');
    }
    if (json_len(faults) == 0)
        return;
    printf("shard %" PRId64 ": %zu of %" PRId64 " entries behind the checkpoint are lost",
           json_int(json_get(s, "shard"), 0), lost, json_int(json_get(s, "entries"), 0));
    if (lost)
        printf(", %" PRId64 " to %" PRId64, json_int(json_at(json_get(s, "lost_entries"), 0), 0),
               json_int(json_at(json_get(s, "lost_entries"), lost - 1), 0));
    if (json_int(json_get(s, "untold_entries"), 0))
        printf("; of %" PRId64 " of them nothing tells all they held: records at the ends of "
               "partitions may be lost that are not listed",
               json_int(json_get(s, "untold_entries"), 0));
    putchar('\n');
}

static void print_report(const struct wal_options *o, const struct json *j)
{
    const struct json *ranges = json_get(j, "ranges"), *topics = json_get(j, "lost_topics");
    for (size_t i = 0; i < json_len(json_get(j, "shards")); i++)
        print_shard(json_at(json_get(j, "shards"), i));
    if (json_len(ranges))
        put_ranges(o, ranges);
    for (size_t i = 0; i < json_len(topics); i++) {
        print_text_of(json_at(topics, i), "directory", "");
        print_text_of(json_at(topics, i), "topic_id",
                      ": lost, for the metadata no longer knows the topic ");
        putchar('\n');
    }
    int64_t lost = json_int(json_get(j, "lost_offsets"), 0);
    printf("%" PRId64 " offset%s lost\n", lost, lost == 1 ? "" : "s");
}

static void tell(struct repair *r)
{
    struct json *j = report(r);
    switch ((enum out_format)r->o->common.format) {
    case OUT_JSON:
    case OUT_JSONL:
        out_single(stdout, (enum out_format)r->o->common.format, false, j);
        break;
    case OUT_CSV:
        put_ranges(r->o, json_get(j, "ranges"));
        json_free(j);
        break;
    default:
        print_report(r->o, j);
        json_free(j);
        break;
    }
    fflush(stdout); /* before the copying, which takes its time */
}

/* ---- writing */

static bool leave_lock(const char *name)
{
    return strcmp(name, "lock") == 0;
}

static int write_log(const struct repair *r, size_t i, const char *to, struct err *e)
{
    const struct repair_log *l = &r->logs[i];
    bool (*leave)(const char *) = l->n_faults ? repair_is_log_file : leave_lock;
    int rc = repair_copy(l->dir, to, leave, e);
    if (rc == 0 && l->n_faults)
        rc = repair_write(l, to, e);
    return rc;
}

static int write_logs(const struct repair *r, const char *wal, struct err *e)
{
    int rc = io_mkdir(io_posix(), wal);
    if (rc != 0)
        return err_code(e, rc, "%s", wal);
    for (size_t i = 0; rc == 0 && i < r->n; i++) {
        char to[IO_PATH_MAX];
        rc = node_wal_dir(to, sizeof to, wal, r->logs[i].checkpoint.owner.shard);
        rc = rc ? err_code(e, rc, "%s", wal) : write_log(r, i, to, e);
    }
    if (rc == 0 && (rc = io_sync_dir(io_posix(), wal)) != 0)
        err_code(e, rc, "%s", wal);
    return rc;
}

/* Everything but the logs, which may be on another device; node.meta last, as at the first start:
 * without it the copy is none. */
static int write_node(const struct repair *r, struct err *e)
{
    static const char *const names[] = {"meta", "log"};
    char from[IO_PATH_MAX], to[IO_PATH_MAX];
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof names / sizeof *names; i++) {
        rc = io_path(from, sizeof from, r->path, "%s", names[i]);
        if (rc == 0)
            rc = io_path(to, sizeof to, r->to, "%s", names[i]);
        rc = rc ? err_code(e, rc, "%s", r->to) : repair_copy(from, to, NULL, e);
    }
    if (rc == 0) {
        rc = io_path(to, sizeof to, r->to, "wal");
        rc = rc ? err_code(e, rc, "%s", r->to) : write_logs(r, to, e);
    }
    struct node_meta meta = r->meta;
    meta.wal_elsewhere = false;
    return rc ? rc : node_write(io_posix(), r->to, &meta, e);
}

static int write_copy(const struct repair *r, struct err *e)
{
    int rc = io_mkdir(io_posix(), r->to);
    if (rc != 0 && rc != -EEXIST)
        return err_code(e, rc, "%s", r->to);
    rc = r->node ? write_node(r, e) : write_log(r, 0, r->to, e);
    if (rc != 0)
        err_wrap(e, "%s is not complete and may be removed", r->to);
    return rc;
}

/* ---- the command */

/* Nothing is written into a place that has something, and nothing told that will not be done. */
static int check_output(const struct repair *r, struct err *e)
{
    struct io_stat st;
    char **names;
    size_t n;
    if (!r->to || io_stat(io_posix(), r->to, &st) == -ENOENT)
        return 0;
    int rc = io_names(io_posix(), r->to, &names, &n);
    if (rc != 0)
        return err_code(e, rc, "%s", r->to);
    io_names_free(names, n);
    return n ? err_set(e, ERR_EXISTS, "%s: exists and is not empty", r->to) : 0;
}

static int run(struct repair *r, const struct opt_args *args, struct err *e)
{
    int rc = check_output(r, e);
    if (rc == 0)
        rc = find_place(r, args, e);
    if (rc == 0)
        rc = read_logs(r, e);
    if (rc == 0 && count_faults(r) == 0)
        rc = err_set(e, ERR_INVALID, "%s: nothing is wrong with it, so nothing is done", r->path);
    if (rc == 0)
        rc = plan(r, e);
    if (rc != 0)
        return rc;
    tell(r);
    return r->to ? write_copy(r, e) : 0;
}

int wal_repair(void *values, const struct opt_args *args)
{
    const struct wal_options *o = values;
    struct err e;
    if (!o->repair_to && !o->validate_only)
        return cli_misuse("repair needs --output (or --validate-only)");
    struct repair r = {.o = o, .path = args->operands[0], .orphans = json_new_array()};
    r.to = o->validate_only ? NULL : o->repair_to;
    int rc = run(&r, args, &e);
    for (size_t i = 0; i < r.n; i++)
        repair_log_release(&r.logs[i]);
    free(r.logs);
    meta_image_unref(r.image);
    wal_logs_release(&r.dirs);
    io_close(r.lock);
    json_free(r.orphans);
    return rc ? (int)cli_fail(&e) : CLI_OK;
}

/* wal_list.c - chronik-wal list: the segment files, and what each of them is to the log.
 *
 *   live     the last one with groups: what a broker writes to
 *   full     ends with ROLL
 *   cut      ended where a recovery began a new one
 *   ready    prepared, nothing written to it yet
 *   dead     not part of the log: prepared for it, but passed over by a recovery
 *   damaged  what is wrong is said on standard error
 *   unread   not known: the log before it is damaged
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/wal_tool.h"

struct entry {
    char path[IO_PATH_MAX];
    struct wal_segment_header header;
    bool sound; /* the header is right, and so is the size */
    uint64_t size, groups, used, first, last;
    bool rolled;
};

struct listing {
    struct entry *v;
    size_t n;
    struct entry *live; /* where the last group was */
};

static const struct out_column columns[] = {
    {"file", OUT_STR},       {"shard", OUT_INT},
    {"id", OUT_INT},         {"state", OUT_STR},
    {"groups", OUT_INT},     {"used", OUT_INT},
    {"size", OUT_INT},       {"first_index", OUT_INT},
    {"last_index", OUT_INT}, {"created_ms", OUT_INT, .data_only = true},
};

/* ---- the files */

static void look_at(struct entry *en, struct io *io)
{
    uint8_t block[WAL_BLOCK];
    struct io_file *f;
    struct io_stat st = {0};
    if (io_open(io, en->path, IO_READ, &f) != 0)
        return;
    if (io_fstat(f, &st) == 0 && io_pread(f, block, sizeof block, 0) == sizeof block &&
        wal_segment_header_decode(block, &en->header, NULL) == 0)
        en->sound = en->header.size == st.size;
    en->size = st.size;
    io_close(f);
}

static int find_files(struct listing *l, const struct wal_log *log, struct err *e)
{
    char **names = NULL;
    size_t n = 1;
    int rc = log->is_file ? 0 : io_names(log->io, log->path, &names, &n);
    if (rc != 0)
        return err_code(e, rc, "%s", log->path);
    l->v = calloc(n + 1, sizeof *l->v);
    rc = l->v ? 0 : err_code(e, -ENOMEM, "%s", log->path);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        uint64_t id;
        struct entry *en = &l->v[l->n];
        if (names && !wal_segment_name(names[i], &id))
            continue;
        if (names)
            rc = io_path(en->path, sizeof en->path, log->path, "%s", names[i]);
        else
            rc = strlen(log->path) < sizeof en->path ? 0 : -ENAMETOOLONG;
        if (rc != 0)
            return err_code(e, rc, "%s", log->path);
        if (!names)
            strcpy(en->path, log->path);
        look_at(en, log->io);
        l->n++;
    }
    if (names)
        io_names_free(names, n);
    return rc;
}

/* ---- their groups */

static struct entry *entry_of(struct listing *l, uint64_t id)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].sound && l->v[i].header.id == id)
            return &l->v[i];
    return NULL;
}

static int count(void *ctx, struct wal_visit *v)
{
    struct listing *l = ctx;
    const struct wal_group *g = v->group;
    struct wal_frame f;
    size_t at = WAL_PAYLOAD_HEADER;
    struct entry *en = entry_of(l, g->pos.segment);
    if (!en)
        return 0; /* younger than the listing */
    l->live = en;
    en->groups++;
    en->used = g->pos.offset + wal_group_bytes(g->payload_len);
    if (g->index) {
        en->first = en->first ? en->first : g->index;
        en->last = g->index;
    } else if (wal_frame_next(g->payload, &at, &f) == 1 && f.type == WAL_ROLL) {
        en->rolled = true;
    }
    return 0;
}

/* ---- rows */

static const char *state_of(const struct listing *l, const struct entry *en,
                            const struct wal_outcome *o)
{
    bool damaged = o->rc == ERR_CORRUPT && strcmp(o->fault.file, en->path) == 0;
    if (!en->sound || damaged)
        return "damaged";
    if (en->groups && en->rolled)
        return "full";
    if (en->groups)
        return en == l->live ? "live" : "cut";
    if (o->rc != 0)
        return "unread";
    return l->live && en->header.id < l->live->header.id ? "dead" : "ready";
}

static void put_number(struct out *out, bool known, uint64_t n)
{
    if (known)
        out_int(out, (int64_t)n);
    else
        out_null(out);
}

static void put_entry(struct out *out, const struct entry *en, const char *state)
{
    const struct wal_segment_header *h = &en->header;
    out_str(out, en->path);
    put_number(out, en->sound, h->owner.shard);
    put_number(out, en->sound, h->id);
    out_str(out, state);
    out_int(out, (int64_t)en->groups);
    out_int(out, (int64_t)en->used);
    out_int(out, (int64_t)en->size);
    put_number(out, en->first != 0, en->first);
    put_number(out, en->first != 0, en->last);
    put_number(out, en->sound, (uint64_t)h->created_ms);
    out_row(out);
}

static enum cli_exit list_log(struct out *out, const struct wal_log *log)
{
    struct listing l = {.n = 0};
    struct wal_outcome outcome;
    struct err e;
    if (find_files(&l, log, &e) != 0) {
        free(l.v);
        return cli_fail(&e);
    }
    wal_walk(log, count, &l, &outcome);
    for (size_t i = 0; i < l.n; i++)
        put_entry(out, &l.v[i], state_of(&l, &l.v[i], &outcome));
    free(l.v);
    return wal_outcome_report(&outcome);
}

int wal_list(void *values, const struct opt_args *args)
{
    const struct wal_options *o = values;
    struct wal_logs logs;
    struct err e;
    enum cli_exit status = CLI_OK;
    if (wal_logs_find(&logs, args, -1, &e) != 0) {
        wal_logs_release(&logs);
        return cli_fail(&e);
    }
    struct out *out = wal_out(o, OUT_COLUMNS(columns));
    for (size_t i = 0; i < logs.n; i++)
        status = wal_worse(status, list_log(out, &logs.v[i]));
    out_free(out);
    wal_logs_release(&logs);
    return status;
}

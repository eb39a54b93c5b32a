/* wal_repair_plan.c - repair: what goes where something is lost. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/wal_repair.h"
#include "plog/plog.h"

/* ---- shard 0: the image */

static int apply_payload(struct meta_image **m, uint64_t index, uint64_t term, struct span payload,
                         struct err *e)
{
    size_t at = WAL_PAYLOAD_HEADER;
    struct wal_frame f;
    while (wal_frame_next(payload, &at, &f) == 1) {
        struct meta_result res;
        struct meta_image *next;
        if (f.type != WAL_COMMAND)
            continue;
        int rc = meta_apply(*m, index, term, f.body, &next, &res, e);
        if (rc != 0)
            return rc;
        meta_image_unref(*m);
        *m = next;
    }
    return 0;
}

int repair_image(const struct repair_log *l, const char *meta_dir, struct meta_image **out,
                 struct err *e)
{
    struct wr buf;
    wr_init(&buf, 0);
    int rc = meta_snapshot_load(io_posix(), meta_dir, l->checkpoint.index,
                                &l->checkpoint.owner.cluster_id, out, e);
    for (size_t i = 0; rc == 0 && i < l->n; i++) {
        if (l->entries[i].kind != WAL_WHOLE)
            continue;
        rc = repair_payload(l, &l->entries[i], &buf, e);
        if (rc == 0)
            rc = apply_payload(out, l->checkpoint.index + 1 + i, l->entries[i].term,
                               span_of(buf.buf, buf.len), e);
    }
    wr_free(&buf);
    return rc;
}

/* ---- partition logs */

struct consult {
    struct repair_part *p;
    int rc;
};

static bool is_whole(const struct repair_part *p, int64_t base)
{
    size_t lo = 0, hi = p->n_batches;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (p->batches[mid].base < base)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < p->n_batches && p->batches[lo].base == base;
}

/* What stands in a partition log was durable in the WAL before. */
static int each_batch(void *ctx, uint64_t pos, struct span bytes, const struct batch *b)
{
    struct repair_part *p = ((struct consult *)ctx)->p;
    (void)pos;
    if (b->base_offset < p->mark.log_end || is_whole(p, b->base_offset))
        return 0;
    struct repair_piece piece = {.base = b->base_offset,
                                 .last = batch_last_offset(b),
                                 .bytes = malloc(bytes.n),
                                 .n = bytes.n,
                                 .from_log = true};
    void *v = p->pieces;
    int rc = piece.bytes ? repair_grow(&v, p->n_pieces, &p->cap_pieces, sizeof piece) : -ENOMEM;
    if (rc != 0) {
        free(piece.bytes);
        return rc;
    }
    memcpy(piece.bytes, bytes.p, bytes.n);
    p->pieces = v;
    p->pieces[p->n_pieces++] = piece;
    return 0;
}

/* The segments from the checkpoint's active one on; each as far as it is good. */
static int consult_directory(struct repair_part *p, const char *dir, struct err *e)
{
    struct consult c = {.p = p};
    char **names;
    size_t n;
    int rc = io_names(io_posix(), dir, &names, &n);
    if (rc != 0)
        return rc == -ENOENT ? 0 : err_code(e, rc, "%s", dir);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        char path[IO_PATH_MAX];
        struct err why;
        uint64_t valid;
        size_t len = strlen(names[i]);
        if (len != 24 || strcmp(names[i] + 20, ".log") != 0 ||
            strtoll(names[i], NULL, 10) < p->mark.segment)
            continue;
        rc = io_path(path, sizeof path, dir, "%s", names[i]);
        if (rc == 0)
            rc = plog_walk_file(io_posix(), path, each_batch, &c, &valid, &why);
        if (rc == ERR_CORRUPT || rc == ERR_TORN)
            rc = 0; /* beyond the checkpoint nothing was synced */
    }
    io_names_free(names, n);
    return rc ? err_code(e, rc, "%s", dir) : 0;
}

static int consult_partition(struct repair_log *l, const struct meta_topic *t, int32_t partition,
                             const char *log_dir, struct err *e)
{
    char name[META_NAME_MAX + 16], dir[IO_PATH_MAX];
    struct uuid id;
    struct repair_part *p = repair_part(l, &t->id, partition);
    if (!p)
        return err_code(e, -ENOMEM, "%s", l->dir);
    p->known = true;
    int rc = plog_dirname(name, sizeof name, t->name, partition);
    if (rc == 0)
        rc = io_path(dir, sizeof dir, log_dir, "%s", name);
    if (rc != 0)
        return err_code(e, rc, "%s", log_dir);
    if (plog_dir_id(io_posix(), dir, &id) != 0 || !uuid_eq(&id, &t->id))
        return 0; /* none, or one that a start will not take either */
    return consult_directory(p, dir, e);
}

int repair_consult_logs(struct repair_log *l, const struct meta_image *image, const char *log_dir,
                        struct err *e)
{
    const struct meta_topic *t = NULL;
    int rc = 0;
    while (rc == 0 && l->damaged && (t = meta_topic_next(image, t)) != NULL)
        for (int32_t i = 0; rc == 0 && i < t->n_partitions; i++)
            if (t->partitions[i].shard == l->checkpoint.owner.shard)
                rc = consult_partition(l, t, i, log_dir, e);
    return rc;
}

/* ---- filling gaps */

/* The first lost entry between two others; 0: none. */
static uint64_t lost_between(const struct repair_log *l, uint64_t after, uint64_t before)
{
    uint64_t first = l->checkpoint.index + 1;
    for (uint64_t i = after >= first ? after + 1 : first; i < before && i < first + l->n; i++)
        if (l->entries[i - first].kind != WAL_WHOLE)
            return i;
    return 0;
}

static int by_base(const void *a, const void *b)
{
    const struct repair_piece *x = a, *y = b;
    if (x->base != y->base)
        return x->base < y->base ? -1 : 1;
    return (x->bytes == NULL) - (y->bytes == NULL); /* what is whole first */
}

static int add_fill(struct repair_part *p, uint64_t entry, const struct repair_piece *piece,
                    int64_t base, int64_t last)
{
    void *v = p->fills;
    int rc = repair_grow(&v, p->n_fills, &p->cap_fills, sizeof *p->fills);
    if (rc == 0) {
        p->fills = v;
        p->fills[p->n_fills++] = (struct repair_fill){entry, piece, base, last};
    }
    return rc;
}

/* An offset delta has 31 bits. */
static int add_empty(struct repair_part *p, uint64_t entry, int64_t from, int64_t to)
{
    int rc = 0;
    while (rc == 0 && from < to) {
        int64_t last = to - from > INT32_MAX ? from + INT32_MAX - 1 : to - 1;
        rc = add_fill(p, entry, NULL, from, last);
        from = last + 1;
    }
    return rc;
}

/* From offset `at` on up to `to`; without a bound (INT64_MAX) as far as something is told. Pieces
 * are sorted. Returns the offset that was reached in *at. */
static int fill_gap(struct repair_part *p, uint64_t entry, int64_t *at, int64_t to)
{
    bool bounded = to != INT64_MAX;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->n_pieces; i++) {
        const struct repair_piece *x = &p->pieces[i];
        if (x->base < *at || x->last >= to)
            continue;
        if (x->base > *at && !bounded)
            break; /* nothing tells what was before it, and its place is not under its CRC */
        rc = add_empty(p, entry, *at, x->base);
        if (rc == 0)
            rc = x->bytes ? add_fill(p, entry, x, x->base, x->last)
                          : add_empty(p, entry, x->base, x->last + 1);
        *at = x->last + 1;
    }
    if (rc == 0 && bounded) {
        rc = add_empty(p, entry, *at, to);
        *at = to;
    }
    return rc;
}

static int contradiction(const struct repair_log *l, const struct repair_part *p, int64_t due,
                         int64_t base, struct err *e)
{
    char id[UUID_TEXT];
    uuid_text(&p->key.topic_id, id);
    return err_set(e, ERR_CORRUPT,
                   "%s: partition %" PRId32 " of topic %s: offset %" PRId64 " where %" PRId64
                   " is due, and no lost entry explains it: this cannot be repaired",
                   l->dir, p->key.partition, id, base, due);
}

static int plan_partition(struct repair_log *l, struct repair_part *p, struct err *e)
{
    int64_t at = p->mark.log_end;
    uint64_t entry = 0, lost;
    int rc = 0;
    if (p->n_pieces)
        qsort(p->pieces, p->n_pieces, sizeof *p->pieces, by_base);
    for (size_t i = 0; rc == 0 && i < p->n_batches; i++) {
        const struct repair_batch *b = &p->batches[i];
        lost = b->base > at ? lost_between(l, entry, b->entry) : 0;
        if (b->base < at || (b->base > at && !lost))
            return contradiction(l, p, at, b->base, e);
        if (b->base > at)
            rc = fill_gap(p, lost, &at, b->base);
        at = b->last + 1;
        entry = b->entry;
    }
    lost = lost_between(l, entry, UINT64_MAX);
    if (rc == 0 && lost)
        rc = fill_gap(p, lost, &at, INT64_MAX);
    return rc ? err_code(e, rc, "%s", l->dir) : 0;
}

int repair_plan(struct repair_log *l, struct err *e)
{
    struct repair_part *p, *next;
    int rc = 0;
    HASH_ITER(hh, l->parts, p, next)
    {
        if (rc == 0 && p->known)
            rc = plan_partition(l, p, e);
    }
    return rc;
}

/* wal_repair_read.c - repair: what a damaged log still holds. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "batch/batch.h"
#include "cli/wal_repair.h"

int repair_grow(void **v, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return 0;
    size_t more = *cap ? *cap * 2 : 16;
    void *p = reallocarray(*v, more, size);
    if (!p)
        return -ENOMEM;
    *v = p;
    *cap = more;
    return 0;
}

struct repair_part *repair_part(struct repair_log *l, const struct uuid *id, int32_t partition)
{
    struct repair_key key;
    struct repair_part *p;
    memset(&key, 0, sizeof key);
    key.topic_id = *id;
    key.partition = partition;
    HASH_FIND(hh, l->parts, &key, sizeof key, p);
    if (p)
        return p;
    p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->key = key;
    p->mark.max_timestamp = p->mark.max_timestamp_offset = -1;
    HASH_ADD(hh, l->parts, key, sizeof p->key, p);
    return p;
}

/* ---- the checkpoint */

static int add_fault(void *ctx, const char *file, uint64_t position, const char *why)
{
    struct repair_log *l = ctx;
    struct json *j = json_new_object();
    json_set_str(j, "file", file);
    json_set_int(j, "position", (int64_t)position);
    json_set_str(j, "reason", why);
    json_push(l->faults, j);
    l->n_faults++;
    return 0;
}

static int file_fault(void *ctx, const char *file, const char *why)
{
    return add_fault(ctx, file, 0, why);
}

static int take_partition(struct repair_log *l, const struct checkpoint_partition *c)
{
    struct repair_part *p = repair_part(l, &c->topic_id, c->partition);
    if (!p)
        return -ENOMEM;
    p->known = true;
    p->mark = c->mark;
    p->epoch = c->n_epochs ? c->epochs[c->n_epochs - 1].epoch : 0;
    return 0;
}

static int read_checkpoint(struct repair_log *l, struct wal_pos *synced, struct err *e)
{
    struct checkpoint older;
    struct err why;
    bool bad;
    int rc = checkpoint_load(io_posix(), l->dir, NULL, &l->checkpoint, &older, &bad, &why);
    if (rc == ERR_CORRUPT || rc == ERR_NOTFOUND)
        return err_set(e, ERR_CORRUPT, "%s: no good checkpoint is left to begin from: %s", l->dir,
                       why.text);
    if (rc != 0) {
        if (e)
            *e = why;
        return rc;
    }
    l->has_checkpoint = true;
    *synced = l->checkpoint.synced;
    if (wal_pos_cmp(older.synced, *synced) > 0)
        *synced = older.synced;
    checkpoint_release(&older);
    if (bad)
        file_fault(l, l->dir, why.text);
    l->term = l->checkpoint.current_term;
    l->vote = l->checkpoint.vote;
    for (uint32_t i = 0; rc == 0 && i < l->checkpoint.n_partitions; i++)
        rc = take_partition(l, &l->checkpoint.partitions[i]);
    return rc ? err_code(e, rc, "%s", l->dir) : 0;
}

/* ---- entries */

static uint64_t first_index(const struct repair_log *l)
{
    return l->checkpoint.index + 1;
}

static uint64_t last_index(const struct repair_log *l)
{
    return l->checkpoint.index + l->n;
}

static uint64_t last_term(const struct repair_log *l)
{
    return l->n ? l->entries[l->n - 1].term : l->checkpoint.term;
}

/* A group discards what was written before it with its index or a higher one. */
static void discard_from(struct repair_log *l, uint64_t index)
{
    while (last_index(l) >= index && l->n) {
        struct repair_part *p, *next;
        HASH_ITER(hh, l->parts, p, next)
        {
            while (p->n_batches && p->batches[p->n_batches - 1].entry == last_index(l))
                p->n_batches--;
        }
        l->n--;
    }
}

static int push_entry(struct repair_log *l, const struct repair_entry *en)
{
    void *v = l->entries;
    int rc = repair_grow(&v, l->n, &l->cap, sizeof *l->entries);
    l->entries = v;
    if (rc == 0)
        l->entries[l->n++] = *en;
    return rc;
}

/* The one with this index comes next: those that are missing before it are lost. */
static int reach(struct repair_log *l, uint64_t index)
{
    int rc = 0;
    discard_from(l, index);
    while (rc == 0 && last_index(l) + 1 < index) {
        struct repair_entry lost = {.kind = WAL_HOLE, .term = last_term(l)};
        l->untold++;
        rc = push_entry(l, &lost);
    }
    l->hole = false;
    return rc;
}

/* ---- batches */

static int add_batch(struct repair_log *l, uint64_t entry, const struct wal_batch *w)
{
    struct batch b;
    if (batch_peek(w->batch, &b) != 0)
        return 0;
    struct repair_part *p = repair_part(l, &w->topic_id, (int32_t)w->partition);
    void *v = p ? p->batches : NULL;
    int rc = p ? repair_grow(&v, p->n_batches, &p->cap_batches, sizeof *p->batches) : -ENOMEM;
    if (rc != 0)
        return rc;
    p->known = true;
    p->batches = v;
    p->batches[p->n_batches++] = (struct repair_batch){entry, b.base_offset, batch_last_offset(&b)};
    return 0;
}

static int take_frames(struct repair_log *l, uint64_t entry, struct span payload)
{
    size_t at = WAL_PAYLOAD_HEADER;
    struct wal_frame f;
    struct wal_batch w;
    int rc = 0;
    while (rc == 0 && wal_frame_next(payload, &at, &f) == 1)
        if (f.type == WAL_BATCH && wal_batch_decode(f.body, &w) == 0)
            rc = add_batch(l, entry, &w);
    return rc;
}

/* A batch of a group that is damaged: its own CRC says whether it can be believed; where it belongs
 * is not under it, and will have to fit. */
static int add_piece(struct repair_log *l, const struct wal_batch *w)
{
    struct batch b;
    if (batch_peek(w->batch, &b) != 0 || batch_size(&b) != w->batch.n || b.base_offset < 0)
        return ERR_MALFORMED;
    struct repair_part *p = repair_part(l, &w->topic_id, (int32_t)w->partition);
    void *v = p ? p->pieces : NULL;
    int rc = p ? repair_grow(&v, p->n_pieces, &p->cap_pieces, sizeof *p->pieces) : -ENOMEM;
    if (rc != 0)
        return rc;
    p->pieces = v;
    struct repair_piece piece = {.base = b.base_offset, .last = batch_last_offset(&b)};
    if (batch_verify(w->batch, &b, NULL) == 0) {
        piece.bytes = malloc(w->batch.n);
        if (!piece.bytes)
            return -ENOMEM;
        memcpy(piece.bytes, w->batch.p, w->batch.n);
        piece.n = w->batch.n;
    }
    p->pieces[p->n_pieces++] = piece;
    return 0;
}

/* Look into a payload that is not what it was. *all: its frames could be told apart to the end. */
static int take_pieces(struct repair_log *l, struct span payload, bool *all)
{
    size_t at = WAL_PAYLOAD_HEADER;
    struct wal_frame f;
    struct wal_batch w;
    int rc;
    *all = true;
    while ((rc = wal_frame_next(payload, &at, &f)) == 1) {
        rc = f.type != WAL_BATCH ? ERR_MALFORMED : wal_batch_decode(f.body, &w);
        if (rc == 0)
            rc = add_piece(l, &w);
        if (rc == -ENOMEM)
            return rc;
        *all = *all && rc == 0;
    }
    *all = *all && rc == 0;
    return 0;
}

/* ---- regions */

static int take_local(struct repair_log *l, const struct wal_salvaged *s)
{
    size_t at = WAL_PAYLOAD_HEADER;
    struct wal_frame f;
    int rc = 0;
    while (rc == 0 && wal_frame_next(s->payload, &at, &f) == 1) {
        struct wal_open o = {.term = 0};
        struct wal_state st = {.term = 0};
        struct wal_topic t;
        if (f.type == WAL_TOPIC && wal_topic_decode(f.body, &t) == 0)
            rc = wal_topics_add(&l->names, &t);
        if (f.type == WAL_OPEN && wal_open_decode(f.body, &o) == 0)
            st = (struct wal_state){o.term, o.vote};
        else if (f.type != WAL_STATE || wal_state_decode(f.body, &st) != 0)
            continue;
        if (st.term >= l->term) {
            l->term = st.term;
            l->vote = st.vote;
        }
    }
    return rc;
}

static int take_whole(struct repair_log *l, const struct wal_salvaged *s)
{
    const struct wal_group *g = &s->group;
    int rc = reach(l, g->index);
    if (rc != 0)
        return rc;
    struct repair_entry en = {.kind = WAL_WHOLE,
                              .term = s->proven ? g->term : last_term(l),
                              .group = *g,
                              .meta_index = g->meta_index,
                              .wall_ms = g->wall_ms};
    en.group.payload = span_of(NULL, 0);
    if (en.term > l->term) {
        l->term = en.term;
        l->vote = 0;
    }
    rc = push_entry(l, &en);
    return rc ? rc : take_frames(l, g->index, s->payload);
}

static int take_damaged(struct repair_log *l, const struct wal_salvaged *s)
{
    bool all;
    int rc = reach(l, s->group.index);
    struct repair_entry en = {.kind = WAL_DAMAGED, .term = s->group.term};
    if (rc == 0)
        rc = push_entry(l, &en);
    if (rc == 0)
        rc = take_pieces(l, s->payload, &all);
    if (rc == 0 && !all)
        l->untold++;
    return rc;
}

static int take_region(void *ctx, const struct wal_salvaged *s)
{
    struct repair_log *l = ctx;
    enum wal_salvage_kind kind = s->kind;
    bool all;
    if (s->why)
        add_fault(l, s->file, s->pos.offset, s->why);
    if (kind == WAL_WHOLE && !s->proven && s->group.index && s->group.index != last_index(l) + 1)
        kind = WAL_HOLE;
    if (kind != WAL_HOLE && s->group.index == 0)
        return kind == WAL_WHOLE ? take_local(l, s) : 0;
    if (kind != WAL_HOLE && s->group.index < first_index(l))
        return 0; /* the checkpoint has it */
    if (kind == WAL_WHOLE)
        return take_whole(l, s);
    if (kind == WAL_DAMAGED)
        return take_damaged(l, s);
    l->hole = true;
    return take_pieces(l, s->payload, &all);
}

int repair_read(struct repair_log *l, const char *dir, struct err *e)
{
    struct wal_salvage_config cfg = {.io = io_posix(), .dir = dir};
    *l = (struct repair_log){.dir = dir, .faults = json_new_array()};
    int rc = read_checkpoint(l, &cfg.synced, e);
    if (rc != 0)
        return rc;
    rc = wal_salvage(&cfg, take_region, file_fault, l, &l->end, e);
    if (rc != 0)
        return rc;
    if (l->hole) /* at the end: what was there had no successor to tell its index */
        rc = reach(l, last_index(l) + 2);
    for (size_t i = 0; i < l->n; i++)
        l->damaged += l->entries[i].kind != WAL_WHOLE;
    return rc ? err_code(e, rc, "%s", dir) : 0;
}

void repair_log_release(struct repair_log *l)
{
    struct repair_part *p, *next;
    HASH_ITER(hh, l->parts, p, next)
    {
        HASH_DEL(l->parts, p);
        for (size_t i = 0; i < p->n_pieces; i++)
            free(p->pieces[i].bytes);
        free(p->pieces);
        free(p->batches);
        free(p->fills);
        free(p);
    }
    if (l->has_checkpoint)
        checkpoint_release(&l->checkpoint);
    wal_topics_release(&l->names);
    json_free(l->faults);
    free(l->entries);
}

int repair_payload(const struct repair_log *l, const struct repair_entry *en, struct wr *buf,
                   struct err *e)
{
    char path[IO_PATH_MAX];
    struct io_file *f = NULL;
    const struct wal_group *g = &en->group;
    wr_reset(buf);
    uint8_t *p = wr_grow(buf, g->payload_len);
    int rc = p ? wal_segment_path(path, sizeof path, l->dir, g->pos.segment) : -ENOMEM;
    if (rc == 0)
        rc = io_open(io_posix(), path, IO_READ, &f);
    ssize_t got = rc ? rc : io_pread(f, p, g->payload_len, g->pos.offset + WAL_GROUP_HEADER);
    io_close(f);
    if (got < 0)
        return err_code(e, (int)got, "%s", l->dir);
    if ((size_t)got != g->payload_len || crc32c(0, p, g->payload_len) != g->payload_crc)
        return err_set(e, -EIO, "%s: byte %llu: it changed while it was read", path,
                       (unsigned long long)g->pos.offset);
    return 0;
}

#include "cli/meta_history.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "shard/checkpoint.h"
#include "shard/meta_entry.h"

static void set_fault(struct history_fault *f, const char *file, uint64_t position)
{
    snprintf(f->file, sizeof f->file, "%s", file);
    f->position = position;
}

/* ---- opening */

/* What a checkpoint knows to be durable: damage before it is no torn tail. */
static struct wal_pos known_synced(const struct place *p)
{
    struct checkpoint newest, older;
    struct wal_pos synced = {0, 0};
    bool bad;
    if (p->kind == PLACE_SEGMENT)
        return synced;
    if (checkpoint_load(p->io, p->log, place_owner(p), &newest, &older, &bad, NULL) == 0) {
        synced = newest.synced;
        checkpoint_release(&newest);
        checkpoint_release(&older);
    }
    return synced;
}

static int add_entry(struct history *h, const struct wal_group *g)
{
    if (h->n_entries > 0 && g->index >= h->first && g->index <= h->first + h->n_entries)
        h->n_entries = (size_t)(g->index - h->first); /* what was written before it is discarded */
    else
        h->n_entries = 0;
    if (h->n_entries == 0)
        h->first = g->index;
    if (h->n_entries == h->cap_entries) {
        size_t cap = h->cap_entries ? 2 * h->cap_entries : 1024;
        struct history_entry *grown = reallocarray(h->entries, cap, sizeof *grown);
        if (!grown)
            return -ENOMEM;
        h->entries = grown;
        h->cap_entries = cap;
    }
    h->entries[h->n_entries++] = (struct history_entry){g->term, g->pos};
    return 0;
}

static int read_log(struct history *h, struct wal_fault *fault, struct err *e)
{
    struct wal_reader_config cfg = {.io = h->place->io,
                                    .path = h->place->log,
                                    .owner = place_owner(h->place),
                                    .synced = known_synced(h->place),
                                    .live = true,
                                    .fault = fault};
    struct wal_group g;
    int rc = wal_reader_open(&h->log, &cfg, e);
    if (rc == 0)
        rc = place_check_shard(h->place, h->log, e);
    if (rc < 0)
        return rc;
    while ((rc = wal_reader_next(h->log, &g, e)) == 1) {
        h->n_groups++;
        h->n_written += g.index > 0;
        h->n_bytes += wal_group_bytes(g.payload_len);
        if (g.index > 0 && add_entry(h, &g) < 0)
            return err_code(e, -ENOMEM, "%s", h->place->log);
    }
    if (rc == 0)
        wal_reader_end(h->log, &h->end);
    return rc;
}

int history_open(struct history *h, const struct place *p, struct history_fault *fault,
                 struct err *e)
{
    int rc = 0;
    *h = (struct history){.place = p};
    if (p->snapshots[0]) {
        rc = meta_snapshot_list(p->io, p->snapshots, &h->snapshots, &h->n_snapshots);
        if (rc < 0)
            return err_code(e, rc, "%s", p->snapshots);
    }
    if (p->log[0]) {
        struct wal_fault where = {.file = ""};
        rc = read_log(h, &where, e);
        if (rc == ERR_CORRUPT)
            set_fault(fault, where.file[0] ? where.file : p->log, where.pos.offset);
        if ((rc == ERR_NOTFOUND || rc == -ENOENT) && !h->log && h->n_snapshots > 0)
            rc = 0; /* snapshots alone are something to look at */
    }
    return rc;
}

void history_close(struct history *h)
{
    wal_reader_free(h->log);
    free(h->entries);
    free(h->snapshots);
    *h = (struct history){0};
}

uint64_t history_last(const struct history *h)
{
    uint64_t log = h->n_entries ? h->first + h->n_entries - 1 : 0;
    uint64_t snapshot = h->n_snapshots ? h->snapshots[h->n_snapshots - 1].index : 0;
    return log > snapshot ? log : snapshot;
}

/* ---- snapshots */

int history_snapshot(const struct history *h, struct meta_snapshot_name name,
                     struct meta_image **out, struct history_fault *fault, struct err *e)
{
    const struct place *p = h->place;
    char path[IO_PATH_MAX], base[META_SNAPSHOT_NAME];
    uint8_t *buf = NULL;
    size_t n = 0;
    meta_snapshot_format_name(base, name);
    int rc = io_path(path, sizeof path, p->snapshots, "%s", base);
    if (rc == 0)
        rc = io_read_file(p->io, path, META_SNAPSHOT_MAX, &buf, &n);
    if (rc < 0)
        return err_code(e, rc, "%s/%s", p->snapshots, base);
    set_fault(fault, path, 0);
    rc = meta_snapshot_decode(span_of(buf, n), place_cluster(p), out, &fault->position, e);
    free(buf);
    if (rc == 0 && (meta_index(*out) != name.index || meta_term(*out) != name.term)) {
        meta_image_unref(*out);
        *out = NULL;
        fault->position = 40;
        rc = err_set(e, ERR_CORRUPT, "byte 40: index and term are not those of the name");
    }
    if (rc < 0)
        err_wrap(e, "%s", path);
    return rc;
}

/* ---- the log */

/* An entry that passes its checksums and yet cannot be followed is damage, unless a newer program
 * wrote it. */
static int replay_failed(struct history *h, const struct history_entry *entry, uint64_t index,
                         int rc, struct history_fault *fault, struct err *e)
{
    const char *file = wal_reader_file(h->log);
    set_fault(fault, file, entry->pos.offset);
    err_wrap(e, "%s: byte %" PRIu64 ": entry %" PRIu64, file, entry->pos.offset, index);
    if (rc == ERR_MALFORMED || rc == ERR_TOOBIG)
        rc = e->code = ERR_CORRUPT;
    return rc;
}

int history_replay(struct history *h, struct meta_image **m, uint64_t to,
                   struct history_fault *fault, struct err *e)
{
    uint64_t last = h->n_entries ? h->first + h->n_entries - 1 : 0;
    uint64_t from = meta_index(*m) + 1;
    if (from > to)
        return 0;
    if (h->n_entries == 0 || to > last)
        return err_set(e, ERR_NOTFOUND, "%s: index %" PRIu64 " is beyond the newest, %" PRIu64,
                       h->place->path, to, history_last(h));
    if (from < h->first)
        return err_set(e, ERR_NOTFOUND,
                       "%s: the log begins at index %" PRIu64 ", entry %" PRIu64 " is needed",
                       h->place->log, h->first, from);
    for (uint64_t index = from; index <= to; index++) {
        const struct history_entry *entry = &h->entries[index - h->first];
        struct meta_image *next;
        struct meta_result res;
        struct wal_group g;
        int rc = wal_reader_at(h->log, entry->pos, &g, e);
        /* The segment was recycled or the entry overwritten after the first look. */
        if (rc == ERR_CORRUPT || (rc == 0 && (g.index != index || g.term != entry->term)))
            return err_code(e, -ENOENT, "%s: changed while it was read", h->place->log);
        if (rc == 0)
            rc = shard_meta_apply(*m, g.index, g.term, g.payload, &next, &res, e);
        if (rc < 0)
            return replay_failed(h, entry, index, rc, fault, e);
        meta_image_unref(*m);
        *m = next;
    }
    return 0;
}

/* ---- all of it */

int history_empty(const struct history *h, struct meta_image **out, struct err *e)
{
    if (h->n_entries == 0 || h->first != 1)
        return err_set(e, ERR_NOTFOUND, "%s: no snapshot to start from", h->place->path);
    size_t n;
    const struct wal_segment_header *s = wal_reader_segments(h->log, &n);
    *out = meta_image_new(&s[0].owner.cluster_id);
    return *out ? 0 : err_code(e, -ENOMEM, "metadata");
}

/* The newest good snapshot at or below the index. */
static int start_image(const struct history *h, uint64_t at, struct meta_image **out,
                       struct history_fault *fault, struct err *e)
{
    int bad = 0;
    for (size_t i = h->n_snapshots; i-- > 0;) {
        if (h->snapshots[i].index > at)
            continue;
        int rc = history_snapshot(h, h->snapshots[i], out, fault, e);
        if (rc != ERR_CORRUPT)
            return rc;
        cli_warn("%s", e->text);
        bad = rc;
    }
    if (bad)
        return bad;
    if (h->n_snapshots == 0)
        return history_empty(h, out, e);
    return err_set(e, ERR_NOTFOUND, "%s: the oldest retained index is %" PRIu64, h->place->path,
                   h->snapshots[0].index);
}

static int try_image(const struct place *p, uint64_t at, struct meta_image **out, struct err *e)
{
    struct history h;
    struct history_fault fault;
    struct meta_image *m = NULL;
    int rc = history_open(&h, p, &fault, e);
    if (rc == ERR_CORRUPT && at <= history_last(&h)) {
        cli_warn("%s", e->text); /* behind what is asked for */
        rc = 0;
    }
    if (rc == 0)
        rc = start_image(&h, at, &m, &fault, e);
    if (rc == 0)
        rc = history_replay(&h, &m, at == HISTORY_LATEST ? history_last(&h) : at, &fault, e);
    history_close(&h);
    if (rc < 0) {
        meta_image_unref(m);
        return rc;
    }
    *out = m;
    return 0;
}

int history_image(const struct place *p, uint64_t at, struct meta_image **out, struct err *e)
{
    enum { TRIES = 10 };
    int rc = -ENOENT;
    /* A running broker takes snapshots and segments away as it goes on; what replaces them is there
     * by then. */
    for (int i = 0; i < TRIES && rc == -ENOENT; i++)
        rc = try_image(p, at, out, e);
    return rc;
}

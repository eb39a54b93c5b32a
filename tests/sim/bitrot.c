/* bitrot.c - L5: a byte at rest changes. Start or the first read must find it, or it must not
 * matter. Only behind the last position that the log calls synced may damage look like an
 * unfinished write.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/compacted.h"
#include "tests/sim/scan.h"
#include "tests/sim/world.h"
#include "wal/reader.h"

enum { FILES = 256 };

struct files {
    struct io *io;
    char *path[FILES];
    size_t n;
};

/* Every file below dir, depth first. */
static void list_files(struct files *f, const char *dir)
{
    char **names;
    size_t n;
    if (io_names(f->io, dir, &names, &n))
        return;
    for (size_t i = 0; i < n; i++) {
        char path[IO_PATH_MAX];
        struct io_stat st;
        if (io_path(path, sizeof path, dir, "%s", names[i]) || io_stat(f->io, path, &st))
            continue;
        if (st.is_dir)
            list_files(f, path);
        else if (st.size && f->n < FILES)
            f->path[f->n++] = strdup(path);
    }
    io_names_free(names, n);
}

/* Where the log of a shard says, on an undamaged disk, that everything before is durable. */
static struct wal_pos synced_of(struct sim_world *w, struct io *io, uint32_t shard)
{
    char dir[IO_PATH_MAX];
    struct wal_reader *r;
    struct wal_group g;
    struct wal_end end;
    struct err e;
    int rc;
    node_wal_dir(dir, sizeof dir, SIM_DIR "/wal", shard);
    struct wal_reader_config cfg = {.io = io, .path = dir};
    if (wal_reader_open(&r, &cfg, &e))
        sim_violation(w, "L5", "%s", e.text);
    while ((rc = wal_reader_next(r, &g, &e)) == 1)
        continue;
    if (rc)
        sim_violation(w, "L5", "%s", e.text);
    wal_reader_end(r, &end);
    wal_reader_free(r);
    return end.synced;
}

static bool may_be_torn(struct sim_node *n, const char *path, size_t at)
{
    uint32_t shard;
    unsigned long long segment;
    int end = 0;
    if (n->clean)
        return false;
    if (sscanf(path, SIM_DIR "/wal/%u/%llu.wal%n", &shard, &segment, &end) != 2 || path[end])
        return false;
    struct wal_pos pos = {segment, at};
    return wal_pos_cmp(pos, synced_of(n->w, io_mem_io(n->disk.mem), shard)) >= 0;
}

/* Is it one of two checkpoints? Then the other one has to do. */
static bool other_checkpoint(struct sim_node *n, const char *path)
{
    char other[IO_PATH_MAX];
    struct io_stat st;
    size_t len = strlen(path);
    if (!strstr(path, "/checkpoint.") || len >= sizeof other ||
        (path[len - 1] != '0' && path[len - 1] != '1'))
        return false;
    memcpy(other, path, len + 1);
    other[len - 1] = path[len - 1] == '0' ? '1' : '0';
    return io_stat(io_mem_io(n->disk.mem), other, &st) == 0;
}

/* ---- is all there that was promised? */

struct look {
    struct model_part *p;
    size_t i;
    bool same;
};

static void look_at(void *ctx, const struct batch *head, const uint8_t *bytes)
{
    struct look *l = ctx;
    if (l->p->topic->set.compact)
        l->i = model_find(l->p, head->base_offset);
    if (l->i >= l->p->n)
        return; /* without an answer, and never read: it may be there */
    const struct model_batch *b = l->p->log[l->i++];
    l->same = l->same && (l->p->topic->set.compact
                              ? compacted_is_part(b, head, bytes)
                              : head->base_offset == b->seen_at && model_is_same(b, head, bytes));
}

enum finding { HARMLESS, FOUND_READING, LOST, CHANGED };

static enum finding look_at_part(struct sim_node *twin, struct model_part *p)
{
    struct shard *s = twin->shard[1].s;
    struct err e;
    struct plog *log = shard_partition(s, &p->topic->id, p->partition);
    if (!log || plog_high_watermark(log) < p->end || plog_log_start(log) < p->trim_acked)
        return LOST;
    int64_t start = plog_log_start(log);
    bool asked =
        start <= p->trim_asked || model_may_expire(twin->w, p, p->view[twin->id - 1].start, start);
    struct look l = {p, model_find(p, start), asked};
    if (scan_partition(log, start, plog_high_watermark(log), p->topic->set.compact, look_at, &l,
                       &e))
        return FOUND_READING;
    return l.same ? HARMLESS : CHANGED;
}

static enum finding look_around(struct sim_node *twin)
{
    struct model *m = &twin->w->model;
    struct meta_image *image = shard_image(twin->shard[0].s);
    enum finding worst = HARMLESS;
    for (unsigned i = 0; i < m->n_topics; i++) {
        struct model_topic *t = &m->topics[i];
        bool there = meta_topic_by_id(image, &t->id) != NULL;
        if (!model_topic_usable(t)) {
            if (t->deleted == DONE && there)
                return LOST; /* the deletion */
            continue;
        }
        if (!there)
            return LOST;
        for (int32_t p = 0; p < t->partitions; p++) {
            enum finding found = look_at_part(twin, &t->part[p]);
            worst = found > worst ? found : worst;
        }
    }
    return worst;
}

/* ---- one byte */

static void judge(struct sim_node *n, struct sim_node *twin, const char *path, size_t at)
{
    struct sim_world *w = n->w;
    struct err e = {0};
    int rc = sim_node_open(twin, &e);
    if (rc && other_checkpoint(n, path))
        sim_violation(w, "L5", "%s byte %zu was changed, the other checkpoint does not serve: %s",
                      path, at, e.text);
    if (rc) {
        cover(w, COVER_rot_refused);
        trace_line(w, "rot refused: %s", e.text);
        return;
    }
    enum finding found = look_around(twin);
    trace_line(w, "rot found=%d", (int)found);
    switch (found) {
    case HARMLESS:
        cover(w, COVER_rot_harmless);
        return;
    case FOUND_READING:
        cover(w, COVER_rot_found_reading);
        return;
    case LOST:
        if (may_be_torn(n, path, at)) {
            cover(w, COVER_rot_torn);
            return;
        }
        break;
    case CHANGED:
        break;
    }
    sim_violation(w, "L5", "%s byte %zu was changed: %s, and nobody said so", path, at,
                  found == LOST ? "what was acknowledged is gone" : "other bytes are served");
}

void sim_bitrot(struct sim_node *n)
{
    struct sim_world *w = n->w;
    struct files f = {.io = io_mem_io(n->disk.mem)};
    struct io_mem *copy = io_mem_crash(n->disk.mem, io_mem_trace_len(n->disk.mem), IO_CUT_ALL, 0);
    struct sim_node *twin = sim_alloc(sizeof *twin);
    size_t size = 0;
    if (!copy)
        sim_out_of_memory();
    list_files(&f, SIM_DIR);
    if (f.n == 0)
        sim_violation(w, "L1", "nothing is left in the data directory of node %u", n->id);
    const char *path = f.path[rng_below(&w->rng, f.n)];
    uint8_t *bytes = io_mem_bytes(copy, path, &size);
    size_t at = rng_below(&w->rng, size);
    /* Most of a segment is empty: look for what was written. */
    for (int tries = 0; tries < 20 && bytes[at] == 0; tries++)
        at = rng_below(&w->rng, size);
    bytes[at] ^= (uint8_t)(1 + rng_below(&w->rng, 255));
    trace_line(w, "rot node=%u %s byte %zu of %zu", n->id, path, at, size);
    sim_twin_begin(twin, n, copy);
    judge(n, twin, path, at);
    sim_twin_end(twin);
    free(twin);
    while (f.n)
        free(f.path[--f.n]);
}

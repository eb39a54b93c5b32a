/* sync.c - make a log durable, outside the writer's thread.
 *
 * The writer notes what changed since the last time and takes a reference on each segment
 * concerned; another thread then writes the index files and syncs. Data and names must reach the
 * disk; index files are only hints (a bad one costs a scan), and the epoch file is Kafka's view of
 * what the checkpoint holds, so trouble with those two is counted and no more.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mutant.h"
#include "plog/plog_impl.h"

enum { WRITE_BACK = 2 << 20 }; /* bytes at a time */

struct item {
    struct plog_segment *seg;
    struct io_file *data; /* to be synced; NULL: only the index is to be written */
    uint64_t clean;       /* of it was covered before */
    struct plog_to_save save;
};

struct plog_syncing {
    struct io *io;
    bool failed;          /* a sync did, not merely an opening before it */
    unsigned lost;        /* hints that could not be written, */
    struct err *lost_why; /* and why the first; NULL: none, or no memory to say so */
    char *dir, *parent;
    char *epochs; /* the text of the epoch file; NULL: unchanged */
    uint32_t interval;
    bool new_dir, new_names;
    size_t n;
    struct item item[];
};

/* An index that was made anew by a reader, or of a segment that is complete now. */
static bool needs_index(const struct plog_segment *s)
{
    if (!atomic_load_explicit(&s->old, memory_order_acquire) &&
        !atomic_load_explicit(&s->tail, memory_order_relaxed))
        return false;
    return atomic_load_explicit(&s->stale, memory_order_relaxed) ||
           (atomic_load_explicit(&s->sealed, memory_order_relaxed) &&
            atomic_load_explicit(&s->saved_bytes, memory_order_relaxed) != plog_segment_bytes(s));
}

static bool needs_work(const struct plog_segment *s)
{
    return s->dirty || needs_index(s);
}

static size_t count_work(const struct plog_list *l)
{
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++)
        n += needs_work(l->seg[i]);
    return n;
}

bool plog_dirty(const struct plog *p)
{
    return p->new_dir || p->new_names || (p->new_epochs && p->on_disk) ||
           count_work(plog_segments(p)) > 0;
}

static void note_segment(struct item *it, struct plog_segment *s)
{
    struct plog_tail *t = atomic_load_explicit(&s->tail, memory_order_relaxed);
    struct plog_old *o = atomic_load_explicit(&s->old, memory_order_acquire);
    const struct plog_tally *tally = t || !o ? &s->tally : &o->tally;
    *it = (struct item){
        .seg = s,
        .data = s->dirty ? s->out : NULL,
        .clean = s->clean,
        .save =
            {
                .tail = t ? &t->index : NULL,
                .tail_offsets = t ? plog_grow_count(&t->index.offsets) : 0,
                .tail_times = t ? plog_grow_count(&t->index.times) : 0,
                .whole = atomic_load_explicit(&s->sealed, memory_order_relaxed),
                .id = s->id,
                .last_sum = s->tally.sum,
                .end = plog_segment_end(s),
                .bytes = plog_segment_bytes(s),
                .max_timestamp = tally->max_timestamp,
                .max_timestamp_offset = tally->max_timestamp_offset,
            },
    };
    plog_segment_ref(s);
    s->syncing++;
    s->dirty = false;
    s->clean = it->save.bytes;
}

static struct plog_syncing *new_syncing(const struct plog *p, size_t n)
{
    struct plog_syncing *s = calloc(1, sizeof *s + n * sizeof *s->item);
    if (!s)
        return NULL;
    s->io = p->cfg.io;
    s->interval = plog_interval(p);
    s->dir = strdup(p->dir);
    s->parent = strdup(p->cfg.dir);
    if (p->new_epochs)
        s->epochs = plog_epochs_text(atomic_load_explicit(&p->epochs, memory_order_relaxed));
    if (!s->dir || !s->parent || (p->new_epochs && !s->epochs)) {
        plog_syncing_free(s);
        return NULL;
    }
    return s;
}

int plog_sync_begin(struct plog *p, struct plog_syncing **out, struct err *e)
{
    const struct plog_list *l = plog_segments(p);
    *out = NULL;
    int rc = MUTANT(block_kept) ? 0 : plog_flush(p, e);
    if (rc < 0)
        return rc;
    if (!plog_dirty(p))
        return 0;
    struct plog_syncing *s = new_syncing(p, count_work(l));
    if (!s)
        return err_code(e, -ENOMEM, "%s", p->dir);
    for (size_t i = 0; i < l->n; i++) {
        if (needs_work(l->seg[i]))
            note_segment(&s->item[s->n++], l->seg[i]);
    }
    s->new_dir = p->new_dir;
    s->new_names = p->new_names;
    p->new_dir = p->new_names = p->new_epochs = false;
    *out = s;
    return 0;
}

void plog_sync_undo(struct plog *p, const struct plog_syncing *s)
{
    for (size_t i = 0; i < s->n; i++) {
        s->item[i].seg->dirty |= s->item[i].data != NULL;
        s->item[i].seg->clean = s->item[i].clean;
    }
    p->new_dir |= s->new_dir;
    p->new_names |= s->new_names;
    p->new_epochs |= s->epochs != NULL;
}

/* A segment that was sealed meanwhile has to be looked at again: its last entry is missing. */
static void note_saved(struct item *it)
{
    uint64_t was = atomic_load_explicit(&it->seg->saved_bytes, memory_order_relaxed);
    atomic_store_explicit(&it->seg->stale, false, memory_order_relaxed);
    if (was != PLOG_UNSAVED || it->save.whole)
        atomic_compare_exchange_strong_explicit(&it->seg->saved_bytes, &was, it->save.bytes,
                                                memory_order_relaxed, memory_order_relaxed);
}

/* The index of the old part goes before that of the tail. Without memory for its first entry the
 * tail's regions begin nobody knows where. */
static int join_old(struct item *it, const struct plog_old *o, struct err *e)
{
    struct plog_to_save *save = &it->save;
    const struct plog_offset_entry *first =
        save->tail_offsets ? plog_grow_at(&save->tail->offsets, 0) : NULL;
    uint64_t known = first ? first->pos : save->bytes;
    if (known != it->seg->old_bytes)
        return err_code(e, -ENOMEM, "%s: index", it->seg->path);
    save->old = &o->index;
    save->old_sum = o->tally.sum;
    if (!first)
        save->last_sum = o->tally.sum;
    return 0;
}

static void lose_hint(struct plog_syncing *s, const struct err *why)
{
    s->lost++;
    if (s->lost_why)
        return;
    s->lost_why = malloc(sizeof *s->lost_why);
    if (s->lost_why)
        *s->lost_why = *why;
}

static void save_index(struct plog_syncing *s, struct item *it)
{
    struct err e;
    struct plog_old *o;
    if (atomic_load_explicit(&it->seg->removed, memory_order_relaxed))
        return;
    int rc = plog_segment_old(it->seg, s->interval, &o, &e);
    if (rc == 0 && o)
        rc = join_old(it, o, &e);
    if (rc == 0) {
        rc = plog_index_save(s->io, it->seg->path, &it->save, &it->seg->saved, &e);
    }
    if (rc == 0)
        note_saved(it);
    else if (rc != -ENOENT) /* the directory was removed meanwhile */
        lose_hint(s, &e);
}

static void save_epochs(struct plog_syncing *s)
{
    char path[IO_PATH_MAX];
    struct err e;
    int rc = io_path(path, sizeof path, s->dir, "leader-epoch-checkpoint");
    if (rc < 0)
        err_code(&e, rc, "%s", s->dir);
    else
        rc = plog_write_plain(s->io, path, s->epochs, strlen(s->epochs), &e);
    if (rc < 0 && rc != -ENOENT)
        lose_hint(s, &e);
}

/* Hundreds of megabytes handed to the device at once would stand before every commit of the
 * write-ahead log; a little at a time, each waited for, lets them in between. */
static int write_back(const struct item *it, struct err *e)
{
    int rc = 0;
    if (!it->data || it->save.bytes < it->clean + WRITE_BACK)
        return 0; /* little: thousands of waits would cost more than they spare */
    for (uint64_t at = it->clean; at < it->save.bytes && rc == 0; at += WRITE_BACK)
        rc = io_write_back(it->data, at, WRITE_BACK);
    return rc < 0 ? err_code(e, rc, "%s: write back", it->seg->path) : 0;
}

int plog_syncing_write_back(struct plog_syncing *s, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; i < s->n && rc == 0; i++)
        rc = write_back(&s->item[i], e);
    s->failed |= rc < 0;
    return rc;
}

static int sync_file(struct plog_syncing *s, struct io_file *f, const char *path, struct err *e)
{
    int rc = io_sync(f);
    s->failed |= rc < 0;
    return rc < 0 ? err_code(e, rc, "%s: sync", path) : 0;
}

/* A directory that is gone was removed after plog_sync_begin: nothing of it needs to last. */
static int sync_name(struct plog_syncing *s, const char *dir, struct err *e)
{
    int rc = io_sync_dir(s->io, dir);
    if (rc == 0 || rc == -ENOENT)
        return 0;
    s->failed |= !io_sync_not_begun(rc);
    return err_code(e, rc, "%s: sync", dir);
}

static int sync_metadata(struct plog_syncing *s, struct err *e)
{
    char path[IO_PATH_MAX];
    struct io_file *f;
    int rc = io_path(path, sizeof path, s->dir, "partition.metadata");
    if (rc == 0)
        rc = io_open(s->io, path, IO_READ, &f);
    if (rc == -ENOENT)
        return 0;
    if (rc < 0)
        return err_code(e, rc, "%s/partition.metadata", s->dir);
    rc = sync_file(s, f, path, e);
    io_close(f);
    return rc;
}

static int sync_names(struct plog_syncing *s, struct err *e)
{
    int rc = s->new_dir ? sync_metadata(s, e) : 0;
    if (rc == 0 && (s->new_dir || s->new_names))
        rc = sync_name(s, s->dir, e);
    if (rc == 0 && s->new_dir)
        rc = sync_name(s, s->parent, e);
    return rc;
}

int plog_syncing_run(struct plog_syncing *s, bool with_fs, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; i < s->n; i++)
        save_index(s, &s->item[i]);
    if (s->epochs)
        save_epochs(s);
    if (with_fs)
        return 0;
    for (size_t i = 0; i < s->n && rc == 0; i++)
        if (s->item[i].data)
            rc = sync_file(s, s->item[i].data, s->item[i].seg->path, e);
    return rc < 0 ? rc : sync_names(s, e);
}

bool plog_syncing_failed(const struct plog_syncing *s)
{
    return s->failed;
}

unsigned plog_syncing_lost(const struct plog_syncing *s, const struct err **why)
{
    *why = s->lost_why;
    return s->lost;
}

void plog_syncing_free(struct plog_syncing *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++) {
        s->item[i].seg->syncing--;
        plog_segment_unref(s->item[i].seg);
    }
    free(s->dir);
    free(s->parent);
    free(s->epochs);
    free(s->lost_why);
    free(s);
}

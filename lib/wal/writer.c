/* writer.c - the writer's life, and what its owner may ask it. */
#include "wal/writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "wal/group.h"
#include "wal/state.h"

int wal_writer_reserve(struct wal_writer *w, size_t k)
{
    if (w->cap - w->n >= k)
        return 0;
    size_t cap = w->n + k + 8;
    struct wal_segment *segs = realloc(w->segs, cap * sizeof *segs);
    if (!segs)
        return -ENOMEM;
    w->segs = segs;
    w->cap = cap;
    return 0;
}

/* ---- opening */

/* The segments that are there already. They are kept until they are released. */
static int find_segments(struct wal_writer *w, uint64_t last, struct err *e)
{
    char **names;
    size_t n;
    int rc = io_names(w->io, w->dir, &names, &n);
    if (rc != 0)
        return err_code(e, rc, "%s: cannot list the directory", w->dir);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        char path[IO_PATH_MAX];
        struct io_stat st;
        uint64_t id;
        if (!wal_segment_name(names[i], &id))
            continue;
        if (id > last) {
            rc = err_set(e, ERR_EXISTS, "%s/%s: a segment that the reader did not see", w->dir,
                         names[i]);
            break;
        }
        rc = wal_writer_reserve(w, 1);
        if (rc == 0)
            rc = wal_segment_path(path, sizeof path, w->dir, id);
        if (rc == 0)
            rc = io_stat(w->io, path, &st);
        if (rc != 0)
            err_code(e, rc, "%s/%s", w->dir, names[i]);
        else
            w->segs[w->n++] = (struct wal_segment){.id = id, .size = st.size};
    }
    io_names_free(names, n);
    return rc;
}

/* The OPEN to come says that the log before it is durable. After a mere kill its last bytes may
 * still be in the page cache alone. */
static int sync_before(const struct wal_writer *w, uint64_t id, struct err *e)
{
    char path[IO_PATH_MAX] = "";
    struct io_file *f;
    int rc = wal_segment_path(path, sizeof path, w->dir, id);
    if (rc == 0)
        rc = io_open(w->io, path, IO_WRITE, &f);
    if (rc != 0)
        return err_code(e, rc, "%s: cannot open", path);
    rc = io_sync(f);
    io_close(f);
    return rc != 0 ? err_code(e, rc, "%s: cannot sync", path) : 0;
}

/* The group with OPEN, as it stands in the segment of that header. */
static int make_open(struct wal_payload *p, const struct wal_segment_header *h, struct wal_pos prev,
                     uint64_t term, uint64_t vote, struct iovec *out)
{
    int rc = wal_payload_init(p, 0);
    if (rc != 0)
        return rc;
    struct wal_open open = {term, vote, prev};
    wal_open_encode(wal_payload_frame(p, WAL_OPEN, 0, WAL_OPEN_SIZE), &open);
    wal_payload_stamp(p, 0, h->created_ms);
    struct wal_group g = {
        .pos = {h->id, WAL_BLOCK}, .synced = prev, .term = term, .payload_len = (uint32_t)p->len};
    size_t bytes = (size_t)wal_group_bytes(g.payload_len);
    memset(p->mem + WAL_GROUP_HEADER + p->len, 0, bytes - WAL_GROUP_HEADER - p->len);
    wal_group_header_encode(p->mem, &g);
    wal_group_seal(p->mem, h->salt);
    *out = (struct iovec){p->mem, bytes};
    return 0;
}

/* A start must not wait until a whole segment is filled with zeros, and without them each commit
 * costs half as much again: its blocks become the file's, which is another write to the file
 * system. So it begins with a short one; the next is prepared by the time that is full. */
static uint64_t first_size(const struct wal_writer *w)
{
    enum { FIRST_BYTES = 1 << 20 };
    uint64_t size = w->first_bytes ? w->first_bytes : w->direct ? FIRST_BYTES : UINT64_MAX;
    return size < w->segment_bytes ? size : w->segment_bytes;
}

/* The segment that the log goes on in gets its name with OPEN in it: one sync for both. */
static int first_segment(struct wal_writer *w, uint64_t id, struct wal_pos prev, uint64_t term,
                         uint64_t vote, int64_t wall_ms, struct err *e)
{
    struct wal_payload open = {.mem = NULL};
    struct wal_segment_plan plan = {
        .io = w->io,
        .dir = w->dir,
        .direct = w->direct,
        .zeros = w->direct,
        .header = {.id = id, .size = first_size(w), .owner = w->owner, .created_ms = wall_ms},
    };
    int rc = wal_salt(w, &plan.header.salt);
    if (rc == 0)
        rc = wal_writer_reserve(w, 1);
    if (rc == 0)
        rc = make_open(&open, &plan.header, prev, term, vote, &plan.first);
    rc = rc != 0 ? err_code(e, rc, "%s", w->dir) : wal_segment_make(&plan, e);
    wal_payload_release(&open);
    if (rc != 0)
        return rc;
    w->current = w->n;
    w->segs[w->n++] = (struct wal_segment){id, plan.header.size, plan.header.salt, plan.file};
    w->next_id = id + 1;
    w->stated = prev;
    w->end = w->synced = w->content = (struct wal_pos){id, WAL_BLOCK + plan.first.iov_len};
    return 0;
}

/* Segments from `first` on, at most `spare` of them, are released instead of removed: the next
 * preparation has use for them, and to unlink a large file takes its time. */
static size_t release_dead(struct wal_writer *w, size_t first)
{
    size_t n = 0;
    while (n < w->spare && first + n < w->current && w->segs[first + n].size == w->segment_bytes) {
        struct wal_segment dead = w->segs[first + n];
        memmove(w->segs + n + 1, w->segs + n, first * sizeof *w->segs);
        w->segs[n++] = dead;
    }
    w->n_free = n;
    return n;
}

/* The OPEN that is durable now ends the log before it at `end`: segments between the two are dead,
 * whatever a crash leaves of them. (A start that died before its checkpoint leaves one, and starts
 * that die again and again would fill the disk.) */
static int remove_dead(struct wal_writer *w, struct wal_pos end, struct err *e)
{
    size_t first = 0;
    while (first < w->current && w->segs[first].id <= end.segment)
        first++;
    first += release_dead(w, first);
    size_t k = first;
    bool uncertain = false;
    struct err why;
    int rc = 0;
    for (; k < w->current && rc == 0; k += rc == 0)
        rc = wal_segment_remove(w->io, w->dir, w->segs[k].id, &uncertain, &why);
    memmove(w->segs + first, w->segs + k, (w->n - k) * sizeof *w->segs);
    w->n -= k - first;
    w->current -= k - first;
    if (uncertain) {
        if (e)
            *e = why;
        return rc;
    }
    if (rc != 0) /* they go when a checkpoint releases them */
        log_warn(w->log, "wal", "a segment that nobody needs stays: %s", why.text);
    return 0;
}

static int check_size(const struct wal_writer_config *cfg, uint64_t bytes, struct err *e)
{
    if (bytes >= WAL_SEGMENT_MIN && bytes % WAL_BLOCK == 0)
        return 0;
    return err_set(e, ERR_INVALID,
                   "%s: a segment of %" PRIu64 " bytes: at least %d and a multiple of %d", cfg->dir,
                   bytes, WAL_SEGMENT_MIN, WAL_BLOCK);
}

static int check_config(const struct wal_writer_config *cfg, uint64_t last_segment, struct err *e)
{
    if (last_segment == UINT64_MAX)
        return err_set(e, ERR_TOOBIG, "%s: no segment id is left", cfg->dir);
    int rc = check_size(cfg, cfg->segment_bytes, e);
    return rc == 0 && cfg->first_bytes ? check_size(cfg, cfg->first_bytes, e) : rc;
}

static struct wal_writer *new_writer(const struct wal_writer_config *cfg)
{
    struct wal_writer *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->io = cfg->io;
    w->log = cfg->log;
    w->owner = cfg->owner;
    w->segment_bytes = cfg->segment_bytes;
    w->first_bytes = cfg->first_bytes;
    w->spare = cfg->spare;
    w->direct = cfg->direct;
    w->leave_free = cfg->leave_free;
    w->random = cfg->random;
    w->random_ctx = cfg->random_ctx;
    w->dir = strdup(cfg->dir);
    if (!w->dir) {
        free(w);
        return NULL;
    }
    return w;
}

int wal_writer_open(struct wal_writer **out, const struct wal_writer_config *cfg,
                    struct wal_pos end, uint64_t last_segment, uint64_t term, uint64_t vote,
                    int64_t wall_ms, struct err *e)
{
    *out = NULL;
    int rc = check_config(cfg, last_segment, e);
    if (rc != 0)
        return rc;
    struct wal_writer *w = new_writer(cfg);
    if (!w)
        return err_code(e, -ENOMEM, "%s", cfg->dir);
    rc = wal_segment_sweep(w->io, w->dir, e);
    if (rc == 0)
        rc = find_segments(w, last_segment, e);
    if (rc == 0 && end.segment != 0 && !cfg->durable)
        rc = sync_before(w, end.segment, e);
    if (rc == 0)
        rc = first_segment(w, last_segment + 1, end, term, vote, wall_ms, e);
    if (rc == 0 && end.segment != 0)
        rc = remove_dead(w, end, e);
    if (rc != 0) {
        wal_writer_free(w);
        return rc;
    }
    *out = w;
    return 0;
}

void wal_writer_free(struct wal_writer *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->n; i++)
        io_close(w->segs[i].file);
    free(w->segs);
    free(w->dir);
    free(w);
}

/* ---- looking */

size_t wal_writer_max_payload(const struct wal_writer *w)
{
    uint64_t n = wal_segment_room(w->segment_bytes) - WAL_GROUP_HEADER;
    return n < UINT32_MAX - WAL_BLOCK ? (size_t)n : UINT32_MAX - WAL_BLOCK;
}

struct wal_pos wal_writer_synced(const struct wal_writer *w)
{
    return w->synced;
}

struct wal_pos wal_writer_end(const struct wal_writer *w)
{
    return w->end;
}

uint64_t wal_writer_segment(const struct wal_writer *w)
{
    return w->synced.segment; /* not the current one while its OPEN is still on the way */
}

bool wal_writer_poisoned(const struct wal_writer *w)
{
    return w->poisoned;
}

bool wal_writer_wants_mark(const struct wal_writer *w)
{
    return !w->poisoned && wal_pos_cmp(w->content, w->stated) > 0;
}

uint64_t wal_writer_bytes(const struct wal_writer *w)
{
    uint64_t sum = 0;
    for (size_t i = w->n_free; i < w->n; i++)
        sum += w->segs[i].size;
    return sum;
}

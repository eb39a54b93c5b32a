/* write.c - one write: gathered, placed, committed, taken note of.
 *
 * Seal plans the whole write first (how often does it roll, are so many segments ready) and gets
 * the memory it needs; only then it changes the writer, so a refused seal leaves everything as it
 * was. A write is a list of steps, one commit each: a single one, unless it rolls. A step's iovecs
 * are the groups' own buffers, header and padding included.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "base/mutant.h"
#include "wal/group.h"
#include "wal/state.h"

enum { IOV_CHUNK = 512 }; /* iovecs in one system call; the kernel's bound is 1024 */

struct wal_write_group {
    struct wal_payload *entry; /* NULL: a local group, */
    size_t at;                 /* which begins here in local_mem */
    uint32_t payload_len;
    bool only_marks;
    uint64_t index, term;
    struct wal_pos pos; /* after seal */
};

struct wal_write_step {
    struct io_file *file;
    uint64_t salt;
    struct wal_pos pos;
    size_t iov, n; /* first, and how many */
    bool last_of_segment;
};

void wal_write_init(struct wal_write *wr, struct wal_writer *w)
{
    memset(wr, 0, sizeof *wr);
    wr->writer = w;
}

void wal_write_release(struct wal_write *wr)
{
    assert(wr->writer->in_flight != wr);
    free(wr->groups);
    free(wr->steps);
    free(wr->iov);
    free(wr->local_mem);
    memset(wr, 0, sizeof *wr);
}

void wal_write_begin(struct wal_write *wr)
{
    assert(wr->writer->in_flight != wr);
    wr->rc = 0;
    wr->sync_us = 0;
    wr->bytes = 0;
    wr->n_groups = wr->n_steps = 0;
    wr->local_len = 0;
}

/* ---- gathering */

static int add_group(struct wal_write *wr, struct wal_write_group g)
{
    if (wr->n_groups == wr->cap_groups) {
        size_t cap = wr->cap_groups ? 2 * wr->cap_groups : 8;
        struct wal_write_group *groups = realloc(wr->groups, cap * sizeof *groups);
        if (!groups)
            return -ENOMEM;
        wr->groups = groups;
        wr->cap_groups = cap;
    }
    wr->groups[wr->n_groups++] = g;
    return 0;
}

/* Room for n bytes of local groups in all. */
static int reserve_local(struct wal_write *wr, size_t n)
{
    if (n <= wr->local_cap)
        return 0;
    size_t cap = wr->local_cap ? wr->local_cap : WAL_BLOCK;
    while (cap < n)
        cap *= 2;
    uint8_t *mem = aligned_alloc(WAL_BLOCK, cap);
    if (!mem)
        return -ENOMEM;
    if (wr->local_len)
        memcpy(mem, wr->local_mem, wr->local_len);
    free(wr->local_mem);
    wr->local_mem = mem;
    wr->local_cap = cap;
    return 0;
}

static void put_frame(uint8_t *p, enum wal_frame_type type, struct span body)
{
    bool hint = type == WAL_TOPIC || type == WAL_MARK; /* nothing is lost by not knowing them */
    p[0] = (uint8_t)type;
    p[1] = hint ? WAL_FRAME_SKIPPABLE : 0;
    put_le16(p + 2, 0);
    put_le32(p + 4, (uint32_t)body.n);
    if (body.n)
        memcpy(p + WAL_FRAME_HEADER, body.p, body.n);
}

int wal_write_local(struct wal_write *wr, enum wal_frame_type type, struct span body)
{
    if (wr->writer->poisoned)
        return ERR_POISONED;
    size_t max = wal_writer_max_payload(wr->writer), frame = WAL_FRAME_HEADER + body.n;
    if (body.n > max || WAL_PAYLOAD_HEADER + frame > max)
        return ERR_TOOBIG;
    struct wal_write_group *last = wr->n_groups ? &wr->groups[wr->n_groups - 1] : NULL;
    bool join = last && !last->entry && last->payload_len + frame <= max;
    struct wal_write_group g = {
        .at = wr->local_len, .payload_len = WAL_PAYLOAD_HEADER, .only_marks = true};
    if (join)
        g = *last;
    size_t used = g.at + WAL_GROUP_HEADER + g.payload_len;
    g.payload_len += (uint32_t)frame;
    g.only_marks = g.only_marks && type == WAL_MARK;
    size_t len = g.at + (size_t)wal_group_bytes(g.payload_len);
    int rc = reserve_local(wr, len);
    if (rc == 0 && !join)
        rc = add_group(wr, g);
    if (rc != 0)
        return rc;
    wr->groups[wr->n_groups - 1] = g;
    put_frame(wr->local_mem + used, type, body);
    wr->local_len = len;
    return 0;
}

int wal_write_entry(struct wal_write *wr, struct wal_payload *p, uint64_t index, uint64_t term)
{
    if (wr->writer->poisoned)
        return ERR_POISONED;
    if (p->len > wal_writer_max_payload(wr->writer))
        return ERR_TOOBIG;
    return add_group(
        wr, (struct wal_write_group){
                .entry = p, .payload_len = (uint32_t)p->len, .index = index, .term = term});
}

/* ---- placing */

static bool fits(uint64_t offset, uint64_t bytes, uint64_t size)
{
    return offset + bytes + WAL_BLOCK <= size; /* ROLL always has its block */
}

bool wal_writer_fits(struct wal_writer *w, size_t n)
{
    if (n > wal_writer_max_payload(w))
        return false;
    uint64_t bytes = WAL_BLOCK + wal_group_bytes((uint32_t)n);
    if (w->n - w->current > 1 || fits(w->end.offset, bytes, w->segs[w->current].size))
        return true;
    if (w->wanted == 0)
        w->wanted = 1;
    return false;
}

/* How many times the write rolls. */
static int plan(const struct wal_write *wr, size_t *n_rolls)
{
    const struct wal_writer *w = wr->writer;
    uint64_t offset = w->end.offset, size = w->segs[w->current].size;
    *n_rolls = 0;
    for (size_t i = 0; i < wr->n_groups; i++) {
        uint64_t bytes = wal_group_bytes(wr->groups[i].payload_len);
        if (bytes > wal_segment_room(w->segment_bytes))
            return ERR_TOOBIG;
        if (!fits(offset, bytes, size)) {
            ++*n_rolls;
            offset = 2 * WAL_BLOCK;
            size = w->segment_bytes;
        }
        offset += bytes;
    }
    return 0;
}

static int get_memory(struct wal_write *wr, size_t n_rolls)
{
    size_t n_iov = wr->n_groups + 2 * n_rolls;
    struct iovec *iov = realloc(wr->iov, n_iov * sizeof *iov);
    if (!iov)
        return -ENOMEM;
    wr->iov = iov;
    struct wal_write_step *steps = realloc(wr->steps, (n_rolls + 1) * sizeof *steps);
    if (!steps)
        return -ENOMEM;
    wr->steps = steps;
    return reserve_local(wr, wr->local_len + 2 * n_rolls * WAL_BLOCK);
}

/* What does not change while a write is placed. */
struct placing {
    struct wal_write *wr;
    uint64_t term, vote;
    int64_t wall_ms;
    size_t n_iov;
};

static void begin_step(struct placing *pl)
{
    struct wal_writer *w = pl->wr->writer;
    const struct wal_segment *seg = &w->segs[w->current];
    pl->wr->steps[pl->wr->n_steps++] = (struct wal_write_step){
        .file = seg->file, .salt = seg->salt, .pos = w->end, .iov = pl->n_iov};
}

/* Give the group at mem the next place. */
static struct wal_pos put(struct placing *pl, uint8_t *mem, uint32_t payload_len, uint64_t index,
                          uint64_t term)
{
    struct wal_writer *w = pl->wr->writer;
    struct wal_group g = {.pos = w->end,
                          .synced = w->synced,
                          .index = index,
                          .term = term,
                          .payload_len = payload_len,
                          .prev_sync_us = w->last_sync_us};
    size_t bytes = (size_t)wal_group_bytes(payload_len),
           used = WAL_GROUP_HEADER + (size_t)payload_len;
    wal_group_header_encode(mem, &g);
    memset(mem + used, 0, bytes - used);
    pl->wr->iov[pl->n_iov++] = (struct iovec){mem, bytes};
    pl->wr->steps[pl->wr->n_steps - 1].n++;
    w->end.offset += bytes;
    return g.pos;
}

static void stamp_local(uint8_t *mem, int64_t wall_ms)
{
    put_le64(mem + WAL_GROUP_HEADER, 0);
    put_le64(mem + WAL_GROUP_HEADER + 8, (uint64_t)wall_ms);
}

/* A group of one local frame of ours, behind the caller's local groups. */
static void put_own(struct placing *pl, enum wal_frame_type type, struct span body)
{
    struct wal_write *wr = pl->wr;
    uint8_t *mem = wr->local_mem + wr->local_len;
    wr->local_len += WAL_BLOCK;
    stamp_local(mem, pl->wall_ms);
    put_frame(mem + WAL_GROUP_HEADER + WAL_PAYLOAD_HEADER, type, body);
    put(pl, mem, (uint32_t)(WAL_PAYLOAD_HEADER + WAL_FRAME_HEADER + body.n), 0, pl->term);
}

static void roll(struct placing *pl)
{
    struct wal_writer *w = pl->wr->writer;
    uint8_t body[WAL_OPEN_SIZE];
    wal_roll_encode(body, w->segs[w->current + 1].id);
    put_own(pl, WAL_ROLL, span_of(body, WAL_ROLL_SIZE));
    pl->wr->steps[pl->wr->n_steps - 1].last_of_segment = true;

    struct wal_open open = {pl->term, pl->vote, w->end};
    w->current++;
    w->end = (struct wal_pos){w->segs[w->current].id, WAL_BLOCK};
    begin_step(pl);
    wal_open_encode(body, &open);
    put_own(pl, WAL_OPEN, span_of(body, WAL_OPEN_SIZE));
    pl->wr->content = w->end;
}

static void place(struct placing *pl)
{
    struct wal_write *wr = pl->wr;
    struct wal_writer *w = wr->writer;
    begin_step(pl);
    for (size_t i = 0; i < wr->n_groups; i++) {
        struct wal_write_group *g = &wr->groups[i];
        if (!fits(w->end.offset, wal_group_bytes(g->payload_len), w->segs[w->current].size))
            roll(pl);
        uint8_t *mem = g->entry ? g->entry->mem : wr->local_mem + g->at;
        if (!g->entry)
            stamp_local(mem, pl->wall_ms);
        g->pos = put(pl, mem, g->payload_len, g->index, g->entry ? g->term : pl->term);
        if (!g->only_marks)
            wr->content = w->end;
    }
}

int wal_write_seal(struct wal_write *wr, uint64_t term, uint64_t vote, int64_t wall_ms,
                   bool *rolled)
{
    struct wal_writer *w = wr->writer;
    assert(!w->in_flight);
    if (rolled)
        *rolled = false;
    if (w->poisoned)
        return ERR_POISONED;
    wr->end = w->end;
    wr->stated = w->stated;
    wr->content = w->content;
    if (wr->n_groups == 0)
        return 0;
    size_t n_rolls;
    int rc = plan(wr, &n_rolls);
    if (rc != 0)
        return rc;
    if (n_rolls > w->n - w->current - 1) {
        w->wanted = n_rolls;
        return ERR_BUSY;
    }
    rc = get_memory(wr, n_rolls);
    if (rc != 0)
        return rc;
    struct placing pl = {.wr = wr, .term = term, .vote = vote, .wall_ms = wall_ms};
    place(&pl);
    wr->end = w->end;
    wr->stated = w->synced;
    w->wanted = 0;
    w->in_flight = wr;
    if (rolled)
        *rolled = n_rolls > 0;
    return 0;
}

/* ---- running */

static uint32_t since_us(struct clock *clock, int64_t t0_ns)
{
    int64_t us = (clock->mono_ns(clock) - t0_ns) / 1000;
    return us < 0 ? 0 : us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

static int run_step(struct wal_write *wr, const struct wal_write_step *step, struct clock *clock)
{
    const struct iovec *iov = wr->iov + step->iov;
    uint64_t offset = step->pos.offset;
    size_t left = step->n;
    for (size_t i = 0; i < step->n; i++)
        wal_group_seal(iov[i].iov_base, step->salt);
    int64_t t0 = clock->mono_ns(clock);
    int rc = 0;
    while (rc == 0 && left > 0) {
        bool last = left <= IOV_CHUNK;
        int n = last ? (int)left : IOV_CHUNK;
        uint64_t bytes = 0;
        for (int i = 0; i < n; i++)
            bytes += iov[i].iov_len;
        rc = last && !MUTANT(skip_sync) ? io_commit(step->file, iov, n, offset)
                                        : io_pwritev(step->file, iov, n, offset);
        offset += bytes;
        wr->bytes += bytes;
        iov += n;
        left -= (size_t)n;
    }
    wr->sync_us = since_us(clock, t0);
    return rc;
}

uint64_t wal_write_size(const struct wal_write *wr)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < wr->n_steps; i++)
        for (size_t k = 0; k < wr->steps[i].n; k++)
            bytes += wr->iov[wr->steps[i].iov + k].iov_len;
    return bytes;
}

void wal_write_run(struct wal_write *wr, struct clock *clock)
{
    wr->rc = 0;
    wr->bytes = 0;
    for (size_t i = 0; wr->rc == 0 && i < wr->n_steps; i++) {
        wr->failed = wr->steps[i].pos;
        wr->rc = run_step(wr, &wr->steps[i], clock);
    }
}

/* ---- the result */

static void close_segment(struct wal_writer *w, struct io_file *file)
{
    for (size_t i = w->n_free; i < w->current; i++)
        if (w->segs[i].file == file)
            w->segs[i].file = NULL;
    io_close(file);
}

int wal_write_done(struct wal_write *wr, struct err *e)
{
    struct wal_writer *w = wr->writer;
    assert(wr->n_steps == 0 || w->in_flight == wr);
    if (wr->n_steps == 0)
        return w->poisoned ? err_code(e, ERR_POISONED, "%s", w->dir) : 0;
    w->in_flight = NULL;
    if (MUTANT(ignored_errno))
        wr->rc = 0;
    for (size_t i = 0; i < wr->n_steps; i++)
        if (wr->steps[i].last_of_segment)
            close_segment(w, wr->steps[i].file);
    wr->n_steps = 0;
    if (wr->rc != 0) {
        w->poisoned = true;
        return err_code(e, wr->rc, "%s/%020" PRIu64 ".wal: byte %" PRIu64 ": cannot write and sync",
                        w->dir, wr->failed.segment, wr->failed.offset);
    }
    w->synced = wr->end;
    w->stated = wr->stated;
    w->content = wr->content;
    w->last_sync_us = wr->sync_us;
    return 0;
}

struct wal_pos wal_write_pos(const struct wal_write *wr, size_t entry)
{
    for (size_t i = 0; i < wr->n_groups; i++)
        if (wr->groups[i].entry && entry-- == 0)
            return wr->groups[i].pos;
    return (struct wal_pos){0, 0};
}

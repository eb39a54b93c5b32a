#include "tests/unit/wal/fixture.h"

#include <stdlib.h>
#include <string.h>

static const struct wal_owner owner = {{{1, 2, 3, 4}}, 7, 1};

/* ---- entries */

void fixture_fill(uint8_t *p, size_t n, uint64_t index)
{
    uint64_t x = index * 0x9e3779b97f4a7c15U + 1;
    for (size_t i = 0; i < n; i++) {
        x = x * 6364136223846793005U + 1442695040888963407U;
        p[i] = (uint8_t)(x >> 56);
    }
}

void fixture_check_entry(const struct wal_group *g, struct span body)
{
    uint8_t *want = malloc(body.n + 1);
    fixture_fill(want, body.n, g->index);
    ck_assert_msg(memcmp(want, body.p, body.n) == 0, "entry %llu is not what was appended",
                  (unsigned long long)g->index);
    ck_assert_uint_eq(g->meta_index, g->index + 1000);
    ck_assert_int_eq(g->wall_ms, (int64_t)g->index * 3);
    free(want);
}

/* ---- writing */

static uint64_t next_salt(void *ctx)
{
    struct fixture *f = ctx;
    return ++f->salt;
}

static void set_up(struct fixture *f, struct io_mem *mem, uint64_t segment_bytes, unsigned spare)
{
    ck_assert_ptr_nonnull(mem);
    memset(f, 0, sizeof *f);
    f->mem = mem;
    f->io = io_mem_io(mem);
    f->term = 3;
    f->vote = 7;
    clock_manual_init(&f->clock, 1000, 5000);
    f->cfg = (struct wal_writer_config){.io = f->io,
                                        .dir = LOG_DIR,
                                        .owner = owner,
                                        .segment_bytes = segment_bytes,
                                        .spare = spare,
                                        .random = next_salt,
                                        .random_ctx = f};
}

static void open_writer(struct fixture *f, struct wal_pos end, uint64_t last)
{
    struct err e;
    int rc = wal_writer_open(&f->w, &f->cfg, end, last, f->term, f->vote, 1, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    wal_write_init(&f->wr, f->w);
}

void fixture_begin(struct fixture *f, uint64_t segment_bytes, unsigned spare)
{
    struct io_mem *mem = io_mem_new();
    set_up(f, mem, segment_bytes, spare);
    ck_assert_ok(io_mkdir(f->io, LOG_DIR));
    ck_assert_ok(io_sync_dir(f->io, "/"));
    open_writer(f, (struct wal_pos){0, 0}, 0);
}

void fixture_recover(struct fixture *f, struct io_mem *mem, uint64_t segment_bytes)
{
    set_up(f, mem, segment_bytes, 1);
    f->salt = 1000; /* another process draws other salts */
    struct found_log log = fixture_read(f->io, NULL);
    if (log.rc == ERR_NOTFOUND)
        memset(&log.end, 0, sizeof log.end);
    else
        ck_assert_msg(log.rc == 0, "%s", log.e.text);
    f->appended = log.last;
    open_writer(f, log.end.pos, log.end.last_segment);
}

void fixture_stop(struct fixture *f)
{
    if (f->w) {
        wal_write_release(&f->wr);
        wal_writer_free(f->w);
    }
    f->w = NULL;
}

void fixture_end(struct fixture *f)
{
    fixture_stop(f);
    io_mem_free(f->mem);
}

int fixture_prepare(struct fixture *f)
{
    struct wal_prepare *p;
    int rc;
    while ((rc = wal_prepare_begin(f->w, 2, &p)) > 0) {
        rc = wal_prepare_done(f->w, p, wal_prepare_run(p, NULL));
        if (rc != 0)
            return rc;
    }
    return rc;
}

static int seal_and_run(struct fixture *f)
{
    int rc = wal_write_seal(&f->wr, f->term, f->vote, 2, NULL);
    if (rc == ERR_BUSY) {
        rc = fixture_prepare(f);
        if (rc == 0)
            rc = wal_write_seal(&f->wr, f->term, f->vote, 2, NULL);
    }
    if (rc != 0)
        return rc;
    wal_write_run(&f->wr, &f->clock.clock);
    return wal_write_done(&f->wr, NULL);
}

static int add_entry(struct fixture *f, struct wal_payload *p, size_t n, uint64_t index)
{
    ck_assert_ok(wal_payload_init(p, 0));
    uint8_t *body = wal_payload_frame(p, WAL_BATCH, 0, n);
    ck_assert_ptr_nonnull(body);
    fixture_fill(body, n, index);
    wal_payload_stamp(p, index + 1000, (int64_t)index * 3);
    return wal_write_entry(&f->wr, p, index, f->term);
}

int fixture_append_many(struct fixture *f, const size_t *n, size_t k)
{
    struct wal_payload *p = calloc(k, sizeof *p);
    int rc = 0;
    wal_write_begin(&f->wr);
    for (size_t i = 0; rc == 0 && i < k; i++)
        rc = add_entry(f, &p[i], n[i], f->appended + 1 + i);
    if (rc == 0)
        rc = seal_and_run(f);
    if (rc == 0)
        f->appended += k;
    for (size_t i = 0; i < k; i++)
        wal_payload_release(&p[i]);
    free(p);
    return rc;
}

int fixture_append(struct fixture *f, size_t n)
{
    return fixture_append_many(f, &n, 1);
}

int fixture_local(struct fixture *f, enum wal_frame_type type, struct span body)
{
    wal_write_begin(&f->wr);
    int rc = wal_write_local(&f->wr, type, body);
    return rc != 0 ? rc : seal_and_run(f);
}

int fixture_mark(struct fixture *f)
{
    return fixture_local(f, WAL_MARK, span_of(NULL, 0));
}

/* ---- reading */

static void take_local(struct found_log *log, const struct wal_frame *frame)
{
    struct wal_open open;
    struct wal_state state;
    if (frame->type == WAL_OPEN) {
        ck_assert_ok(wal_open_decode(frame->body, &open));
        log->opens++;
        log->term = open.term;
        log->vote = open.vote;
    } else if (frame->type == WAL_STATE) {
        ck_assert_ok(wal_state_decode(frame->body, &state));
        log->term = state.term;
        log->vote = state.vote;
    } else if (frame->type == WAL_MARK) {
        log->marks++;
    }
}

static void take_group(struct found_log *log, const struct wal_group *g)
{
    struct wal_frame frame;
    size_t at = WAL_PAYLOAD_HEADER;
    int rc;
    log->groups++;
    while ((rc = wal_frame_next(g->payload, &at, &frame)) == 1)
        if (g->index == 0)
            take_local(log, &frame);
        else
            fixture_check_entry(g, frame.body);
    ck_assert_int_eq(rc, 0);
    if (g->index == 0)
        return;
    if (!log->first)
        log->first = g->index;
    else
        ck_assert_uint_eq(g->index, log->last + 1);
    log->last = g->index;
}

struct found_log fixture_read(struct io *io, const struct wal_reader_config *given)
{
    struct found_log log = {.rc = 0};
    struct wal_reader_config cfg = {.io = io};
    struct wal_reader *r;
    struct wal_group g;
    if (given)
        cfg = *given;
    cfg.io = io;
    cfg.path = cfg.path ? cfg.path : LOG_DIR;
    cfg.fault = &log.fault;
    log.rc = wal_reader_open(&r, &cfg, &log.e);
    if (log.rc != 0)
        return log;
    while ((log.rc = wal_reader_next(r, &g, &log.e)) == 1)
        take_group(&log, &g);
    if (log.rc == 0)
        wal_reader_end(r, &log.end);
    wal_reader_free(r);
    return log;
}

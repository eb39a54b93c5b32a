/* Segment files without a log. */
#include <errno.h>
#include <string.h>

#include "tests/unit/plog/fixture.h"

static struct fixture f;
static size_t seen;

static int see(void *ctx, uint64_t pos, struct span bytes, const struct batch *b)
{
    (void)ctx;
    ck_assert_int_eq(b->base_offset, f.batches[seen].base);
    ck_assert(span_eq(bytes, f.batches[seen].bytes));
    ck_assert(seen > 0 || pos == 0);
    seen++;
    return 0;
}

static int stop(void *ctx, uint64_t pos, struct span bytes, const struct batch *b)
{
    (void)pos;
    (void)bytes;
    return b->base_offset >= *(int64_t *)ctx ? 17 : 0;
}

static const char *filled(void)
{
    fixture_init(&f);
    f.cfg.settings.segment_bytes = 1 << 20;
    fixture_open_new(&f);
    fixture_fill(&f, 40);
    seen = 0;
    return fixture_path(&f, 0, ".log");
}

START_TEST(every_batch_is_seen)
{
    uint64_t valid;
    const char *path = filled();
    ck_assert_ok(plog_walk_file(f.io, path, see, NULL, &valid, NULL));
    ck_assert_uint_eq(seen, f.n);
    ck_assert_uint_eq(valid, plog_bytes(f.log));
    int64_t at = f.batches[7].base;
    ck_assert_int_eq(plog_walk_file(f.io, path, stop, &at, &valid, NULL), 17);
    ck_assert_int_eq(plog_walk_file(f.io, "/no/such", see, NULL, &valid, NULL), -ENOENT);
    fixture_release(&f);
}
END_TEST

START_TEST(a_torn_end_is_told_from_damage)
{
    const char *path = filled();
    size_t last = f.batches[f.n - 1].bytes.n;
    uint64_t whole = plog_bytes(f.log) - last, valid;
    struct io_file *file;
    struct err e;
    for (size_t n = last - 1; n > 0; n--) {
        ck_assert_ok(io_open(f.io, path, IO_WRITE, &file));
        ck_assert_ok(io_truncate(file, whole + n));
        io_close(file);
        seen = 0;
        ck_assert_int_eq(plog_walk_file(f.io, path, see, NULL, &valid, &e), ERR_TORN);
        ck_assert_uint_eq(valid, whole);
        ck_assert_uint_eq(seen, f.n - 1);
    }
    size_t size;
    uint8_t *p = io_mem_bytes(f.mem, path, &size);
    size_t third = f.batches[0].bytes.n + f.batches[1].bytes.n;
    p[third + 40] ^= 1;
    seen = 0;
    ck_assert_int_eq(plog_walk_file(f.io, path, see, NULL, &valid, &e), ERR_CORRUPT);
    ck_assert_uint_eq(valid, third);
    ck_assert_ptr_nonnull(strstr(e.text, path));
    fixture_release(&f);
}
END_TEST

/* Kafka's compaction leaves gaps; offsets that go back are damage. */
START_TEST(gaps_are_fine_and_steps_back_are_not)
{
    const char *path = filled();
    uint64_t valid;
    size_t size;
    uint8_t *p = io_mem_bytes(f.mem, path, &size);
    size_t at = f.batches[0].bytes.n;
    int64_t none = INT64_MAX;
    for (size_t i = 1; i < f.n; i++) {
        batch_place(p + at, f.batches[i].base + 100, 0);
        at += f.batches[i].bytes.n;
    }
    ck_assert_ok(plog_walk_file(f.io, path, stop, &none, &valid, NULL));
    batch_place(p + f.batches[0].bytes.n, 0, 0);
    ck_assert_int_eq(plog_walk_file(f.io, path, stop, &none, &valid, NULL), ERR_CORRUPT);
    ck_assert_uint_eq(valid, f.batches[0].bytes.n);
    fixture_release(&f);
}
END_TEST

UNIT_MAIN(every_batch_is_seen, a_torn_end_is_told_from_damage, gaps_are_fine_and_steps_back_are_not)

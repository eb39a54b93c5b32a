/* What no batch's own checksum sees: batches that are sound, but not those that were written there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "tests/unit/plog/fixture.h"

static struct fixture f;
static struct plog_mark mark;

/* A log with several segments, their indexes, and a part that the indexes do not know yet. */
static void filled(void)
{
    fixture_init(&f);
    fixture_open_new(&f);
    for (int i = 0; i < 4; i++) {
        fixture_fill(&f, 15);
        fixture_sync(&f, false);
        plog_mark(f.log, &mark);
        if (i % 2)
            fixture_reopen(&f, &mark);
    }
}

static int read_slice(int64_t offset, uint32_t max, int64_t *next)
{
    struct plog_slice s;
    struct err e;
    int rc = plog_read(f.log, offset, INT64_MAX, max, true, &s, &e);
    if (rc == 0)
        rc = plog_slice_verify(f.log, &s, &e);
    *next = s.next_offset;
    plog_slice_release(&s);
    return rc;
}

static int read_through(void)
{
    int64_t offset = 0;
    int rc = 0;
    while (rc == 0 && offset < fixture_end(&f))
        rc = read_slice(offset, 300, &offset);
    return rc;
}

/* Another last byte for the batch at pos, and the checksum that goes with it. */
static void forge(uint8_t *log, uint64_t pos)
{
    struct batch b;
    ck_assert_ok(batch_peek(span_of(log + pos, BATCH_HEADER), &b));
    log[pos + batch_size(&b) - 1] ^= 1;
    put_be32(log + pos + 17,
             crc32c(0, log + pos + BATCH_CRC_FROM, batch_size(&b) - BATCH_CRC_FROM));
}

START_TEST(a_sound_batch_from_elsewhere_is_not_served)
{
    int64_t bases[64];
    size_t size;
    filled();
    size_t n = fixture_segments(&f, bases, 64);
    ck_assert_uint_gt(n, 3);
    fixture_release(&f);
    for (size_t i = 0; i < n; i++) {
        filled();
        uint8_t *log = io_mem_bytes(f.mem, fixture_path(&f, bases[i], ".log"), &size);
        for (uint64_t pos = 0; pos < size && pos < mark.bytes;) {
            struct batch b;
            ck_assert_ok(batch_peek(span_of(log + pos, BATCH_HEADER), &b));
            forge(log, pos);
            fixture_reopen(&f, &mark);
            ck_assert_int_eq(read_through(), ERR_CORRUPT);
            forge(log, pos); /* as it was */
            pos += batch_size(&b);
        }
        fixture_reopen(&f, &mark);
        ck_assert_int_eq(read_through(), 0);
        fixture_release(&f);
    }
}
END_TEST

/* The one thing that is not told when the check file is gone. */
START_TEST(without_sums_it_is_served)
{
    size_t size;
    filled();
    forge(io_mem_bytes(f.mem, fixture_path(&f, 0, ".log"), &size), 0);
    ck_assert_ok(io_unlink(f.io, fixture_path(&f, 0, ".check")));
    fixture_reopen(&f, &mark);
    ck_assert_int_eq(read_through(), 0);
    fixture_release(&f);
}
END_TEST

START_TEST(one_read_checks_the_neighbours_in_its_region)
{
    size_t size;
    int64_t next;
    filled();
    uint8_t *log = io_mem_bytes(f.mem, fixture_path(&f, 0, ".log"), &size);
    struct batch b;
    ck_assert_ok(batch_peek(span_of(log, BATCH_HEADER), &b));
    forge(log, 0);
    fixture_reopen(&f, &mark);
    ck_assert_int_eq(read_slice(batch_last_offset(&b) + 1, 1, &next), ERR_CORRUPT);
    fixture_release(&f);
}
END_TEST

START_TEST(another_segments_check_file_is_passed_over)
{
    int64_t bases[64];
    uint8_t *bytes;
    size_t size;
    struct io_file *file;
    filled();
    ck_assert_uint_gt(fixture_segments(&f, bases, 64), 2);
    const char *from = fixture_path(&f, bases[1], ".check");
    ck_assert_ok(io_read_file(f.io, from, 1 << 20, &bytes, &size));
    ck_assert_ok(io_open(f.io, fixture_path(&f, 0, ".check"), IO_WRITE | IO_TRUNC, &file));
    ck_assert_ok(io_pwrite(file, bytes, size, 0));
    io_close(file);
    free(bytes);
    fixture_reopen(&f, &mark);
    ck_assert_int_eq(read_through(), 0);
    fixture_release(&f);
}
END_TEST

START_TEST(no_time_is_told_by_a_header_that_lies)
{
    enum { MAX_TIMESTAMP = 35 };
    struct plog_time found;
    struct err e;
    size_t size;
    filled();
    uint8_t *log = io_mem_bytes(f.mem, fixture_path(&f, 0, ".log"), &size);
    struct batch b;
    ck_assert_ok(batch_peek(span_of(log, BATCH_HEADER), &b));
    put_be64(log + MAX_TIMESTAMP, 0); /* nothing in it is late enough */
    fixture_reopen(&f, &mark);
    ck_assert_int_eq(plog_find_time(f.log, b.max_timestamp, INT64_MAX, &found, &e), ERR_CORRUPT);
    fixture_release(&f);
}
END_TEST

/* A log that is cut goes on with other batches than those that its check file has sums of. */
START_TEST(a_cut_log_has_no_check_file_until_it_is_synced)
{
    struct plog_mark early;
    filled();
    early = mark;
    fixture_fill(&f, 2);
    fixture_sync(&f, false);
    const char *check = fixture_path(&f, early.segment, ".check");
    ck_assert(fixture_exists(&f, check));
    fixture_cut(&f, early.log_end);
    fixture_reopen(&f, &early);
    ck_assert_int_eq(read_through(), 0);
    fixture_fill(&f, 2);
    ck_assert(!fixture_exists(&f, check));
    fixture_sync(&f, false);
    plog_mark(f.log, &mark);
    fixture_reopen(&f, &mark);
    ck_assert_int_eq(read_through(), 0);
    fixture_release(&f);
}
END_TEST

START_TEST(an_empty_file_in_the_middle_is_noticed)
{
    int64_t bases[64], next;
    struct io_file *file;
    filled();
    ck_assert_uint_gt(fixture_segments(&f, bases, 64), 2);
    ck_assert_ok(io_open(f.io, fixture_path(&f, bases[1], ".log"), IO_WRITE | IO_TRUNC, &file));
    io_close(file);
    fixture_reopen(&f, &mark);
    ck_assert_int_eq(read_slice(bases[1], 300, &next), ERR_CORRUPT);
    fixture_release(&f);
}
END_TEST

/* Whole batches of the model, from the one that holds the offset on. */
static void slice_is_of_the_model(const struct plog_slice *s, int64_t offset)
{
    size_t i = 0;
    while (i < f.n && f.batches[i].base < s->base_offset)
        i++;
    ck_assert_int_eq(f.batches[i].base, s->base_offset);
    ck_assert(f.batches[i].base <= offset && offset < f.batches[i].next);
    size_t bytes = f.batches[i].bytes.n;
    for (; bytes < s->len; i++)
        bytes += f.batches[i + 1].bytes.n;
    ck_assert_uint_eq(bytes, s->len);
    ck_assert_int_eq(f.batches[i].next, s->next_offset);
}

/* From small slices to large ones: what lies in front of the damage is verified when they reach it.
 */
static size_t read_all_slices(void)
{
    size_t good = 0;
    for (uint32_t max = 100; max <= 2000; max += 100) {
        for (int64_t offset = 0; offset < fixture_end(&f); offset++) {
            struct plog_slice s;
            struct err e;
            int rc = plog_read(f.log, offset, INT64_MAX, max, true, &s, &e);
            if (rc == 0)
                rc = plog_slice_verify(f.log, &s, &e);
            if (rc == 0)
                slice_is_of_the_model(&s, offset);
            ck_assert(rc == 0 || rc == ERR_CORRUPT);
            good += rc == 0;
            plog_slice_release(&s);
        }
    }
    return good;
}

START_TEST(what_stands_behind_a_slice_says_nothing_of_its_end)
{
    enum { STEPS = 2 };
    static const int64_t steps[STEPS] = {-3, 1};
    size_t size;
    filled();
    size_t all = read_all_slices();
    uint8_t *log = io_mem_bytes(f.mem, fixture_path(&f, 0, ".log"), &size);
    for (uint64_t pos = 0; pos < size;) {
        struct batch b;
        ck_assert_ok(batch_peek(span_of(log + pos, BATCH_HEADER), &b));
        uint32_t length = (uint32_t)batch_size(&b) - BATCH_PREFIX;
        uint32_t lengths[] = {length, (uint32_t)(size - pos) - BATCH_PREFIX};
        for (int i = 0; i < 2 * STEPS; i++) {
            put_be64(log + pos, (uint64_t)(b.base_offset + steps[i % STEPS]));
            put_be32(log + pos + 8, lengths[i / STEPS]);
            fixture_reopen(&f, &mark);
            size_t good = read_all_slices();
            ck_assert(good > 0 && good < all);
        }
        put_be64(log + pos, (uint64_t)b.base_offset);
        put_be32(log + pos + 8, length);
        pos += batch_size(&b);
    }
    fixture_release(&f);
}
END_TEST

UNIT_MAIN(a_sound_batch_from_elsewhere_is_not_served, without_sums_it_is_served,
          one_read_checks_the_neighbours_in_its_region, another_segments_check_file_is_passed_over,
          no_time_is_told_by_a_header_that_lies, a_cut_log_has_no_check_file_until_it_is_synced,
          an_empty_file_in_the_middle_is_noticed,
          what_stands_behind_a_slice_says_nothing_of_its_end)

/* What can be read of a damaged log: all of it but what the damage hit, and nothing that was never
 * written. */
#include <string.h>

#include "tests/unit/wal/fixture.h"
#include "wal/salvage.h"

static struct fixture f;

enum { ENTRIES_MAX = 64 };
static struct {
    enum wal_salvage_kind kind[ENTRIES_MAX]; /* of the entries, by index */
    bool seen[ENTRIES_MAX];
    struct wal_pos pos[ENTRIES_MAX];
    uint64_t last; /* the newest entry that can be believed */
    size_t holes, faults, locals;
    struct wal_salvage_end end;
} got;

static void check_content(const struct wal_salvaged *s)
{
    struct wal_frame frame;
    size_t at = WAL_PAYLOAD_HEADER;
    while (wal_frame_next(s->payload, &at, &frame) == 1)
        fixture_check_entry(&s->group, frame.body);
}

static int visit(void *ctx, const struct wal_salvaged *s)
{
    uint64_t index = s->group.index;
    (void)ctx;
    if (s->kind == WAL_HOLE) {
        got.holes++;
        return 0;
    }
    if (index == 0) {
        got.locals++;
        return 0;
    }
    if (!s->proven && index != got.last + 1)
        return 0;
    ck_assert_uint_lt(index, ENTRIES_MAX);
    ck_assert(!got.seen[index]);
    got.seen[index] = true;
    got.kind[index] = s->kind;
    got.pos[index] = s->pos;
    got.last = index;
    if (s->kind == WAL_WHOLE)
        check_content(s);
    return 0;
}

static int fault(void *ctx, const char *file, const char *why)
{
    (void)ctx;
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(why);
    got.faults++;
    return 0;
}

static void salvage(void)
{
    struct wal_salvage_config cfg = {.io = f.io, .dir = LOG_DIR};
    memset(&got, 0, sizeof got);
    ck_assert_ok(wal_salvage(&cfg, visit, fault, NULL, &got.end, NULL));
}

static size_t whole(void)
{
    size_t n = 0;
    for (uint64_t i = 1; i <= f.appended; i++)
        n += got.seen[i] && got.kind[i] == WAL_WHOLE;
    return n;
}

static uint8_t *bytes_of(uint64_t id)
{
    char path[IO_PATH_MAX];
    size_t n;
    ck_assert_ok(wal_segment_path(path, sizeof path, LOG_DIR, id));
    uint8_t *p = io_mem_bytes(f.mem, path, &n);
    ck_assert_ptr_nonnull(p);
    return p;
}

/* Three segments; all but the last group is known durable. */
static void small_log(void)
{
    static const size_t sizes[] = {10, 4000, 9000, 0, 17000, 100};
    fixture_begin(&f, LOG_SEGMENT, 0);
    for (size_t i = 0; wal_writer_segment(f.w) < 3; i++)
        ck_assert_ok(fixture_append(&f, sizes[i % 6]));
    ck_assert_ok(fixture_append(&f, 5000));
    ck_assert_ok(fixture_append(&f, 20));
    ck_assert_ok(fixture_mark(&f));
    ck_assert_uint_lt(f.appended, ENTRIES_MAX);
}

START_TEST(a_sound_log_is_read_as_it_is)
{
    small_log();
    salvage();
    ck_assert_uint_eq(whole(), f.appended);
    ck_assert_uint_eq(got.holes + got.faults, 0);
    ck_assert_uint_eq(got.end.last_segment, 3);
    ck_assert_uint_eq(got.end.segment_size, LOG_SEGMENT);
    fixture_end(&f);
}
END_TEST

START_TEST(a_flipped_byte_costs_one_entry_at_most)
{
    static struct wal_pos before[ENTRIES_MAX];
    small_log();
    salvage();
    memcpy(before, got.pos, sizeof before);
    size_t costly = 0, damaged = 0;
    for (uint64_t id = 1; id <= 3; id++)
        for (size_t i = 0; i < LOG_SEGMENT; i += i % WAL_BLOCK < 96 ? 1 : 61) {
            uint8_t *p = bytes_of(id) + i, bit = (uint8_t)(1 << (i % 8));
            *p ^= bit;
            salvage();
            *p ^= bit;
            size_t lost = f.appended - whole();
            ck_assert_msg(lost <= 1, "flip at %zu of segment %llu costs %zu", i,
                          (unsigned long long)id, lost);
            for (uint64_t e = 1; lost && e <= f.appended; e++)
                if (!got.seen[e] || got.kind[e] != WAL_WHOLE) {
                    ck_assert_uint_eq(before[e].segment, id);
                    ck_assert_uint_le(before[e].offset, i);
                    damaged += got.seen[e];
                }
            costly += lost;
            if (i < 88) /* magic to salt */
                ck_assert_uint_eq(got.faults, 1);
        }
    ck_assert_uint_gt(costly, 100);
    ck_assert_uint_gt(damaged, 100); /* the payloads are there to be looked into */
    fixture_end(&f);
}
END_TEST

START_TEST(a_missing_segment_costs_its_own_entries)
{
    char path[IO_PATH_MAX];
    small_log();
    salvage();
    size_t second = 0;
    for (uint64_t i = 1; i <= f.appended; i++)
        second += got.pos[i].segment == 2;
    ck_assert_uint_gt(second, 1);
    ck_assert_ok(wal_segment_path(path, sizeof path, LOG_DIR, 2));
    ck_assert_ok(io_unlink(f.io, path));
    salvage();
    ck_assert_uint_eq(whole(), f.appended - second);
    ck_assert_uint_eq(got.faults, 1);
    fixture_end(&f);
}
END_TEST

START_TEST(a_lost_block_leaves_a_hole)
{
    small_log();
    salvage();
    struct wal_pos pos = got.pos[3];
    memset(bytes_of(pos.segment) + pos.offset, 0, WAL_BLOCK);
    salvage();
    ck_assert_uint_eq(whole(), f.appended - 1);
    ck_assert(!got.seen[3]);
    ck_assert_uint_eq(got.holes, 1);
    fixture_end(&f);
}
END_TEST

/* What nobody knows to have been durable is the end, whatever lies behind it. */
START_TEST(a_torn_tail_is_no_damage)
{
    static const size_t many[] = {100, 5000, 30};
    fixture_begin(&f, LOG_SEGMENT, 0);
    ck_assert_ok(fixture_append(&f, 10));
    ck_assert_ok(fixture_append_many(&f, many, 3));
    salvage();
    ck_assert_uint_eq(whole(), 4);
    bytes_of(1)[got.pos[3].offset + 200] ^= 1;
    salvage();
    ck_assert_uint_eq(got.last, 2);
    ck_assert_uint_eq(got.holes + got.faults, 0);
    fixture_end(&f);
}
END_TEST

/* A recovery ends the log with OPEN: what stands behind that end does not come back. */
START_TEST(dead_bytes_stay_dead)
{
    static const size_t many[] = {100, 200, 30};
    fixture_begin(&f, LOG_SEGMENT, 0);
    ck_assert_ok(fixture_append(&f, 10));
    ck_assert_ok(fixture_append_many(&f, many, 3));
    salvage();
    struct wal_pos torn = got.pos[3];
    bytes_of(1)[torn.offset + 90] ^= 1;
    struct io_mem *mem = f.mem;
    fixture_stop(&f);
    fixture_recover(&f, mem, LOG_SEGMENT);
    f.appended = 2;
    f.term = 9;
    ck_assert_ok(fixture_append(&f, 50)); /* entry 3 again, another one */
    salvage();
    ck_assert_uint_eq(got.last, 3);
    ck_assert_uint_eq(got.pos[3].segment, wal_writer_segment(f.w));
    ck_assert(!got.seen[4]);
    fixture_end(&f);
}
END_TEST

UNIT_MAIN(a_sound_log_is_read_as_it_is, a_flipped_byte_costs_one_entry_at_most,
          a_missing_segment_costs_its_own_entries, a_lost_block_leaves_a_hole,
          a_torn_tail_is_no_damage, dead_bytes_stay_dead)

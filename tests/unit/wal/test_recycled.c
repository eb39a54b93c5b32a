/* A recycled segment keeps whole groups of its former life, and one of them may look like the very
 * one that is due: its place, the segment's id, the next index, the term, all checksums. What keeps
 * it out is the salt alone. Here it is made so, and then the salt is made right as well, to see
 * that nothing else did. */
#include <string.h>

#include "base/endian.h"
#include "tests/unit/wal/fixture.h"
#include "wal/group.h"

enum { FORMER_SALT = 1, ID = 5 };

static struct fixture f;
static uint64_t live_salt;
static size_t live; /* where the log ends in segment 5 */

static uint8_t *bytes(void)
{
    size_t n;
    return io_mem_bytes(f.mem, LOG_DIR "/00000000000000000005.wal", &n);
}

/* Segment 5 is segment 1's file, and the log ends in it. */
static void recycled(void)
{
    struct wal_segment_header h;
    fixture_begin(&f, LOG_SEGMENT, 4);
    while (wal_writer_segment(f.w) < 4)
        ck_assert_ok(fixture_append(&f, 3000));
    ck_assert_ok(wal_writer_release_before(f.w, wal_writer_synced(f.w), NULL));
    while (wal_writer_segment(f.w) < ID)
        ck_assert_ok(fixture_append(&f, 3000));
    ck_assert_ok(fixture_mark(&f));
    live = (size_t)wal_writer_end(f.w).offset;
    ck_assert_ok(wal_segment_header_decode(bytes(), &h, NULL));
    live_salt = h.salt;
    ck_assert_uint_ne(live_salt, FORMER_SALT);
    ck_assert_mem_eq(bytes() + live, "CKWG", 4); /* the former life's */
}

/* The group at byte `at` becomes the one with that index, written in this life but for the salt. */
static void forge(size_t at, uint64_t index, struct wal_pos synced, uint64_t salt)
{
    uint8_t *group = bytes() + at;
    struct wal_group g;
    wal_group_header_decode(group, &g);
    uint8_t *payload = group + WAL_GROUP_HEADER;
    struct wal_frame frame;
    size_t first = WAL_PAYLOAD_HEADER;
    g.pos = (struct wal_pos){ID, at};
    g.synced = synced;
    g.index = index;
    g.term = f.term;
    wal_group_header_encode(group, &g);
    /* What an entry of that index would hold: see fixture_check_entry. */
    put_le64(payload, index + 1000);
    put_le64(payload + 8, index * 3);
    ck_assert_int_eq(wal_frame_next(span_of(payload, g.payload_len), &first, &frame), 1);
    ck_assert_int_eq(frame.type, WAL_BATCH);
    fixture_fill((uint8_t *)frame.body.p, frame.body.n, index);
    wal_group_seal(group, salt);
}

static struct found_log read_from_4(void)
{
    return fixture_read(f.io, &(struct wal_reader_config){.from = {4, 0}});
}

START_TEST(a_group_of_a_former_life_is_not_the_next_one)
{
    recycled();
    struct wal_pos before = {ID, WAL_BLOCK};
    forge(live, f.appended + 1, before, FORMER_SALT);
    struct found_log log = read_from_4();
    ck_assert_msg(log.rc == 0, "%s", log.e.text);
    ck_assert_uint_eq(log.last, f.appended);
    ck_assert_uint_eq(log.end.pos.offset, live);

    forge(live, f.appended + 1, before, live_salt);
    log = read_from_4();
    ck_assert_msg(log.rc == 0, "%s", log.e.text);
    ck_assert_uint_eq(log.last, f.appended + 1);
    fixture_end(&f);
}
END_TEST

START_TEST(a_former_life_says_nothing_of_what_is_durable_now)
{
    recycled();
    size_t next = live + WAL_BLOCK;
    memset(bytes() + live, 0xee, WAL_BLOCK);
    ck_assert_mem_eq(bytes() + next, "CKWG", 4);
    struct wal_pos beyond = {ID, next};
    forge(next, f.appended + 2, beyond, FORMER_SALT);
    struct found_log log = read_from_4();
    ck_assert_msg(log.rc == 0, "%s", log.e.text);
    ck_assert_uint_eq(log.last, f.appended);
    ck_assert_uint_eq(log.end.pos.offset, live);

    /* In this life it would prove that something was lost. */
    forge(next, f.appended + 2, beyond, live_salt);
    log = read_from_4();
    ck_assert_int_eq(log.rc, ERR_CORRUPT);
    ck_assert_uint_eq(log.fault.pos.offset, live);
    fixture_end(&f);
}
END_TEST

START_TEST(recovery_goes_on_where_the_former_life_would)
{
    recycled();
    forge(live, f.appended + 1, (struct wal_pos){ID, WAL_BLOCK}, FORMER_SALT);
    uint64_t last = f.appended;
    fixture_stop(&f);
    struct fixture g;
    fixture_recover(&g, f.mem, LOG_SEGMENT);
    ck_assert_uint_eq(g.appended, last);
    ck_assert_ok(fixture_append(&g, 100));
    /* Even if its salt were this life's now: the log goes on elsewhere. */
    f.mem = g.mem;
    forge(live, last + 1, (struct wal_pos){ID, WAL_BLOCK}, live_salt);
    struct found_log log = fixture_read(g.io, &(struct wal_reader_config){.from = {4, 0}});
    ck_assert_msg(log.rc == 0, "%s", log.e.text);
    ck_assert_uint_eq(log.last, last + 1);
    ck_assert_uint_eq(log.end.pos.segment, wal_writer_segment(g.w));
    fixture_end(&g);
}
END_TEST

UNIT_MAIN(a_group_of_a_former_life_is_not_the_next_one,
          a_former_life_says_nothing_of_what_is_durable_now,
          recovery_goes_on_where_the_former_life_would)

/* Acknowledged batches against what a partition holds. */
#include "cli/bench_acked.h"
#include "tests/unit/unit.h"

static const struct acked promised[] = {{.base = 0, .count = 10, .crc = 1},
                                        {.base = 10, .count = 10, .crc = 2},
                                        {.base = 20, .count = 10, .crc = 3}};

static void meet(struct ack_cursor *c, int64_t base, int32_t count, uint32_t crc, bool good)
{
    struct batch b = {
        .base_offset = base, .count = count, .last_offset_delta = count - 1, .crc = crc};
    ack_cursor_batch(c, &b, good);
}

START_TEST(acknowledged_batches_are_found_lost_or_altered)
{
    static const struct {
        int64_t base;
        int32_t count;
        uint32_t crc;
        bool good;
        uint64_t found, lost, altered;
    } second[] = {
        {10, 10, 2, true, 30, 0, 0},                                /* as promised */
        {10, 10, 9, true, 20, 0, 10},                               /* another batch */
        {10, 9, 2, true, 20, 0, 10},                                /* with fewer records */
        {10, 10, 2, false, 20, 0, 10}, {9, 11, 2, true, 20, 0, 10}, /* begins elsewhere */
        {12, 2, 2, true, 20, 10, 0},                                /* nothing at 10 */
    };
    for (size_t i = 0; i < sizeof second / sizeof *second; i++) {
        struct ack_cursor c = {.v = promised, .n = 3};
        meet(&c, 0, 10, 1, true);
        meet(&c, second[i].base, second[i].count, second[i].crc, second[i].good);
        meet(&c, 20, 10, 3, true);
        ack_cursor_end(&c);
        ck_assert_uint_eq(c.found, second[i].found);
        ck_assert_uint_eq(c.lost, second[i].lost);
        ck_assert_uint_eq(c.altered, second[i].altered);
    }
}
END_TEST

START_TEST(a_log_that_ends_early_has_lost_the_rest)
{
    struct ack_cursor c = {.v = promised, .n = 3};
    meet(&c, 0, 10, 1, true);
    ack_cursor_end(&c);
    ck_assert_uint_eq(c.found, 10);
    ck_assert_uint_eq(c.lost, 20);
}
END_TEST

START_TEST(an_offset_promised_twice_is_noticed)
{
    static const struct acked twice[] = {{.base = 0, .count = 10, .crc = 1},
                                         {.base = 0, .count = 10, .crc = 2}};
    struct ack_cursor c = {.v = twice, .n = 2};
    meet(&c, 0, 10, 1, true);
    ack_cursor_end(&c);
    ck_assert_uint_eq(c.found, 10);
    ck_assert_uint_eq(c.altered, 10);
}
END_TEST

UNIT_MAIN(acknowledged_batches_are_found_lost_or_altered, a_log_that_ends_early_has_lost_the_rest,
          an_offset_promised_twice_is_noticed)

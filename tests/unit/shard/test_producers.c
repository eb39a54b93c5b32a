/* Idempotence's memory: two layers, five batches, epochs, sequences that wrap. */
#include <stdlib.h>

#include "shard/producers.h"
#include "tests/unit/unit.h"

static struct batch batch(int64_t id, int16_t epoch, int32_t sequence, int32_t n)
{
    return (struct batch){.producer_id = id,
                          .producer_epoch = epoch,
                          .base_sequence = sequence,
                          .last_offset_delta = n - 1,
                          .count = n};
}

static void apply(struct producers *p, int32_t sequence, int32_t n, int64_t offset)
{
    struct batch b = batch(1, 0, sequence, n);
    b.base_offset = offset;
    ck_assert_ok(producers_apply(p, &b, (uint64_t)offset + 1, 1000 + offset));
}

static enum producers_verdict check(struct producers *p, int16_t epoch, int32_t sequence, int32_t n)
{
    struct batch b = batch(1, epoch, sequence, n);
    struct producer_batch found;
    return producers_check(p, &b, &found);
}

START_TEST(the_last_five_batches_are_remembered)
{
    struct producers p = {0};
    for (int i = 0; i < 7; i++)
        apply(&p, i * 2, 2, i * 2);
    for (int i = 2; i < 7; i++)
        ck_assert_int_eq(check(&p, 0, i * 2, 2), PRODUCERS_DUPLICATE);
    ck_assert_int_eq(check(&p, 0, 2, 2), PRODUCERS_GAP);
    ck_assert_int_eq(check(&p, 0, 12, 1),
                     PRODUCERS_GAP); /* the same start, another length: not the same batch */
    ck_assert_int_eq(check(&p, 0, 14, 1), PRODUCERS_NEW);
    producers_release(&p);
}
END_TEST

START_TEST(staged_batches_count_until_they_are_dropped)
{
    struct producers p = {0};
    struct batch b = batch(1, 0, 4, 1);
    struct producer_batch found;
    struct producer before;
    apply(&p, 0, 4, 0);
    ck_assert_ok(producers_stage(&p, &b, 4, 99, &before));
    ck_assert_int_eq(check(&p, 0, 5, 1), PRODUCERS_NEW);
    ck_assert_int_eq(producers_check(&p, &b, &found), PRODUCERS_DUPLICATE);
    ck_assert_uint_eq(found.serial, 99);
    producers_unstage(&p); /* leadership lost: it never was */
    ck_assert_int_eq(check(&p, 0, 4, 1), PRODUCERS_NEW);
    ck_assert_int_eq(check(&p, 0, 5, 1), PRODUCERS_GAP);
    producers_release(&p);
}
END_TEST

/* As if it had never been staged: also where it came with a new epoch, or as the sixth. */
START_TEST(the_last_staged_batch_can_be_taken_back)
{
    for (int in_flight = 0; in_flight < 7; in_flight++) {
        struct producers p = {0};
        struct producer before;
        apply(&p, 0, 1, 0);
        for (int i = 1; i <= in_flight; i++) {
            struct batch b = batch(1, 0, i, 1);
            ck_assert_ok(producers_stage(&p, &b, i, 1, &before));
        }
        struct batch next = batch(1, 0, in_flight + 1, 1), newer = batch(1, 1, 0, 1);
        ck_assert_ok(producers_stage(&p, &newer, 10, 1, &before));
        producers_unstage_last(&p, &before);
        ck_assert_ok(producers_stage(&p, &next, 10, 1, &before));
        producers_unstage_last(&p, &before);
        for (int i = 0; i <= in_flight; i++) /* the last five */
            ck_assert_int_eq(check(&p, 0, i, 1),
                             i > in_flight - 5 ? PRODUCERS_DUPLICATE : PRODUCERS_GAP);
        ck_assert_int_eq(check(&p, 0, in_flight + 1, 1), PRODUCERS_NEW);
        ck_assert_int_eq(check(&p, 0, in_flight + 2, 1), PRODUCERS_GAP);
        ck_assert_int_eq(check(&p, 1, 1, 1), PRODUCERS_GAP);
        producers_release(&p);
    }
}
END_TEST

START_TEST(an_applied_batch_moves_to_the_applied_layer)
{
    struct producers p = {0};
    struct batch b = batch(1, 0, 0, 3);
    struct producer_batch found;
    struct producer before;
    ck_assert_ok(producers_stage(&p, &b, 10, 1, &before));
    b.base_offset = 10;
    ck_assert_ok(producers_apply(&p, &b, 7, 0));
    ck_assert_ptr_null(p.staged);
    ck_assert_int_eq(producers_check(&p, &b, &found), PRODUCERS_DUPLICATE);
    ck_assert_uint_eq(found.serial, 0);
    ck_assert_uint_eq(found.index, 7);
    ck_assert_int_eq(found.base_offset, 10);
    producers_release(&p);
}
END_TEST

START_TEST(a_new_epoch_starts_at_zero_and_fences_the_old)
{
    struct producers p = {0};
    apply(&p, 0, 4, 0);
    ck_assert_int_eq(check(&p, 1, 4, 1), PRODUCERS_GAP);
    ck_assert_int_eq(check(&p, 1, 0, 1), PRODUCERS_NEW);
    struct batch b = batch(1, 1, 0, 1);
    ck_assert_ok(producers_apply(&p, &b, 9, 0));
    ck_assert_int_eq(check(&p, 0, 4, 1), PRODUCERS_FENCED);
    ck_assert_int_eq(check(&p, 1, 1, 1), PRODUCERS_NEW);
    producers_release(&p);
}
END_TEST

START_TEST(sequences_wrap)
{
    struct producers p = {0};
    apply(&p, INT32_MAX, 2, 0); /* INT32_MAX, 0 */
    ck_assert_int_eq(check(&p, 0, 1, 1), PRODUCERS_NEW);
    ck_assert_int_eq(check(&p, 0, INT32_MAX, 2), PRODUCERS_DUPLICATE);
    producers_release(&p);
}
END_TEST

START_TEST(a_checkpoint_brings_the_applied_layer_back)
{
    struct producers p = {0}, q = {0};
    struct checkpoint_producer saved[1];
    for (int i = 0; i < 7; i++)
        apply(&p, i, 1, i);
    ck_assert_uint_eq(producers_count(&p), 1);
    producers_save(&p, saved);
    ck_assert_ok(producers_load(&q, saved, 1));
    for (int i = 2; i < 7; i++)
        ck_assert_int_eq(check(&q, 0, i, 1), PRODUCERS_DUPLICATE);
    ck_assert_int_eq(check(&q, 0, 7, 1), PRODUCERS_NEW);
    ck_assert_int_eq(producers_load(&q, saved, 1), ERR_CORRUPT); /* one id twice */
    producers_release(&p);
    producers_release(&q);
}
END_TEST

START_TEST(idle_producers_are_forgotten_busy_ones_are_not)
{
    struct producers p = {0};
    struct batch b = batch(1, 0, 1, 1);
    struct producer before;
    apply(&p, 0, 1, 0); /* at time 1000 */
    producers_expire(&p, 1000);
    ck_assert_uint_eq(producers_count(&p), 1);
    ck_assert_ok(producers_stage(&p, &b, 1, 1, &before));
    producers_expire(&p, 2000);
    ck_assert_uint_eq(producers_count(&p), 1);
    producers_unstage(&p);
    producers_expire(&p, 2000);
    ck_assert_uint_eq(producers_count(&p), 0);
    producers_release(&p);
}
END_TEST

UNIT_MAIN(the_last_staged_batch_can_be_taken_back, the_last_five_batches_are_remembered,
          staged_batches_count_until_they_are_dropped, an_applied_batch_moves_to_the_applied_layer,
          a_new_epoch_starts_at_zero_and_fences_the_old, sequences_wrap,
          a_checkpoint_brings_the_applied_layer_back,
          idle_producers_are_forgotten_busy_ones_are_not)

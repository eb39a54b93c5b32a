/* The entry table against a plain array, and configurations. */
#include <stdlib.h>

#include "shard/conf.h"
#include "shard/entries.h"
#include "tests/unit/unit.h"

START_TEST(it_is_a_window_onto_the_log)
{
    struct shard_payload_pool pool = {0};
    struct entries t;
    uint64_t first = 5, last = 4, seed = 1, terms[20000];
    entries_init(&t, 5, &pool);
    for (int i = 0; i < 20000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        unsigned what = (unsigned)(seed >> 33) % 10;
        if (what < 7 && last + 1 < 20000) {
            struct entry e = {.term = seed >> 40};
            ck_assert_ok(entries_append(&t, &e));
            terms[++last] = e.term;
        } else if (what == 7 && last >= first) {
            uint64_t at = first + (seed >> 20) % (last - first + 1);
            if (last - at < 5) {
                entries_truncate(&t, at);
                last = at - 1;
            }
        } else if (what == 8 && last >= first) {
            first += (seed >> 20) % (last - first + 2) / 4;
            entries_drop_before(&t, first);
        }
        ck_assert_uint_eq(entries_last(&t), last);
        for (uint64_t k = first > 2 ? first - 2 : 0; k < last + 2; k += 1 + (last - first) / 8) {
            const struct entry *e = entries_get(&t, k);
            ck_assert_int_eq(e != NULL, k >= first && k <= last);
            if (e)
                ck_assert_uint_eq(e->term, terms[k]);
        }
    }
    entries_release(&t);
    shard_payload_pool_release(&pool);
}
END_TEST

START_TEST(payloads_live_as_long_as_somebody_holds_them)
{
    struct shard_payload_pool pool = {0};
    struct entries t;
    entries_init(&t, 1, &pool);
    struct shard_payload *p = shard_payload_get(&pool, 100);
    struct entry e = {.term = 1, .payload = p};
    ck_assert_ok(entries_append(&t, &e));
    ck_assert_int_eq(p->refs, 2);
    entries_truncate(&t, 1);
    ck_assert_int_eq(p->refs, 1);
    shard_payload_unref(&pool, p);
    ck_assert_uint_eq(pool.n, 1); /* kept for the next one */
    ck_assert_ptr_eq(shard_payload_get(&pool, 100), p);
    shard_payload_unref(&pool, p);
    entries_release(&t);
    shard_payload_pool_release(&pool);
}
END_TEST

START_TEST(configurations_are_bounded_before_they_are_believed)
{
    struct shard_conf c = {2, {{1, SHARD_VOTER}, {2, SHARD_STANDBY}}}, back;
    struct wr w;
    wr_init(&w, 0);
    shard_conf_encode(&c, &w);
    ck_assert_ok(shard_conf_decode(span_of(w.buf, w.len), &back));
    ck_assert_uint_eq(back.servers[1].id, 2);
    ck_assert(shard_conf_sole_voter(&back, 1));
    ck_assert(!shard_conf_sole_voter(&back, 2));
    for (size_t n = 0; n < w.len; n++)
        ck_assert_int_eq(shard_conf_decode(span_of(w.buf, n), &back), ERR_MALFORMED);
    w.buf[3] = 0xff; /* four billion servers */
    ck_assert_int_eq(shard_conf_decode(span_of(w.buf, w.len), &back), ERR_MALFORMED);
    w.buf[3] = 0;
    w.buf[12] = 9; /* no such role */
    ck_assert_int_eq(shard_conf_decode(span_of(w.buf, w.len), &back), ERR_MALFORMED);
    w.buf[12] = 1;
    w.buf[20] = 0x80; /* an id that the metadata's snapshot has no room for */
    ck_assert_int_eq(shard_conf_decode(span_of(w.buf, w.len), &back), ERR_MALFORMED);
    w.buf[20] = 0;
    w.buf[13] = 1; /* one id twice */
    ck_assert_int_eq(shard_conf_decode(span_of(w.buf, w.len), &back), ERR_MALFORMED);
    wr_free(&w);
}
END_TEST

UNIT_MAIN(it_is_a_window_onto_the_log, payloads_live_as_long_as_somebody_holds_them,
          configurations_are_bounded_before_they_are_believed)

/* power.h - does a rig hold what it acknowledged, now and after a power cut? */
#ifndef TESTS_UNIT_SHARD_POWER_H
#define TESTS_UNIT_SHARD_POWER_H

#include "tests/shard/rig.h"
#include "tests/unit/unit.h"

/* Everything of history that was acknowledged by now, which is `least` batches or more. */
static inline void power_check(struct rig *r, const struct rig *history, size_t least)
{
    struct err e;
    size_t checked = 0;
    ck_assert_msg(rig_check(r, history, io_mem_trace_len(history->disk), &checked, &e) == 0, "%s",
                  e.text);
    ck_assert_uint_ge(checked, least);
}

/* Cut the power, after which only what was synced is there; open that as it was open, and check. */
static inline void power_cut(struct rig *r, size_t least)
{
    struct err e;
    struct rig history = *r;
    rig_drop(&history);
    rig_init(r, io_mem_crash(history.disk, io_mem_trace_len(history.disk), IO_CUT_NONE, 0));
    r->segment_bytes = history.segment_bytes;
    r->wal_max_bytes = history.wal_max_bytes;
    r->reserve_bytes = history.reserve_bytes;
    r->buffer_bytes = history.buffer_bytes;
    ck_assert_msg(rig_open(r, &e) == 0, "%s", e.text);
    power_check(r, &history, least);
    rig_release(&history);
}

#endif

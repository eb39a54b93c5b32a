/* The checkpoint file: round trip, every flipped byte, every truncation. */
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/io_mem.h"
#include "shard/checkpoint.h"
#include "tests/unit/unit.h"

static struct plog_epoch epochs[2] = {{1, 0}, {4, 77}};
static struct checkpoint_producer producers[2] = {
    {.id = 5,
     .epoch = 1,
     .last_timestamp = 9,
     .n_batches = 2,
     .batches = {{0, 3, 10, 4}, {4, 4, 14, 5}}},
    {.id = 6, .epoch = 0, .n_batches = 0},
};
static struct checkpoint_partition partitions[2] = {
    {.topic_id = {{1, 2, 3}},
     .partition = 2,
     .mark = {5, 100, 60, 4000, 12345, 99},
     .n_epochs = 2,
     .epochs = epochs,
     .n_producers = 2,
     .producers = producers},
    {.topic_id = {{9}}, .partition = 0, .mark = {0, 0, 0, 0, -1, -1}},
};
static struct checkpoint_server servers[1] = {{1, 1}};

static struct checkpoint sample(uint64_t sequence)
{
    return (struct checkpoint){.sequence = sequence,
                               .owner = {{{7, 7}}, 1, 1},
                               .index = 42,
                               .term = 3,
                               .current_term = 4,
                               .vote = 1,
                               .conf_index = 1,
                               .meta_index = 17,
                               .wall_ms = 1800000000000,
                               .live_segment = 9,
                               .replay = {8, 4096},
                               .synced = {9, 8192},
                               .flags = CHECKPOINT_CLEAN,
                               .n_servers = 1,
                               .n_partitions = 2,
                               .servers = servers,
                               .partitions = partitions};
}

static struct wr encoded(uint64_t sequence)
{
    struct checkpoint c = sample(sequence);
    struct wr w;
    wr_init(&w, 0);
    checkpoint_encode(&c, &w);
    ck_assert_int_eq(w.err, 0);
    return w;
}

START_TEST(what_is_written_is_read)
{
    struct wr w = encoded(6), again;
    struct checkpoint c;
    struct err e;
    ck_assert_msg(checkpoint_decode(span_of(w.buf, w.len), &c, &e) == 0, "%s", e.text);
    ck_assert_uint_eq(c.index, 42);
    ck_assert_int_eq(c.partitions[0].producers[0].batches[1].base_offset, 14);
    ck_assert_int_eq(c.partitions[0].epochs[1].start, 77);
    wr_init(&again, 0);
    checkpoint_encode(&c, &again);
    ck_assert_bytes_eq(w.buf, w.len, again.buf, again.len);
    checkpoint_release(&c);
    wr_free(&w);
    wr_free(&again);
}
END_TEST

START_TEST(every_flipped_bit_and_every_truncation_is_corruption)
{
    struct wr w = encoded(6);
    for (size_t i = 0; i < w.len * 8; i++) {
        struct checkpoint c;
        struct err e;
        w.buf[i / 8] ^= (uint8_t)(1 << i % 8);
        ck_assert_int_eq(checkpoint_decode(span_of(w.buf, w.len), &c, &e), ERR_CORRUPT);
        w.buf[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t n = 0; n < w.len; n++) {
        struct checkpoint c;
        struct err e;
        uint8_t *exact = malloc(n ? n : 1);
        memcpy(exact, w.buf, n);
        ck_assert_int_eq(checkpoint_decode(span_of(exact, n), &c, &e), ERR_CORRUPT);
        free(exact);
    }
    wr_free(&w);
}
END_TEST

static int decode_sealed(struct wr *w, struct checkpoint *c)
{
    struct err e;
    put_le32(w->buf + 12, 0);
    put_le32(w->buf + 12, crc32c(0, w->buf, w->len));
    return checkpoint_decode(span_of(w->buf, w->len), c, &e);
}

/* The time of a leap is in format 2, where there was one, and in no other. */
START_TEST(what_must_be_zero_is_looked_at)
{
    struct wr w = encoded(6);
    struct checkpoint c;
    w.buf[164] = 1;
    ck_assert_int_eq(decode_sealed(&w, &c), ERR_CORRUPT);
    w.buf[8] = 2;
    ck_assert_int_eq(decode_sealed(&w, &c), 0);
    ck_assert_uint_eq(c.leapt_s, 1);
    struct wr again;
    wr_init(&again, 0);
    checkpoint_encode(&c, &again);
    ck_assert_bytes_eq(w.buf, w.len, again.buf, again.len);
    checkpoint_release(&c);
    wr_free(&again);
    w.buf[164] = 0;
    ck_assert_int_eq(decode_sealed(&w, &c), ERR_CORRUPT);
    w.buf[8] = 3;
    ck_assert_int_eq(decode_sealed(&w, &c), ERR_VERSION);
    wr_free(&w);
}
END_TEST

START_TEST(the_newer_file_that_checks_serves)
{
    struct io_mem *disk = io_mem_new();
    struct io *io = io_mem_io(disk);
    struct checkpoint c, older;
    struct err e;
    bool bad;
    ck_assert_ok(io_mkdir(io, "/w"));
    ck_assert_int_eq(checkpoint_load(io, "/w", NULL, &c, &older, &bad, &e), ERR_NOTFOUND);
    for (uint64_t sequence = 6; sequence <= 7; sequence++) {
        struct wr w = encoded(sequence);
        ck_assert_ok(checkpoint_save(io, "/w", sequence, &w, &e));
        wr_free(&w);
    }
    ck_assert_ok(checkpoint_load(io, "/w", NULL, &c, &older, &bad, &e));
    ck_assert_uint_eq(c.sequence, 7);
    ck_assert_uint_eq(older.sequence, 6);
    checkpoint_release(&c);
    checkpoint_release(&older);
    size_t n;
    io_mem_bytes(disk, "/w/checkpoint.1", &n)[50] ^= 1;
    ck_assert_ok(checkpoint_load(io, "/w", NULL, &c, &older, &bad, &e));
    ck_assert_uint_eq(c.sequence, 6);
    ck_assert(bad);
    ck_assert_ptr_nonnull(strstr(e.text, "checkpoint.1"));
    checkpoint_release(&c);
    struct wal_owner foreign = {{{8}}, 1, 1};
    ck_assert_int_eq(checkpoint_load(io, "/w", &foreign, &c, &older, &bad, &e), ERR_FOREIGN);
    io_mem_bytes(disk, "/w/checkpoint.0", &n)[50] ^= 1;
    ck_assert_int_eq(checkpoint_load(io, "/w", NULL, &c, &older, &bad, &e), ERR_CORRUPT);
    io_mem_free(disk);
}
END_TEST

START_TEST(a_file_under_the_other_ones_name_is_corruption)
{
    struct io_mem *disk = io_mem_new();
    struct io *io = io_mem_io(disk);
    struct checkpoint c, older;
    struct err e;
    bool bad;
    struct wr w = encoded(6);
    ck_assert_ok(io_mkdir(io, "/w"));
    ck_assert_ok(io_replace_file(io, "/w/checkpoint.1", w.buf, w.len));
    ck_assert_int_eq(checkpoint_load(io, "/w", NULL, &c, &older, &bad, &e), ERR_CORRUPT);
    wr_free(&w);
    io_mem_free(disk);
}
END_TEST

UNIT_MAIN(what_is_written_is_read, every_flipped_bit_and_every_truncation_is_corruption,
          what_must_be_zero_is_looked_at, the_newer_file_that_checks_serves,
          a_file_under_the_other_ones_name_is_corruption)

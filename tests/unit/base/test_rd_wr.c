#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/rd.h"
#include "base/wr.h"
#include "tests/unit/unit.h"

START_TEST(integers_come_back)
{
    struct wr w;
    wr_init(&w, 0);
    wr_u8(&w, 0xfe);
    wr_be16(&w, 0x0102);
    wr_be32(&w, 0x03040506);
    wr_be64(&w, UINT64_C(0x0708090a0b0c0d0e));
    wr_le16(&w, 0x0102);
    wr_le32(&w, 0x03040506);
    wr_le64(&w, UINT64_C(0x0708090a0b0c0d0e));
    ck_assert_bytes_eq(w.buf, w.len,
                       "\xfe\1\2\3\4\5\6\7\10\11\12\13\14\15\16"
                       "\2\1\6\5\4\3\16\15\14\13\12\11\10\7",
                       29);
    struct rd r = rd_of(w.buf, w.len);
    ck_assert_uint_eq(rd_u8(&r), 0xfe);
    ck_assert_uint_eq(rd_be16(&r), 0x0102);
    ck_assert_uint_eq(rd_be32(&r), 0x03040506);
    ck_assert_uint_eq(rd_be64(&r), UINT64_C(0x0708090a0b0c0d0e));
    ck_assert_uint_eq(rd_le16(&r), 0x0102);
    ck_assert_uint_eq(rd_le32(&r), 0x03040506);
    ck_assert_uint_eq(rd_le64(&r), UINT64_C(0x0708090a0b0c0d0e));
    ck_assert_uint_eq(rd_left(&r), 0);
    ck_assert_uint_eq(rd_pos(&r), 29);
    ck_assert_int_eq(r.err, 0);
    wr_free(&w);
}
END_TEST

START_TEST(a_short_input_sticks)
{
    struct rd r = rd_of("\1\2\3", 3);
    ck_assert_uint_eq(rd_be16(&r), 0x0102);
    ck_assert_uint_eq(rd_be32(&r), 0);
    ck_assert_int_eq(r.err, ERR_SHORT);
    ck_assert_uint_eq(rd_u8(&r), 0); /* although a byte is there */
    ck_assert_ptr_null(rd_take(&r, 0));
    ck_assert_uint_eq(rd_left(&r), 0);
    ck_assert_uint_eq(rd_pos(&r), 2);
    rd_fail(&r, ERR_MALFORMED);
    ck_assert_int_eq(r.err, ERR_SHORT);
}
END_TEST

START_TEST(spans_stay_inside)
{
    struct rd r = rd_of("abc", 3);
    struct span s = rd_span(&r, 2);
    ck_assert_bytes_eq(s.p, s.n, "ab", 2);
    ck_assert_ptr_nonnull(rd_take(&r, 0));
    s = rd_span(&r, SIZE_MAX);
    ck_assert_ptr_null(s.p);
    ck_assert_uint_eq(s.n, 0);
    ck_assert_int_eq(r.err, ERR_SHORT);
}
END_TEST

static const int64_t edges[] = {0,         1,         -1,       63,       -64,       64,
                                -65,       8191,      -8192,    8192,     INT32_MAX, INT32_MIN,
                                INT64_MAX, INT64_MIN, 1L << 40, 1L << 62, 300};

START_TEST(no_bytes_need_no_pointer)
{
    struct rd r = rd_of(NULL, 0);
    ck_assert_uint_eq(rd_left(&r), 0);
    ck_assert_ptr_nonnull(rd_take(&r, 0));
    ck_assert_int_eq(r.err, 0);
    ck_assert_uint_eq(rd_u8(&r), 0);
    ck_assert_int_eq(r.err, ERR_SHORT);
}
END_TEST

START_TEST(varints_come_back)
{
    struct wr w;
    wr_init(&w, 0);
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        wr_reset(&w);
        wr_varint(&w, edges[i]);
        wr_uvarint(&w, (uint64_t)edges[i]);
        wr_varint(&w, (int32_t)edges[i]);
        wr_uvarint(&w, (uint32_t)edges[i]);
        struct rd r = rd_of(w.buf, w.len);
        ck_assert_int_eq(rd_varint64(&r), edges[i]);
        ck_assert_uint_eq(rd_uvarint64(&r), (uint64_t)edges[i]);
        ck_assert_int_eq(rd_varint32(&r), (int32_t)edges[i]);
        ck_assert_uint_eq(rd_uvarint32(&r), (uint32_t)edges[i]);
        ck_assert_int_eq(r.err, 0);
        ck_assert_uint_eq(rd_left(&r), 0);
    }
    wr_free(&w);
}
END_TEST

/* The bytes themselves, as the formats' documents give them. */
START_TEST(varints_look_as_written_down)
{
    struct wr w;
    wr_init(&w, 0);
    wr_uvarint(&w, 300);
    wr_varint(&w, -1);
    wr_varint(&w, 1);
    wr_varint(&w, -2);
    wr_uvarint(&w, UINT64_MAX);
    ck_assert_bytes_eq(w.buf, w.len, "\xac\x02\x01\x02\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
                       15);
    wr_free(&w);
}
END_TEST

static int error_of(const char *bytes, size_t n, bool wide)
{
    struct rd r = rd_of(bytes, n);
    uint64_t v = wide ? rd_uvarint64(&r) : rd_uvarint32(&r);
    ck_assert(r.err == 0 || v == 0);
    return r.err;
}

START_TEST(bad_varints_are_refused)
{
    ck_assert_int_eq(error_of("\xff\xff\xff\xff\x0f", 5, false), 0);
    ck_assert_int_eq(error_of("\xff\xff\xff\xff\x1f", 5, false), ERR_MALFORMED); /* 33 bits */
    ck_assert_int_eq(error_of("\x80\x80\x80\x80\x80\x00", 6, false), ERR_MALFORMED);
    ck_assert_int_eq(error_of("\xff\xff", 2, false), ERR_SHORT);
    ck_assert_int_eq(error_of("", 0, false), ERR_SHORT);
    ck_assert_int_eq(error_of("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 10, true), 0);
    ck_assert_int_eq(error_of("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02", 10, true), ERR_MALFORMED);
    ck_assert_int_eq(error_of("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 11, true),
                     ERR_MALFORMED);
}
END_TEST

START_TEST(a_writer_grows_and_patches)
{
    struct wr w;
    wr_init(&w, 0);
    wr_be32(&w, 0);
    for (int i = 0; i < 10000; i++)
        wr_bytes(&w, "abc", 3);
    wr_bytes(&w, NULL, 0);
    wr_zero(&w, 2);
    wr_patch_be32(&w, 0, 0x01020304);
    ck_assert_uint_eq(w.len, 30006);
    ck_assert_mem_eq(w.buf, "\1\2\3\4abcabc", 10);
    ck_assert_mem_eq(w.buf + 30001, "abc\0\0", 5);
    wr_patch_le32(&w, 2, 0x05060708);
    ck_assert_mem_eq(w.buf, "\1\2\x8\7\6\5cabc", 10);
    wr_reset(&w);
    ck_assert_uint_eq(wr_size(&w), 0);
    ck_assert_ptr_nonnull(wr_grow(&w, 0));
    wr_free(&w);
    ck_assert_ptr_null(w.buf);
}
END_TEST

START_TEST(a_writer_keeps_its_bound_and_its_error)
{
    struct wr w;
    wr_init(&w, 5);
    wr_be32(&w, 7);
    wr_be16(&w, 7);
    ck_assert_int_eq(w.err, ERR_TOOBIG);
    ck_assert_uint_eq(w.len, 4);
    wr_u8(&w, 1); /* although it would fit */
    wr_add_slice(&w, &(struct wr_slice){.fd = 1, .len = 9});
    wr_patch_be32(&w, 100, 1);
    ck_assert_uint_eq(wr_size(&w), 4);
    wr_reset(&w);
    wr_zero(&w, SIZE_MAX);
    ck_assert_int_eq(w.err, ERR_TOOBIG);
    wr_free(&w);
    wr_u8(&w, 1);
    ck_assert_int_eq(w.err, 0);
    wr_zero(&w, 5); /* the bound outlives wr_free */
    ck_assert_int_eq(w.err, ERR_TOOBIG);
    wr_free(&w);
    wr_init(&w, 0);
    wr_u8(&w, 1);
    ck_assert_ptr_null(wr_grow(&w, SIZE_MAX - 1));
    ck_assert_int_eq(w.err, -ENOMEM);
    wr_free(&w);
}
END_TEST

START_TEST(slices_are_counted_where_they_stand)
{
    struct wr w;
    int owner;
    wr_init(&w, 10);
    wr_be32(&w, 0);
    for (size_t i = 0; i < 10; i++)
        wr_add_slice(&w, &(struct wr_slice){.fd = (int)i,
                                            .pos = (off_t)i,
                                            .len = 1000,
                                            .owner = &owner}); /* not bounded by max */
    wr_u8(&w, 1);
    wr_add_slice(&w, &(struct wr_slice){.fd = 11, .pos = 12, .len = 13});
    ck_assert_uint_eq(wr_size(&w), 5 + 10013);
    ck_assert_uint_eq(w.n_slices, 11);
    ck_assert_uint_eq(w.slices[9].at, 4);
    ck_assert_int_eq(w.slices[9].fd, 9);
    ck_assert_ptr_eq(w.slices[9].owner, &owner);
    ck_assert_uint_eq(w.slices[10].at, 5);
    ck_assert_int_eq(w.slices[10].pos, 12);
    wr_add_slice(&w, &(struct wr_slice){.len = SIZE_MAX});
    ck_assert_int_eq(w.err, ERR_TOOBIG);
    wr_free(&w);
}
END_TEST

UNIT_MAIN(integers_come_back, a_short_input_sticks, spans_stay_inside, no_bytes_need_no_pointer,
          varints_come_back, varints_look_as_written_down, bad_varints_are_refused,
          a_writer_grows_and_patches, a_writer_keeps_its_bound_and_its_error,
          slices_are_counted_where_they_stand)

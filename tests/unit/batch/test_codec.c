#include "batch/codec.h"

#include <stdlib.h>

#include "batch/codec_impl.h"
#include "tests/unit/batch/make.h"

enum { BIG = 300000 };
static uint8_t text[BIG]; /* compresses well, but not to nothing */

static void fill(void)
{
    uint32_t x = 1;
    for (size_t i = 0; i < BIG; i++) {
        x = x * 1664525 + 1013904223;
        text[i] = (uint8_t)(i % 7 ? 'a' + (x >> 24) % 4 : x >> 16);
    }
}

START_TEST(round_trips)
{
    static const size_t sizes[] = {1, 2, 100, 32767, 32768, 32769, 65536, 65537, BIG};
    fill();
    for (int c = 0; c < BATCH_CODECS; c++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            struct wr packed, out;
            wr_init(&packed, 0);
            wr_init(&out, 0);
            wr_bytes(&out, "front", 5); /* both append */
            ck_assert_ok(codec_compress((enum batch_codec)c, span_of(text, sizes[i]), &packed));
            ck_assert_ok(codec_expand((enum batch_codec)c, make_span(&packed), sizes[i], &out));
            ck_assert_mem_eq(out.buf, "front", 5);
            ck_assert_bytes_eq(out.buf + 5, out.len - 5, text, sizes[i]);
            wr_reset(&out);
            ck_assert_int_eq(
                codec_expand((enum batch_codec)c, make_span(&packed), sizes[i] - 1, &out),
                ERR_TOOBIG);
            wr_free(&packed);
            wr_free(&out);
        }
    }
}
END_TEST

START_TEST(every_truncation_is_refused)
{
    fill();
    for (int c = BATCH_GZIP; c < BATCH_CODECS; c++) {
        struct wr packed, out;
        wr_init(&packed, 0);
        wr_init(&out, 0);
        ck_assert_ok(codec_compress((enum batch_codec)c, span_of(text, 2000), &packed));
        for (size_t n = 0; n < packed.len; n++) {
            uint8_t *exact = malloc(n ? n : 1); /* so that ASan sees a read behind it */
            memcpy(exact, packed.buf, n);
            wr_reset(&out);
            int rc = codec_expand((enum batch_codec)c, span_of(exact, n), BIG, &out);
            free(exact);
            /* A xerial stream has no end mark: cut behind its header it is empty. */
            if (c == BATCH_SNAPPY && n == 16)
                ck_assert_int_eq(rc, 0);
            else
                ck_assert_msg(rc == ERR_CODEC, "%s cut to %zu: %d",
                              batch_codec_name((enum batch_codec)c), n, rc);
        }
        wr_free(&packed);
        wr_free(&out);
    }
}
END_TEST

START_TEST(no_flipped_bit_breaks_the_bound)
{
    fill();
    for (int c = BATCH_GZIP; c < BATCH_CODECS; c++) {
        struct wr packed, out;
        wr_init(&packed, 0);
        wr_init(&out, 0);
        ck_assert_ok(codec_compress((enum batch_codec)c, span_of(text, 2000), &packed));
        for (size_t bit = 0; bit < 8 * packed.len; bit++) {
            packed.buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
            wr_reset(&out);
            int rc = codec_expand((enum batch_codec)c, make_span(&packed), 4000, &out);
            ck_assert(rc == 0 || rc == ERR_CODEC || rc == ERR_TOOBIG);
            ck_assert_uint_le(out.len, 4001);
            packed.buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        wr_free(&packed);
        wr_free(&out);
    }
}
END_TEST

START_TEST(bombs_stop_at_the_bound)
{
    enum { ZEROS = 64 << 20, MAX = 1 << 20 };
    uint8_t *zeros = calloc(1, ZEROS);
    ck_assert_ptr_nonnull(zeros);
    for (int c = BATCH_GZIP; c < BATCH_CODECS; c++) {
        struct wr packed, out;
        wr_init(&packed, 0);
        wr_init(&out, 0);
        ck_assert_ok(codec_compress((enum batch_codec)c, span_of(zeros, ZEROS), &packed));
        ck_assert_uint_lt(packed.len, ZEROS / 16);
        ck_assert_int_eq(codec_expand((enum batch_codec)c, make_span(&packed), MAX, &out),
                         ERR_TOOBIG);
        ck_assert_uint_le(out.cap, 4 * MAX);
        wr_free(&packed);
        wr_free(&out);
    }
    free(zeros);
}
END_TEST

START_TEST(a_stated_size_is_not_believed)
{
    struct wr out;
    wr_init(&out, 0);
    /* A raw snappy block of 7 bytes that claims 1 GiB. */
    struct span lie = span_of("\x80\x80\x80\x80\x04\x00z", 7);
    ck_assert_int_eq(codec_expand(BATCH_SNAPPY, lie, 1 << 20, &out), ERR_TOOBIG);
    ck_assert_int_eq(codec_expand(BATCH_SNAPPY, lie, (size_t)1 << 31, &out), ERR_CODEC);
    ck_assert_uint_eq(out.cap, 0);
    /* A zstd frame that wants a window of 2 GiB. */
    struct span window = span_of("\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00", 9);
    ck_assert_int_eq(codec_expand(BATCH_ZSTD, window, 1 << 20, &out), ERR_CODEC);
    wr_free(&out);
}
END_TEST

/* Whatever came before, damaged batches included, and nothing that was large. */
START_TEST(kept_contexts_forget_what_was_before)
{
    struct codec_state k;
    struct wr packed[BATCH_CODECS], out;
    fill();
    codec_state_init(&k);
    wr_init(&out, 0);
    for (int c = BATCH_GZIP; c < BATCH_CODECS; c++) {
        wr_init(&packed[c], 0);
        ck_assert_ok(codec_compress((enum batch_codec)c, span_of(text, 5000), &packed[c]));
    }
    for (size_t cut = 0; cut < 200; cut += 7)
        for (int c = BATCH_GZIP; c < BATCH_CODECS; c++) {
            struct span whole = make_span(&packed[c]);
            wr_reset(&out);
            codec_expand_kept(&k, (enum batch_codec)c, span_of(whole.p, cut), BIG, &out);
            codec_expand_kept(&k, (enum batch_codec)c, whole, 4999, &out); /* too big */
            wr_reset(&out);
            ck_assert_ok(codec_expand_kept(&k, (enum batch_codec)c, whole, BIG, &out));
            ck_assert_bytes_eq(out.buf, out.len, text, 5000);
        }
    ck_assert_ptr_nonnull(k.zstd);
    ck_assert_ptr_nonnull(k.lz4);
    ck_assert_ptr_nonnull(k.igzip);
    /* Frames that begin with a window of 8 MiB, and with blocks of 4 MiB. */
    struct span window = span_of("\x28\xb5\x2f\xfd\x00\x68\x01\x00\x00", 9);
    codec_expand_kept(&k, BATCH_ZSTD, window, 1 << 20, &out);
    ck_assert_ptr_null(k.zstd);
    struct span blocks = span_of("\x04\x22\x4d\x18\x60\x70\x73\x00\x00\x00\x00", 11);
    wr_reset(&out);
    ck_assert_ok(codec_expand_kept(&k, BATCH_LZ4, blocks, 1 << 20, &out));
    ck_assert_ptr_null(k.lz4);
    for (int c = BATCH_GZIP; c < BATCH_CODECS; c++)
        wr_free(&packed[c]);
    wr_free(&out);
    codec_state_release(&k);
}
END_TEST

START_TEST(snappy_is_read_in_both_shapes)
{
    static const char block[] = "\x05\x10hello";
    struct wr w, out;
    wr_init(&w, 0);
    wr_init(&out, 0);
    ck_assert_ok(codec_expand(BATCH_SNAPPY, span_of(block, 7), 5, &out));
    ck_assert_bytes_eq(out.buf, out.len, "hello", 5);
    wr_bytes(&w, "\x82SNAPPY\0\0\0\0\1\0\0\0\1", 16);
    for (int i = 0; i < 2; i++) {
        wr_be32(&w, 7);
        wr_bytes(&w, block, 7);
    }
    wr_reset(&out);
    ck_assert_ok(codec_expand(BATCH_SNAPPY, make_span(&w), 10, &out));
    ck_assert_bytes_eq(out.buf, out.len, "hellohello", 10);
    wr_reset(&out);
    ck_assert_int_eq(codec_expand(BATCH_SNAPPY, make_span(&w), 9, &out), ERR_TOOBIG);
    wr_reset(&out);
    w.buf[19] = 8; /* a block length that takes a byte of the next one */
    ck_assert_int_eq(codec_expand(BATCH_SNAPPY, make_span(&w), 100, &out), ERR_CODEC);
    w.buf[19] = 7;
    w.buf[11] = 0; /* version 0 */
    wr_reset(&out);
    ck_assert_int_eq(codec_expand(BATCH_SNAPPY, make_span(&w), 100, &out), ERR_CODEC);
    wr_free(&w);
    wr_free(&out);
}
END_TEST

/* Kafka's Java consumer refuses blocks that depend on each other. */
START_TEST(lz4_blocks_are_independent)
{
    struct wr packed;
    fill();
    wr_init(&packed, 0);
    ck_assert_ok(codec_compress(BATCH_LZ4, span_of(text, BIG), &packed));
    ck_assert_uint_eq(get_le32(packed.buf), 0x184d2204); /* the frame's magic */
    ck_assert(packed.buf[4] & 0x20);
    wr_free(&packed);
}
END_TEST

START_TEST(bytes_behind_the_end_are_refused)
{
    fill();
    for (int c = BATCH_GZIP; c < BATCH_CODECS; c++) {
        struct wr packed, out;
        wr_init(&packed, 0);
        wr_init(&out, 0);
        ck_assert_ok(codec_compress((enum batch_codec)c, span_of(text, 2000), &packed));
        wr_bytes(&packed, "junk junk junk", 14);
        ck_assert_int_eq(codec_expand((enum batch_codec)c, make_span(&packed), BIG, &out),
                         ERR_CODEC);
        wr_free(&packed);
        wr_free(&out);
    }
}
END_TEST

/* A gzip member: header fields that `flags` announce, one stored block of "hello", the trailer. */
static void gzip_member(struct wr *w, uint8_t flags, const char *fields, size_t n_fields)
{
    wr_bytes(w, "\x1f\x8b\x08", 3);
    wr_u8(w, flags);
    wr_bytes(w, "\0\0\0\0\0\xff", 6);
    wr_bytes(w, fields, n_fields);
    wr_bytes(w, "\x01\x05\0\xfa\xffhello\x86\xa6\x10\x36\x05\0\0\0", 18);
}

/* What ISA-L refuses zlib expands, which would pass all other tests. */
static int without_zlib(const struct wr *packed, struct wr *out)
{
    struct codec_state k;
    codec_state_init(&k);
    wr_reset(out);
    int rc = codec_igzip_expand(&k, make_span(packed), BIG, out);
    codec_state_release(&k);
    return rc;
}

START_TEST(gzip_of_every_level_goes_the_fast_way)
{
    struct wr packed, out;
    fill();
    wr_init(&packed, 0);
    wr_init(&out, 0);
    for (int level = CODEC_LEVEL_GZIP; level <= 9; level++) {
        wr_reset(&packed);
        ck_assert_ok(codec_compress_at(BATCH_GZIP, level, span_of(text, BIG), &packed));
        ck_assert_ok(without_zlib(&packed, &out));
        ck_assert_bytes_eq(out.buf, out.len, text, BIG);
    }
    wr_free(&packed);
    wr_free(&out);
}
END_TEST

START_TEST(gzip_headers_may_hold_all_fields)
{
    enum { TEXT = 1, HCRC = 2, EXTRA = 4, NAME = 8, COMMENT = 16 };
    static const struct {
        uint8_t flags;
        const char *fields;
        size_t n;
        int rc;
    } headers[] = {
        {0, "", 0, 0},
        {TEXT, "", 0, 0},
        {EXTRA, "\3\0abc", 5, 0},
        {NAME | COMMENT, "name\0comment", 13, 0},
        {HCRC, "\x90\xc9", 2, 0},
        {HCRC, "\x7d\x5a", 2, ERR_CODEC}, /* not its checksum */
        {0x20, "", 0, ERR_CODEC},         /* reserved */
        {0x80, "", 0, ERR_CODEC},
    };
    struct wr packed, out;
    wr_init(&packed, 0);
    wr_init(&out, 0);
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        wr_reset(&packed);
        gzip_member(&packed, 0, "", 0); /* as the second member, too */
        gzip_member(&packed, headers[i].flags, headers[i].fields, headers[i].n);
        ck_assert_int_eq(without_zlib(&packed, &out), headers[i].rc);
        wr_reset(&out);
        ck_assert_int_eq(codec_expand(BATCH_GZIP, make_span(&packed), BIG, &out), headers[i].rc);
        if (headers[i].rc == 0)
            ck_assert_bytes_eq(out.buf, out.len, "hellohello", 10);
    }
    wr_free(&packed);
    wr_free(&out);
}
END_TEST

START_TEST(gzip_trailers_must_be_right)
{
    struct wr packed, out;
    wr_init(&packed, 0);
    wr_init(&out, 0);
    gzip_member(&packed, 0, "", 0);
    gzip_member(&packed, 0, "", 0);
    for (size_t member = 1; member <= 2; member++)
        for (size_t bit = 0; bit < 64; bit++) { /* CRC-32, and the size */
            uint8_t *p = packed.buf + member * packed.len / 2 - 8 + bit / 8;
            *p ^= (uint8_t)(1 << bit % 8);
            wr_reset(&out);
            ck_assert_int_eq(codec_expand(BATCH_GZIP, make_span(&packed), BIG, &out), ERR_CODEC);
            *p ^= (uint8_t)(1 << bit % 8);
        }
    wr_free(&packed);
    wr_free(&out);
}
END_TEST

START_TEST(unknown_codecs_are_errors)
{
    struct wr out;
    wr_init(&out, 0);
    for (int c = BATCH_CODECS; c < 9; c++) {
        ck_assert_int_eq(codec_expand((enum batch_codec)c, span_str("x"), 10, &out), ERR_CODEC);
        ck_assert_int_eq(codec_compress((enum batch_codec)c, span_str("x"), &out), ERR_INVALID);
    }
    wr_free(&out);
}
END_TEST

UNIT_MAIN(round_trips, every_truncation_is_refused, no_flipped_bit_breaks_the_bound,
          bombs_stop_at_the_bound, a_stated_size_is_not_believed,
          kept_contexts_forget_what_was_before, snappy_is_read_in_both_shapes,
          lz4_blocks_are_independent, bytes_behind_the_end_are_refused,
          gzip_of_every_level_goes_the_fast_way, gzip_headers_may_hold_all_fields,
          gzip_trailers_must_be_right, unknown_codecs_are_errors)

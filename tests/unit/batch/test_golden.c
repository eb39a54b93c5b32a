/* Batches that other libraries made (tests/golden/batch/make.py) hold what they say. */
#include <stdlib.h>

#include "base/io.h"
#include "tests/unit/batch/make.h"

enum { RECORDS = 20, MAX = 1 << 20 };
static const int64_t first_time = 1700000000000;

static void read_golden(const char *name, uint8_t **buf, size_t *n)
{
    char path[IO_PATH_MAX];
    const char *srcdir = getenv("srcdir");
    ck_assert_ok(
        io_path(path, sizeof path, srcdir ? srcdir : ".", "tests/golden/batch/%s.batch", name));
    int rc = io_read_file(io_posix(), path, MAX, buf, n);
    ck_assert_msg(rc >= 0, "%s: %s", path, err_str(rc));
}

static void expect(struct span s, const char *text)
{
    ck_assert_int_eq(s.p == NULL, text == NULL);
    if (text)
        ck_assert_bytes_eq(s.p, s.n, text, strlen(text));
}

static void expect_headers(const struct record *r, int i)
{
    struct record_header h;
    char value[16];
    struct rd rd = rd_of(r->headers.p, r->headers.n);
    snprintf(value, sizeof value, "v%d", i);
    ck_assert_int_eq(r->n_headers, i % 3 == 0 ? 3 : 0);
    if (i % 3 == 0) {
        ck_assert_int_eq(record_header_next(&rd, &h), 1);
        expect(h.key, "h");
        expect(h.value, value);
        ck_assert_int_eq(record_header_next(&rd, &h), 1);
        expect(h.key, "n");
        expect(h.value, NULL);
        ck_assert_int_eq(record_header_next(&rd, &h), 1);
        expect(h.key, "");
        expect(h.value, "");
    }
    ck_assert_int_eq(record_header_next(&rd, &h), 0);
}

static void expect_record(const struct record *r, int i)
{
    char key[16], value[RECORDS * 37 + 32];
    snprintf(key, sizeof key, "key-%d", i);
    int n = snprintf(value, sizeof value, "value-%d-", i);
    memset(value + n, 'x', (size_t)i * 37);
    value[n + i * 37] = 0;
    ck_assert_int_eq(r->offset, i);
    ck_assert_int_eq(r->timestamp, first_time + (i % 4 == 3 ? -5 : 10 * i));
    expect(r->key, i % 5 == 0 ? NULL : key);
    expect(r->value, i % 7 == 5 ? "" : i % 7 == 6 ? NULL : value);
    expect_headers(r, i);
}

static void expect_records(struct span s)
{
    struct records it;
    struct record r;
    ck_assert_ok(records_init(&it, s, MAX));
    for (int i = 0; i < RECORDS; i++) {
        ck_assert_int_eq(records_next(&it, &r), 1);
        expect_record(&r, i);
    }
    ck_assert_int_eq(records_next(&it, &r), 0);
    records_release(&it);
}

static const struct {
    const char *name;
    enum batch_codec codec;
} files[] = {
    {"none", BATCH_NONE},         {"gzip", BATCH_GZIP},
    {"gzip-members", BATCH_GZIP}, {"snappy-xerial", BATCH_SNAPPY},
    {"lz4", BATCH_LZ4},           {"snappy-raw", BATCH_SNAPPY},
    {"lz4-linked", BATCH_LZ4},    {"zstd", BATCH_ZSTD},
    {"zstd-stream", BATCH_ZSTD},  {"transactional", BATCH_NONE},
};

START_TEST(batches_of_other_libraries_are_read)
{
    const struct batch_rules rules = {
        .produce_version = 9,
        .max_bytes = MAX,
        .now_ms = first_time,
        .before_max_ms = INT64_MAX,
        .after_max_ms = 3600000,
        .max_expanded = MAX,
    };
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        struct batch b;
        struct err e;
        uint8_t *buf;
        size_t n;
        read_golden(files[f].name, &buf, &n);
        int rc = batch_verify(span_of(buf, n), &b, &e);
        ck_assert_msg(rc == 0, "%s: %s", files[f].name, e.text);
        ck_assert_int_eq(batch_codec(&b), files[f].codec);
        ck_assert_int_eq(b.max_timestamp, first_time + 180);
        rc = batch_admit(span_of(buf, n), &rules, &b, NULL, &e);
        ck_assert_msg(rc == 0, "%s: %s", files[f].name, e.text);
        ck_assert_int_eq(b.max_timestamp, first_time + 180);
        expect_records(span_of(buf, n));
        free(buf);
    }
}
END_TEST

START_TEST(a_transactional_header_is_read)
{
    struct batch b;
    uint8_t *buf;
    size_t n;
    read_golden("transactional", &buf, &n);
    ck_assert_ok(batch_verify(span_of(buf, n), &b, NULL));
    ck_assert_int_eq(b.attributes, BATCH_ATTR_TXN);
    ck_assert_int_eq(b.producer_id, 4711);
    ck_assert_int_eq(b.producer_epoch, 3);
    ck_assert_int_eq(b.base_sequence, 100);
    free(buf);
}
END_TEST

/* Byte for byte what kafka-python made of the same records. */
START_TEST(our_builder_agrees)
{
    struct batch_builder b;
    struct records it;
    struct record r;
    struct wr w;
    uint8_t *buf;
    size_t n;
    read_golden("none", &buf, &n);
    wr_init(&w, 0);
    batch_builder_init(&b, BATCH_NONE);
    ck_assert_ok(records_init(&it, span_of(buf, n), MAX));
    while (records_next(&it, &r) > 0) {
        struct record_header h[3];
        struct rd rd = rd_of(r.headers.p, r.headers.n);
        for (int i = 0; i < r.n_headers; i++)
            ck_assert_int_eq(record_header_next(&rd, &h[i]), 1);
        batch_builder_add(&b, r.timestamp, r.key, r.value, h, r.n_headers);
    }
    ck_assert_ok(batch_builder_finish(&b, &w));
    batch_place(w.buf, 0, (int32_t)get_be32(buf + 12));
    ck_assert_bytes_eq(w.buf, w.len, buf, n);
    records_release(&it);
    batch_builder_release(&b);
    wr_free(&w);
    free(buf);
}
END_TEST

UNIT_MAIN(batches_of_other_libraries_are_read, a_transactional_header_is_read, our_builder_agrees)

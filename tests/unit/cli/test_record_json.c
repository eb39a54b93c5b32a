#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/wr.h"
#include "cli/record_json.h"

static struct arena arena;
static struct record_in in;
static struct err error;

static int read_text(const char *text)
{
    arena_init(&arena, 0);
    return record_json_read(span_str(text), &arena, &in, &error);
}

static void same(struct span got, const char *want)
{
    if (!want) {
        ck_assert_ptr_null(got.p);
        return;
    }
    ck_assert_ptr_nonnull(got.p);
    ck_assert_bytes_eq(got.p, got.n, want, strlen(want));
}

START_TEST(fields_find_their_places)
{
    ck_assert_ok(read_text("{\"topic\":\"x\",\"partition\":3,\"offset\":9,\"timestamp\":-5,"
                           "\"timestamp_type\":\"create\",\"key\":\"k\",\"value_base64\":\"AP8=\","
                           "\"headers\":[{\"key\":\"h\",\"value\":null},{\"key\":\"\","
                           "\"value\":\"\"}]}"));
    ck_assert_int_eq(in.partition, 3);
    ck_assert(in.has_timestamp);
    ck_assert_int_eq(in.timestamp, -5);
    same(in.key, "k");
    ck_assert_bytes_eq(in.value.p, in.value.n, "\0\xff", 2);
    ck_assert_int_eq(in.n_headers, 2);
    same(in.headers[0].key, "h");
    same(in.headers[0].value, NULL);
    same(in.headers[1].key, "");
    same(in.headers[1].value, "");
    arena_free(&arena);
    ck_assert_ok(read_text("{\"value\":null}"));
    ck_assert_int_eq(in.partition, -1);
    ck_assert(!in.has_timestamp);
    same(in.key, NULL);
    same(in.value, NULL);
    arena_free(&arena);
}
END_TEST

START_TEST(what_is_no_record_is_refused)
{
    static const char *const wrong[] = {
        "",
        "7",
        "[]",
        "{}",
        "{\"key\":\"k\"}",
        "{\"value\":1}",
        "{\"value\":\"a\",\"value\":\"b\"}",
        "{\"value\":\"a\",\"value_base64\":\"YQ==\"}",
        "{\"value_base64\":null}",
        "{\"value_base64\":\"YQ\"}",
        "{\"value\":\"a\",\"nonsense\":1}",
        "{\"value\":\"a\",\"partition\":-1}",
        "{\"value\":\"a\",\"partition\":2147483648}",
        "{\"value\":\"a\",\"timestamp\":1.5}",
        "{\"value\":\"a\",\"headers\":{}}",
        "{\"value\":\"a\",\"headers\":[1]}",
        "{\"value\":\"a\",\"headers\":[{\"key\":\"k\"}]}",
        "{\"value\":\"a\",\"headers\":[{\"key\":null,\"value\":\"v\"}]}",
        "{\"value\":\"a\",\"headers\":[{\"key\":\"k\",\"value\":\"v\",\"x\":1}]}",
        "{\"value\":\"a\"} {\"value\":\"b\"}",
        "{\"value\":\"\xff\"}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_msg(read_text(wrong[i]) < 0, "accepted: %s", wrong[i]);
        ck_assert_msg(*error.text && !strchr(error.text, '\n'), "%s: no line", wrong[i]);
        arena_free(&arena);
    }
}
END_TEST

/* Bytes of a length that makes base64 go through its piece-wise writing, and back. */
START_TEST(long_bytes_come_back)
{
    static uint8_t bytes[3 * 1024 * 5 + 2];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    struct record r = {.offset = 1, .timestamp = 2, .value = span_of(bytes, sizeof bytes)};
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    ck_assert_ok(record_json_write(f, "t", 0, &r, false));
    fclose(f);
    ck_assert_uint_eq(strcspn(text, "\n"), size - 1); /* one line */
    ck_assert_ok(read_text(text));
    ck_assert_bytes_eq(in.value.p, in.value.n, bytes, sizeof bytes);
    same(in.key, NULL);
    arena_free(&arena);
    free(text);
}
END_TEST

UNIT_MAIN(fields_find_their_places, what_is_no_record_is_refused, long_bytes_come_back)

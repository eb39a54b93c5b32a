#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

static struct json *parsed(const char *text)
{
    struct err e = {0};
    struct json *j = json_parse(text, strlen(text), &e);
    ck_assert_msg(j != NULL, "%s", e.text);
    return j;
}

/* The value's text; j is freed. */
static void expect_text(struct json *j, int indent, const char *want)
{
    char *text = json_text(j, indent);
    ck_assert_ptr_nonnull(text);
    ck_assert_str_eq(text, want);
    free(text);
    json_free(j);
}

START_TEST(values_are_written)
{
    struct json *j = json_new_object(), *a = json_new_array();
    json_set_int(j, "z", INT64_MIN);
    json_set_int(j, "y", INT64_MAX);
    json_set_str(j, "x", "a\"\n");
    json_set_str(j, "w", NULL);
    json_set_bool(j, "v", true);
    json_set_real(j, "u", 0.1);
    json_set_span(j, "t", span_of("a\0b", 3));
    json_set_span(j, "s", span_of(NULL, 0));
    json_push(a, json_new_null());
    json_push(a, json_new_bool(false));
    json_push(a, json_new_real(NAN));
    json_push(a, json_new_base64(span_of("\xff\0", 2)));
    json_push_text(a, "%d of %s", 7, "\"9\"");
    json_set(j, "r", a);
    json_set_int(j, "z", 1); /* keeps its place */
    expect_text(j, 0,
                "{\"z\":1,\"y\":9223372036854775807,\"x\":\"a\\\"\\n\",\"w\":null,\"v\":true,"
                "\"u\":0.1,\"t\":\"a\\u0000b\",\"s\":null,\"r\":[null,false,null,\"/wA=\",\"7 of "
                "\\\"9\\\"\"]}");
    expect_text(json_new_int(7), 0, "7");
    j = json_new_object();
    json_set_int(j, "a", 1);
    expect_text(j, 2, "{\n  \"a\": 1\n}");
}
END_TEST

START_TEST(bad_utf8_is_replaced)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"\xc3\xa4", "\"\xc3\xa4\""},
        {"a\xff", "\"a\xef\xbf\xbd\""},
        {"\xc3", "\"\xef\xbf\xbd\""},
        {"\xc0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\""},                 /* over-long */
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, /* a surrogate */
        {"\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\""},
        {"\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xe0\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xe2\x82"
         "a",
         "\"\xef\xbf\xbd\xef\xbf\xbd"
         "a\""},
        {"", "\"\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_text(json_new_str(span_str(rows[i].in)), 0, rows[i].out);
    struct json *j = json_new_object();
    json_set_int(j, "k\xff", 1);
    expect_text(j, 0, "{\"k\xef\xbf\xbd\":1}");
}
END_TEST

START_TEST(what_is_written_is_read)
{
    const char *text = "{\"b\":{\"x\":[1,2.5,\"s\",true,null]},\"a\":-9223372036854775808}";
    struct json *j = parsed(text);
    ck_assert_int_eq(json_type_of(j), JSON_T_OBJECT);
    ck_assert_uint_eq(json_len(j), 2);
    const struct json *x = json_get(json_get(j, "b"), "x");
    ck_assert_int_eq(json_type_of(x), JSON_T_ARRAY);
    ck_assert_uint_eq(json_len(x), 5);
    static const enum json_type types[] = {JSON_T_INT,  JSON_T_REAL, JSON_T_STR,
                                           JSON_T_BOOL, JSON_T_NULL, JSON_T_NULL};
    for (size_t i = 0; i < 6; i++)
        ck_assert_int_eq(json_type_of(json_at(x, i)), types[i]);
    ck_assert_int_eq(json_int(json_at(x, 0), -1), 1);
    ck_assert_double_eq(json_double(json_at(x, 0), -1), 1);
    ck_assert_double_eq(json_double(json_at(x, 1), -1), 2.5);
    ck_assert(span_eq(json_str(json_at(x, 2)), span_str("s")));
    ck_assert(json_bool(json_at(x, 3), false));
    ck_assert_int_eq(json_int(json_get(j, "a"), 0), INT64_MIN);
    expect_text(j, 0, text);
}
END_TEST

START_TEST(what_is_missing_has_a_default)
{
    struct json *j = parsed("{\"s\":\"x\",\"r\":1.5}");
    ck_assert_int_eq(json_int(json_get(j, "no"), 7), 7);
    ck_assert_int_eq(json_int(json_get(j, "s"), 7), 7);
    ck_assert_int_eq(json_int(json_get(j, "r"), 7), 7);
    ck_assert(json_bool(json_get(j, "s"), true));
    ck_assert_double_eq(json_double(json_get(j, "s"), 0.5), 0.5);
    ck_assert_ptr_null(json_str(json_get(j, "r")).p);
    ck_assert_ptr_null(json_get(json_get(j, "s"), "x"));
    ck_assert_ptr_null(json_get(NULL, "x"));
    ck_assert_ptr_null(json_at(j, 0));
    ck_assert_uint_eq(json_len(NULL), 0);
    ck_assert_uint_eq(json_len(json_get(j, "s")), 0);
    json_free(j);
    json_free(NULL);
}
END_TEST

START_TEST(parse_errors_name_their_place)
{
    static const struct {
        const char *text, *place;
    } rows[] = {
        {"", "line 1 column 0: "},
        {"{\n  \"a\": x\n}", "line 2 column 8: "},
        {"{\"a\":1,\"a\":2}", "line 1 column 10: "},
        {"1 2", "line 1 column 3: "},
        {"[99999999999999999999]", "line 1 column 21: "},
        {"[\"\xff\"]", "line 1 column 2: "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err e = {0};
        ck_assert_ptr_null(json_parse(rows[i].text, strlen(rows[i].text), &e));
        ck_assert_int_eq(e.code, ERR_MALFORMED);
        ck_assert_msg(strncmp(e.text, rows[i].place, strlen(rows[i].place)) == 0, "%zu: %s", i,
                      e.text);
    }
    ck_assert_ptr_null(json_parse("[", 1, NULL));
}
END_TEST

static int join(void *ctx, const char *key, const struct json *v)
{
    (void)v;
    strcat(ctx, key);
    return strcmp(key, "stop") == 0 ? 5 : 0;
}

START_TEST(objects_keep_their_order)
{
    char keys[64] = "";
    struct json *j = parsed("{\"c\":1,\"a\":2,\"b\":3}");
    json_set_int(j, "0", 4);
    ck_assert_int_eq(json_each(j, join, keys), 0);
    ck_assert_str_eq(keys, "cab0");
    json_set_int(j, "stop", 5);
    json_set_int(j, "after", 6);
    keys[0] = 0;
    ck_assert_int_eq(json_each(j, join, keys), 5);
    ck_assert_str_eq(keys, "cab0stop");
    json_free(j);
}
END_TEST

/* A builder that ran out of memory gives NULL. The document must not look whole then. */
START_TEST(a_hole_is_reported)
{
    struct json *j = json_new_object(), *a = json_new_array();
    json_set(j, "a", a);
    json_set(NULL, "k", json_new_str(span_str("freed")));
    json_push(NULL, json_new_array());
    json_push_text(NULL, "freed");
    expect_text(parsed("{}"), 0, "{}");
    json_push(a, NULL);
    json_push(a, NULL);
    ck_assert_ptr_null(json_text(j, 0));
    ck_assert_int_eq(json_write(j, stdout, 0), -ENOMEM);
    json_set(j, "b", NULL);
    ck_assert_ptr_null(json_text(j, 0));
    json_free(j); /* a leak checker watches */
    ck_assert_int_eq(json_write(NULL, stdout, 0), -ENOMEM);
}
END_TEST

START_TEST(a_full_disk_is_reported)
{
    FILE *f = fopen("/dev/full", "w");
    if (!f)
        return;
    setbuf(f, NULL);
    struct json *j = parsed("[1,2]");
    ck_assert_int_eq(json_write(j, f, 0), -ENOSPC);
    json_free(j);
    fclose(f);
}
END_TEST

START_TEST(a_stream_gets_the_text)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    struct json *j = parsed("{\"a\":[1,2]}");
    ck_assert_ok(json_write(j, f, 0));
    fclose(f);
    ck_assert_str_eq(text, "{\"a\":[1,2]}");
    free(text);
    json_free(j);
}
END_TEST

START_TEST(a_copy_is_its_own)
{
    struct json *a = parsed("{\"a\":[1,null,\"x\"]}"), *b = json_clone(a);
    json_set_int(a, "b", 2);
    json_free(a);
    char *text = json_text(b, 0);
    ck_assert_str_eq(text, "{\"a\":[1,null,\"x\"]}");
    free(text);
    json_free(b);
    ck_assert_ptr_null(json_clone(NULL));
}
END_TEST

START_TEST(documents_may_stand_in_a_row)
{
    static const char text[] = " {\"a\":1}\n[2]{} 3 x";
    static const size_t lengths[] = {8, 4, 2, 2};
    struct err e;
    size_t at = 0, used;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct json *j = json_parse_first(text + at, sizeof text - 1 - at, &used, &e);
        ck_assert_msg(j != NULL, "%s", e.text);
        ck_assert_uint_eq(used, lengths[i]);
        json_free(j);
        at += used;
    }
    ck_assert_ptr_null(json_parse_first(text + at, sizeof text - 1 - at, &used, &e));
    ck_assert_int_eq(e.code, ERR_MALFORMED);
    ck_assert_ptr_null(json_parse("{} {}", 5, &e));
}
END_TEST

UNIT_MAIN(values_are_written, bad_utf8_is_replaced, what_is_written_is_read,
          what_is_missing_has_a_default, parse_errors_name_their_place, objects_keep_their_order,
          a_hole_is_reported, a_full_disk_is_reported, a_stream_gets_the_text, a_copy_is_its_own,
          documents_may_stand_in_a_row)

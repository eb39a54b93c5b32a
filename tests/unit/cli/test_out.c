#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "cli/out.h"

static const struct out_column columns[] = {
    {"name", OUT_STR},
    {"leader_epoch", OUT_INT},
    {"replicas", OUT_VALUE},
    {"note", OUT_STR, .data_only = true},
};

/* Where a test writes to, and what is there when it is closed. */
static char *text;
static size_t size;

static FILE *sink(void)
{
    free(text);
    text = NULL;
    FILE *f = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(f);
    return f;
}

static void row(struct out *o, const char *name, int64_t epoch, const char *note)
{
    struct json *replicas = json_new_array();
    json_push(replicas, json_new_int(1));
    json_push(replicas, json_new_int(2));
    out_str(o, name);
    out_int(o, epoch);
    out_value(o, replicas);
    out_str(o, note);
    ck_assert_ok(out_row(o));
}

/* Two rows that try the format. */
static const char *written(enum out_format format, bool header)
{
    FILE *f = sink();
    struct out *o = out_new(f, format, header, OUT_COLUMNS(columns));
    row(o, "a\"b,c", INT64_MAX, NULL);
    row(o, "", -1, "x\ny");
    ck_assert_ok(out_free(o));
    fclose(f);
    return text;
}

static const char *empty(enum out_format format)
{
    FILE *f = sink();
    ck_assert_ok(out_free(out_new(f, format, true, OUT_COLUMNS(columns))));
    fclose(f);
    return text;
}

START_TEST(text_is_an_aligned_table)
{
    ck_assert_str_eq(written(OUT_TEXT, true), "NAME          LEADER-EPOCH  REPLICAS\n"
                                              "a\"b,c  9223372036854775807  1,2\n"
                                              "\"\"                      -1  1,2\n");
    ck_assert_str_eq(written(OUT_TEXT, false), "a\"b,c  9223372036854775807  1,2\n"
                                               "\"\"                      -1  1,2\n");
    ck_assert_str_eq(empty(OUT_TEXT), "");
}
END_TEST

START_TEST(json_is_one_document)
{
    ck_assert_str_eq(
        written(OUT_JSON, true),
        "[\n"
        "  {\"name\":\"a\\\"b,c\",\"leader_epoch\":9223372036854775807,\"replicas\":[1,2],"
        "\"note\":null},\n"
        "  {\"name\":\"\",\"leader_epoch\":-1,\"replicas\":[1,2],\"note\":\"x\\ny\"}\n"
        "]\n");
    struct err e;
    struct json *j = json_parse(text, size, &e);
    ck_assert_ptr_nonnull(j);
    ck_assert_int_eq(json_int(json_get(json_at(j, 0), "leader_epoch"), 0), INT64_MAX);
    json_free(j);
    ck_assert_str_eq(empty(OUT_JSON), "[]\n");
}
END_TEST

START_TEST(jsonl_is_an_object_a_line)
{
    ck_assert_str_eq(
        written(OUT_JSONL, true),
        "{\"name\":\"a\\\"b,c\",\"leader_epoch\":9223372036854775807,\"replicas\":[1,2],"
        "\"note\":null}\n"
        "{\"name\":\"\",\"leader_epoch\":-1,\"replicas\":[1,2],\"note\":\"x\\ny\"}\n");
    ck_assert_str_eq(empty(OUT_JSONL), "");
}
END_TEST

START_TEST(csv_quotes_what_it_must)
{
    ck_assert_str_eq(written(OUT_CSV, true), "name,leader_epoch,replicas,note\n"
                                             "\"a\"\"b,c\",9223372036854775807,\"1,2\",\n"
                                             "\"\",-1,\"1,2\",\"x\ny\"\n");
    ck_assert_str_eq(empty(OUT_CSV), "name,leader_epoch,replicas,note\n");
}
END_TEST

START_TEST(names_are_the_first_column)
{
    ck_assert_str_eq(written(OUT_NAMES, true), "a\"b,c\n\n");
    ck_assert_str_eq(empty(OUT_NAMES), "");
}
END_TEST

START_TEST(text_cannot_leave_its_line_or_reach_the_terminal)
{
    static const struct out_column one[] = {{"v", OUT_STR}};
    FILE *f = sink();
    struct out *o = out_new(f, OUT_TEXT, false, OUT_COLUMNS(one));
    out_span(o, span_of("a\nb\x1b[1m\xff\xc2\x9b\xc3\xa4", 12));
    out_row(o);
    out_free(o);
    fclose(f);
    ck_assert_str_eq(text, "a\\nb\\x1b[1m\\xff\\xc2\\x9b\xc3\xa4\n");
}
END_TEST

START_TEST(widths_given_let_rows_leave_at_once)
{
    static const struct out_column fixed[] = {{"n", OUT_INT, 4}, {"s", OUT_STR, 3}};
    FILE *f = sink();
    struct out *o = out_new(f, OUT_TEXT, true, OUT_COLUMNS(fixed));
    for (int i = 0; i < 2; i++) {
        out_int(o, i);
        out_str(o, "ab");
        out_row(o);
        fflush(f);
        ck_assert_uint_eq(size, 8 + 9 * (size_t)(i + 1));
    }
    out_free(o);
    fclose(f);
    ck_assert_str_eq(text, "   N  S\n   0  ab\n   1  ab\n");
}
END_TEST

START_TEST(measuring_holds_a_bounded_number_of_rows)
{
    static const struct out_column one[] = {{"n", OUT_INT}};
    FILE *f = sink();
    struct out *o = out_new(f, OUT_TEXT, false, OUT_COLUMNS(one));
    for (int i = 0; i < OUT_MEASURED; i++) {
        fflush(f);
        ck_assert_uint_eq(size, 0);
        out_int(o, i);
        out_row(o);
    }
    fflush(f);
    ck_assert_uint_eq(size, 4 * OUT_MEASURED);
    out_int(o, 12345);
    out_row(o);
    ck_assert_ok(out_flush(o));
    ck_assert_str_eq(text + 4 * OUT_MEASURED, "12345\n");
    out_free(o);
    fclose(f);
}
END_TEST

START_TEST(bytes_that_are_not_utf8_are_replaced_in_json)
{
    static const struct {
        const char *in;
        bool valid;
        const char *out;
    } cases[] = {
        {"plain", true, "\"plain\""},
        {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", true, "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\""},
        {"\x01\x7f", true, "\"\\u0001\\u007f\""},
        {"\xff"
         "a",
         false, "\"\\ufffda\""},
        {"\xc0\x80", false, "\"\\ufffd\\ufffd\""},            /* over-long */
        {"\xed\xa0\x80", false, "\"\\ufffd\\ufffd\\ufffd\""}, /* surrogate */
        {"\xe2\x82", false, "\"\\ufffd\\ufffd\""},            /* cut off */
        {"\xf4\x90\x80\x80", false, "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(out_is_utf8(span_str(cases[i].in)), cases[i].valid);
        FILE *f = sink();
        out_json_string(f, span_str(cases[i].in));
        fclose(f);
        ck_assert_str_eq(text, cases[i].out);
    }
}
END_TEST

START_TEST(reals_come_back_as_they_were)
{
    static const struct out_column one[] = {{"v", OUT_REAL}};
    FILE *f = sink();
    struct out *o = out_new(f, OUT_JSONL, false, OUT_COLUMNS(one));
    out_real(o, 0.1);
    out_row(o);
    out_real(o, 1.0 / 3);
    out_row(o);
    out_real(o, 1.0 / 0.0);
    out_row(o);
    out_free(o);
    fclose(f);
    ck_assert_str_eq(text, "{\"v\":0.1}\n{\"v\":0.33333333333333331}\n{\"v\":null}\n");
}
END_TEST

static struct json *document(void)
{
    struct json *j = json_new_object(), *list = json_new_array();
    json_push(list, json_new_str(span_str("x")));
    json_push(list, json_new_str(span_str("y")));
    json_set_str(j, "cluster_id", "abc");
    json_set_int(j, "index", 12);
    json_set(j, "voters", list);
    return j;
}

START_TEST(a_single_document_has_every_form)
{
    static const struct {
        enum out_format format;
        const char *out;
    } cases[] = {
        {OUT_TEXT, "CLUSTER-ID  abc\nINDEX       12\nVOTERS      x,y\n"},
        {OUT_CSV, "cluster_id,index,voters\nabc,12,\"x,y\"\n"},
        {OUT_JSONL, "{\"cluster_id\":\"abc\",\"index\":12,\"voters\":[\"x\",\"y\"]}\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        FILE *f = sink();
        ck_assert_ok(out_single(f, cases[i].format, true, document()));
        fclose(f);
        ck_assert_str_eq(text, cases[i].out);
    }
}
END_TEST

START_TEST(documents_make_one_array)
{
    FILE *f = sink();
    struct out *o = out_new(f, OUT_JSON, true, NULL, 0);
    ck_assert_ok(out_document(o, document()));
    ck_assert_ok(out_document(o, document()));
    ck_assert_ok(out_free(o));
    fclose(f);
    struct err e;
    struct json *j = json_parse(text, size, &e);
    ck_assert_ptr_nonnull(j);
    ck_assert_uint_eq(json_len(j), 2);
    json_free(j);
}
END_TEST

START_TEST(a_full_disk_is_noticed)
{
    static const struct out_column one[] = {{"v", OUT_STR}};
    FILE *f = fopen("/dev/full", "w");
    ck_assert_ptr_nonnull(f);
    struct out *o = out_new(f, OUT_JSONL, false, OUT_COLUMNS(one));
    int rc = 0;
    for (int i = 0; i < 100000 && !rc; i++) {
        out_str(o, "some text");
        rc = out_row(o);
    }
    ck_assert_int_lt(rc, 0);
    ck_assert_int_lt(out_free(o), 0);
    fclose(f);
}
END_TEST

UNIT_MAIN(text_is_an_aligned_table, json_is_one_document, jsonl_is_an_object_a_line,
          csv_quotes_what_it_must, names_are_the_first_column,
          text_cannot_leave_its_line_or_reach_the_terminal, widths_given_let_rows_leave_at_once,
          measuring_holds_a_bounded_number_of_rows, bytes_that_are_not_utf8_are_replaced_in_json,
          reals_come_back_as_they_were, a_single_document_has_every_form, documents_make_one_array,
          a_full_disk_is_noticed)

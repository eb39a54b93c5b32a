#include "base/setting.h"
#include "tests/unit/unit.h"

static struct err e;

struct values {
    bool flag;
    int32_t small, word;
    int64_t large;
    double ratio;
    uint32_t words;
};

#define AT(field) offsetof(struct values, field)
static const struct setting rows[] = {
    {"flag", SETTING_BOOL, "true", 0, 1, "", "A flag.", AT(flag)},
    {"small", SETTING_INT, "5", -1, INT32_MAX, "", "A number.", AT(small)},
    {"large", SETTING_LONG, "5", 1, INT64_MAX, "", "A number.", AT(large)},
    {"ratio", SETTING_RATIO, "0.5", 0, 1, "", "A share.", AT(ratio)},
    {"word", SETTING_CHOICE, "b", 0, 0, "a|b|bc", "A word.", AT(word)},
    {"words", SETTING_LIST, "a", 0, 0, "a|b|bc", "Words.", AT(words)},
    {"text", SETTING_STRING, "x", 0, 0, "", "A text.", 0},
};
enum { ROWS = sizeof rows / sizeof *rows };

static const struct setting *row(const char *name)
{
    return setting_find(rows, ROWS, span_str(name));
}

/* What a text becomes; "refused" if it does not pass. */
static const char *becomes(const char *name, const char *text)
{
    static char out[SETTING_TEXT_MAX];
    union setting_value v;
    int rc = setting_parse(row(name), span_str(text), &v, &e);
    if (rc) {
        ck_assert_int_eq(rc, ERR_INVALID);
        ck_assert_int_eq(strncmp(e.text, name, strlen(name)), 0);
        return "refused";
    }
    setting_value_text(row(name), v, out, sizeof out);
    return out;
}

START_TEST(texts_are_parsed_as_kafka_parses_them)
{
    static const char *const cases[][3] = {
        {"flag", "true", "true"},
        {"flag", "FALSE", "false"},
        {"flag", "1", "refused"},
        {"flag", "truex", "refused"},
        {"small", " 7\t", "7"},
        {"small", "-1", "-1"},
        {"small", "-2", "refused"},
        {"small", "2147483647", "2147483647"},
        {"small", "2147483648", "refused"},
        {"small", "", "refused"},
        {"small", "-", "refused"},
        {"small", "+1", "refused"},
        {"small", "1 1", "refused"},
        {"small", "0x10", "refused"},
        {"small", "1.0", "refused"},
        {"large", "9223372036854775807", "9223372036854775807"},
        {"large", "9223372036854775808", "refused"},
        {"large", "0", "refused"},
        {"ratio", "0.25", "0.25"},
        {"ratio", ".5", "0.5"},
        {"ratio", "1", "1.0"},
        {"ratio", "1e-3", "0.001"},
        {"ratio", "0.1", "0.1"},
        {"ratio", "1.0001", "refused"},
        {"ratio", "-0.1", "refused"},
        {"ratio", "nan", "refused"},
        {"ratio", "inf", "refused"},
        {"ratio", ".", "refused"},
        {"word", "b", "b"},
        {"word", " bc", "bc"},
        {"word", "B", "refused"},
        {"word", "a|b", "refused"},
        {"word", "", "refused"},
        {"words", "bc,a", "a,bc"},
        {"words", " a , b ", "a,b"},
        {"words", "a,a", "a"},
        {"words", "", ""},
        {"words", "a,", "refused"},
        {"words", ",a", "refused"},
        {"words", "a,d", "refused"},
        {"text", " x y ", "x y"},
        {"text", "", ""},
        {"text", "a\nb", "refused"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = becomes(cases[i][0], cases[i][1]);
        ck_assert_msg(strcmp(got, cases[i][2]) == 0, "%s '%s': %s", cases[i][0], cases[i][1], got);
    }
}
END_TEST

START_TEST(values_are_stored_in_their_fields)
{
    struct values v = {0};
    for (size_t i = 0; i + 1 < ROWS; i++) { /* all but the text */
        union setting_value value;
        char text[SETTING_TEXT_MAX];
        ck_assert_ok(setting_parse(&rows[i], span_str(rows[i].dflt), &value, &e));
        setting_store(&rows[i], &v, value);
        setting_text(&rows[i], &v, text, sizeof text);
        ck_assert_str_eq(text, rows[i].dflt);
    }
    ck_assert(v.flag);
    ck_assert_int_eq(v.small, 5);
    ck_assert_int_eq(v.large, 5);
    ck_assert(v.ratio == 0.5);
    ck_assert_int_eq(v.word, 1);
    ck_assert_uint_eq(v.words, 1);
}
END_TEST

START_TEST(messages_hold_no_control_characters_and_end)
{
    char text[2000];
    memset(text, '\n', sizeof text - 1);
    text[0] = text[sizeof text - 2] = 'x'; /* no blanks to be trimmed */
    text[sizeof text - 1] = 0;
    ck_assert_str_eq(becomes("word", text), "refused");
    ck_assert_ptr_null(strchr(e.text, '\n'));
    ck_assert_ptr_nonnull(strstr(e.text, "???...' is none of a|b|bc"));
}
END_TEST

START_TEST(a_zero_byte_ends_no_number)
{
    ck_assert_int_eq(setting_check(row("small"), span_of("5\0006", 3), &e), ERR_INVALID);
    ck_assert_int_eq(setting_check(row("ratio"), span_of("0\0", 2), &e), ERR_INVALID);
    ck_assert_int_eq(setting_check(row("text"), span_of("a\0b", 3), &e), ERR_INVALID);
}
END_TEST

START_TEST(unknown_names_are_not_found)
{
    ck_assert_ptr_null(setting_find(rows, ROWS, span_str("smal")));
    ck_assert_ptr_null(setting_find(rows, ROWS, span_of(NULL, 0)));
}
END_TEST

UNIT_MAIN(texts_are_parsed_as_kafka_parses_them, values_are_stored_in_their_fields,
          messages_hold_no_control_characters_and_end, a_zero_byte_ends_no_number,
          unknown_names_are_not_found)

/* Commands as bytes: what is written, what is read, and what no program may follow. */
#include "meta/command.h"
#include "tests/unit/meta/kit.h"

static const struct {
    enum meta_command_type type;
    const struct kp_schema *schema;
} all[] = {
#define META_COMMAND(name, number, schema, sentence) {META_##name, &meta_##schema##_schema},
#include "meta/command.def"
#undef META_COMMAND
};
enum { ALL = sizeof all / sizeof *all };

/* A TOPIC_DELETE in bytes; the layout is part of the format. */
static const uint8_t delete_1[] = {0,    2,                                           /* type */
                                   0,    0,                                           /* version */
                                   0xc1, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, /* topic id */
                                   0};                                                /* no tags */

START_TEST(the_bytes_are_fixed)
{
    struct meta_topic_delete d = {kit_id(1)};
    struct wr w;
    wr_init(&w, 0);
    meta_command_encode(META_TOPIC_DELETE, &d, &w);
    ck_assert_bytes_eq(w.buf, w.len, delete_1, sizeof delete_1);
    wr_free(&w);
}
END_TEST

START_TEST(every_command_round_trips)
{
    struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ALL; i++) {
        for (uint64_t seed = 0; seed < 50; seed++) {
            void *msg = arena_alloc(&a, kp_sizeof(all[i].schema));
            struct command c;
            struct wr w;
            ck_assert_ok(kp_random(all[i].schema, 0, seed, &a, msg));
            wr_init(&w, 0);
            meta_command_encode(all[i].type, msg, &w);
            ck_assert_ok(w.err);
            ck_assert_ok(command_decode(span_of(w.buf, w.len), &a, &c, NULL));
            ck_assert_int_eq(c.type, all[i].type);
            ck_assert(kp_equal(all[i].schema, 0, msg, c.msg));
            wr_free(&w);
        }
        arena_reset(&a);
    }
    arena_free(&a);
}
END_TEST

/* meta_apply of damaged bytes: they are refused or have some effect, but nothing is read outside
 * them (the sanitizers say so) and the image before stays. */
static int try_apply(const struct meta_image *m, const uint8_t *bytes, size_t n)
{
    struct meta_image *next = NULL;
    struct meta_result res;
    struct err e = {0, ""};
    uint8_t *copy = malloc(n ? n : 1); /* so that its end is the end of an allocation */
    memcpy(copy, bytes, n);
    int rc = meta_apply(m, meta_index(m) + 1, KIT_TERM, span_of(copy, n), &next, &res, &e);
    free(copy);
    if (rc < 0) {
        ck_assert_int_ne(e.text[0], 0);
        ck_assert_ptr_null(next);
    } else {
        meta_image_unref(next);
    }
    return rc;
}

START_TEST(damaged_commands)
{
    struct meta_image *m = kit_full();
    struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ALL; i++) {
        void *msg = arena_alloc(&a, kp_sizeof(all[i].schema));
        struct wr w;
        ck_assert_ok(kp_random(all[i].schema, 0, 7, &a, msg));
        wr_init(&w, 0);
        meta_command_encode(all[i].type, msg, &w);
        for (size_t n = 0; n < w.len; n++)
            ck_assert_int_eq(try_apply(m, w.buf, n), ERR_MALFORMED);
        for (size_t bit = 0; bit < 8 * w.len; bit++) {
            w.buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
            try_apply(m, w.buf, w.len);
            w.buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        wr_u8(&w, 0);
        ck_assert_int_eq(try_apply(m, w.buf, w.len), ERR_MALFORMED);
        wr_free(&w);
    }
    arena_free(&a);
    meta_image_unref(m);
}
END_TEST

START_TEST(unknown_types_and_versions_stop)
{
    struct meta_image *m = kit_full();
    uint8_t bytes[sizeof delete_1];
    memcpy(bytes, delete_1, sizeof bytes);
    bytes[1] = 99;
    ck_assert_int_eq(try_apply(m, bytes, sizeof bytes), ERR_UNSUPPORTED);
    bytes[1] = 0;
    ck_assert_int_eq(try_apply(m, bytes, sizeof bytes), ERR_UNSUPPORTED);
    bytes[0] = 0xff;
    bytes[1] = 0xff;
    ck_assert_int_eq(try_apply(m, bytes, sizeof bytes), ERR_UNSUPPORTED);
    memcpy(bytes, delete_1, sizeof bytes);
    bytes[3] = 1;
    ck_assert_int_eq(try_apply(m, bytes, sizeof bytes), ERR_UNSUPPORTED);
    bytes[2] = 0xff;
    bytes[3] = 0xff;
    ck_assert_int_eq(try_apply(m, bytes, sizeof bytes), ERR_UNSUPPORTED);
    meta_image_unref(m);
}
END_TEST

START_TEST(a_lying_count_takes_no_memory)
{
    /* A CONFIG_SET that says it has 2^28 settings. */
    static const uint8_t lie[] = {0, 4, 0, 0, 4, 0, 0, 0, 0, 0, 0,    0,    0,    0,    0,
                                  0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x81, 0x80, 0x80, 0x80, 0x01};
    struct meta_image *m = kit_full();
    ck_assert_int_eq(try_apply(m, lie, sizeof lie), ERR_MALFORMED);
    meta_image_unref(m);
}
END_TEST

START_TEST(json_has_name_and_fields)
{
    struct json *j = meta_command_json(span_of(delete_1, sizeof delete_1));
    char *text = json_text(j, 0), want[128], id[UUID_TEXT];
    struct uuid u = kit_id(1);
    uuid_text(&u, id);
    snprintf(want, sizeof want, "{\"command\":\"topic_delete\",\"topic_id\":\"%s\"}", id);
    ck_assert_str_eq(text, want);
    free(text);
    json_free(j);
    ck_assert_ptr_null(meta_command_json(span_of(delete_1, 3)));
    ck_assert_ptr_null(meta_command_json(span_of(delete_1, sizeof delete_1 - 1)));
}
END_TEST

START_TEST(names)
{
    ck_assert_str_eq(meta_command_name(META_TOPIC_CREATE), "topic_create");
    ck_assert_str_eq(meta_command_name(META_NODE_REGISTER), "node_register");
    ck_assert_str_eq(meta_command_name(0), "?");
}
END_TEST

UNIT_MAIN(the_bytes_are_fixed, every_command_round_trips, damaged_commands,
          unknown_types_and_versions_stop, a_lying_count_takes_no_memory, json_has_name_and_fields,
          names)

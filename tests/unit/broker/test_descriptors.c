/* Descriptors are shared out between the broker itself, connections and partition logs. */
#include "broker/descriptors.h"
#include "tests/unit/unit.h"

static struct settings s;
static struct err err;
static uint32_t n;

static void begin(const char *max_connections)
{
    ck_assert_ok(settings_init(&s));
    if (max_connections)
        ck_assert_ok(
            settings_set(&s, "max.connections", span_str(max_connections), SETTING_ARGUMENT, &err));
    ck_assert_ok(settings_set(&s, "num.network.threads", span_str("2"), SETTING_ARGUMENT, &err));
    ck_assert_ok(settings_resolve(&s, &err));
}

START_TEST(with_enough_all_connections_are_allowed)
{
    begin("500");
    ck_assert_ok(descriptors_divide(&s, 1 << 20, &n, &err));
    ck_assert_uint_ge(n, 500);
    settings_release(&s);
}
END_TEST

START_TEST(a_default_gives_way_and_leaves_some_to_logs)
{
    begin(NULL);
    ck_assert_ok(descriptors_divide(&s, 1024, &n, &err));
    ck_assert_uint_gt(n, 700);
    ck_assert_uint_lt(n, 800);
    ck_assert_ok(descriptors_divide(&s, UINT64_MAX, &n, &err));
    ck_assert_uint_ge(n, 10000);
    settings_release(&s);
}
END_TEST

START_TEST(what_was_asked_for_and_cannot_be_is_refused)
{
    begin("2000");
    ck_assert_int_eq(descriptors_divide(&s, 1024, &n, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.text, "max.connections"));
    ck_assert_ptr_nonnull(strstr(err.text, "1024"));
    settings_release(&s);
}
END_TEST

START_TEST(too_few_for_anything_is_refused)
{
    begin(NULL);
    ck_assert_int_eq(descriptors_divide(&s, 40, &n, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.text, "RLIMIT_NOFILE is 40"));
    settings_release(&s);
}
END_TEST

UNIT_MAIN(with_enough_all_connections_are_allowed, a_default_gives_way_and_leaves_some_to_logs,
          what_was_asked_for_and_cannot_be_is_refused, too_few_for_anything_is_refused)

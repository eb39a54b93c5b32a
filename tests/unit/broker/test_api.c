/* The table of APIs against the protocol's own, and against what is known to break clients. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/api.h"
#include "broker/api_man.h"
#include "broker/stats.h"
#include "tests/unit/unit.h"

START_TEST(rows_are_whole)
{
    size_t n;
    const struct api *all = api_all(&n);
    ck_assert_uint_gt(n, 10);
    for (size_t i = 0; i < n; i++) {
        const struct api *a = &all[i];
        ck_assert_ptr_nonnull(a->kp);
        ck_assert_ptr_nonnull(a->handle);
        ck_assert_int_eq(a->kp->key, a->key);
        ck_assert_int_lt(a->key, STATS_APIS);
        ck_assert_ptr_eq(api_find(a->key), a);
        ck_assert_msg(a->kp->min <= a->min && a->min <= a->max && a->max <= a->kp->max,
                      "%s is served outside its schema", a->kp->name);
    }
}
END_TEST

START_TEST(what_is_advertised_is_served)
{
    size_t n;
    const struct api *all = api_all(&n);
    for (size_t i = 0; i < n; i++) {
        const struct api *a = &all[i];
        ck_assert_int_eq(a->advertised_max, a->max);
        if (a->key != KP_PRODUCE)
            ck_assert_int_eq(a->advertised_min, a->min);
    }
}
END_TEST

/* librdkafka before 2.11.1 decides by these exact versions whether to compress, to ask for times...
 */
START_TEST(versions_that_old_clients_look_for_are_advertised)
{
    static const struct {
        int16_t key, version;
    } wanted[] = {
        {KP_PRODUCE, 0},      {KP_PRODUCE, 3},      {KP_PRODUCE, 7},
        {KP_FETCH, 4},        {KP_FETCH, 10},       {KP_METADATA, 0},
        {KP_LIST_OFFSETS, 1}, {KP_API_VERSIONS, 0}, {KP_INIT_PRODUCER_ID, 0},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        const struct api *a = api_find(wanted[i].key);
        ck_assert_ptr_nonnull(a);
        ck_assert_int_le(a->advertised_min, wanted[i].version);
        ck_assert_int_ge(a->advertised_max, wanted[i].version);
    }
}
END_TEST

/* What chronikd(8) says is the table itself; nothing of it is written by hand. */
START_TEST(the_man_page_lists_what_is_served)
{
    char *page = NULL;
    size_t size = 0, n;
    FILE *out = open_memstream(&page, &size);
    ck_assert_ptr_nonnull(out);
    api_man(out);
    ck_assert_int_eq(fclose(out), 0);
    const struct api *all = api_all(&n);
    for (size_t i = 0; i < n; i++) {
        char row[100];
        snprintf(row, sizeof row, "\n%s\t%d\t%d", all[i].kp->name, all[i].key, all[i].min);
        if (all[i].max > all[i].min)
            snprintf(row + strlen(row), sizeof row - strlen(row), " to %d", all[i].max);
        strcat(row, "\n");
        ck_assert_msg(strstr(page, row), "the page has no row %s", row);
    }
    ck_assert_ptr_nonnull(strstr(page, "\nProduce\t0\t3 to "));
    ck_assert_ptr_nonnull(strstr(page, "\nOffsetDelete\t47\t0\n"));
    ck_assert_ptr_nonnull(strstr(page, "\nOf Produce, 0 to 2 are advertised"));
    free(page);
}
END_TEST

START_TEST(nothing_that_breaks_clients_is_offered)
{
    ck_assert_ptr_null(api_find(71)); /* telemetry: kills the Java consumer */
    ck_assert_ptr_null(api_find(72));
    ck_assert_ptr_null(api_find(4)); /* between brokers */
    ck_assert_ptr_null(api_find(-1));
    ck_assert_ptr_null(api_find(INT16_MAX));
}
END_TEST

UNIT_MAIN(rows_are_whole, what_is_advertised_is_served,
          versions_that_old_clients_look_for_are_advertised, the_man_page_lists_what_is_served,
          nothing_that_breaks_clients_is_offered)

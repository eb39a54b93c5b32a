#include <stddef.h>

#include "loop/mailbox.h"
#include "tests/unit/unit.h"

static struct mailbox box;
static struct loop_msg *ran[8];
static int n_ran;

static void on_msg(struct loop_msg *m)
{
    ran[n_ran++] = m;
}

START_TEST(only_the_first_of_a_burst_wakes_the_loop)
{
    struct loop_msg m[3] = {{.run = on_msg}, {.run = on_msg}, {.run = on_msg}};
    ck_assert(mailbox_push(&box, &m[0]));
    ck_assert(!mailbox_push(&box, &m[1]));
    ck_assert(!mailbox_push(&box, &m[2]));
    ck_assert_int_eq(mailbox_run(&box), 3);
    ck_assert(mailbox_push(&box, &m[1])); /* a new burst */
    ck_assert_int_eq(mailbox_run(&box), 1);
    ck_assert_int_eq(mailbox_run(&box), 0);
    struct loop_msg *want[] = {&m[0], &m[1], &m[2], &m[1]};
    ck_assert_int_eq(n_ran, 4);
    ck_assert_mem_eq(ran, want, sizeof want);
}
END_TEST

UNIT_MAIN(only_the_first_of_a_burst_wakes_the_loop)

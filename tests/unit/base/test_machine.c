#include "base/machine.h"

#include <sched.h>
#include <sys/sysinfo.h>

#include "tests/unit/unit.h"

/* The test has a process of its own. */
START_TEST(processors_are_those_it_may_use)
{
    cpu_set_t all, one;
    ck_assert_int_eq(sched_getaffinity(0, sizeof all, &all), 0);
    ck_assert_int_eq(machine_processors(), CPU_COUNT(&all));
    CPU_ZERO(&one);
    for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &all))
            CPU_SET(i, &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    ck_assert_int_eq(machine_processors(), 1);
}
END_TEST

START_TEST(memory_is_in_bytes)
{
    struct sysinfo i;
    ck_assert_int_eq(sysinfo(&i), 0);
    ck_assert_uint_eq(machine_memory(), (uint64_t)i.totalram * i.mem_unit);
}
END_TEST

UNIT_MAIN(processors_are_those_it_may_use, memory_is_in_bytes)

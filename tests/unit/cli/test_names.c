#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/names.h"

/* Make text the standard input of this test's process. */
static void give_input(const char *text, size_t n)
{
    const char *path = unit_path(unit_dir(), "stdin");
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(text, 1, n, f), n);
    fclose(f);
    ck_assert_ptr_nonnull(freopen(path, "r", stdin));
}

static int read_names(struct names *n, char **operands, size_t count, struct err *e)
{
    struct opt_args args = {.operands = operands, .n = count};
    return names_read(n, &args, e);
}

START_TEST(operands_and_lines_are_joined_once_each)
{
    struct names n;
    struct err e;
    char *operands[] = {"b", "-", "a", "b"};
    give_input("c\n\na\nlast", 9);
    ck_assert_ok(read_names(&n, operands, 4, &e));
    static const char *const want[] = {"b", "c", "a", "last"};
    ck_assert_uint_eq(n.n, 4);
    for (size_t i = 0; i < 4; i++)
        ck_assert_str_eq(n.v[i], want[i]);
    names_release(&n);
}
END_TEST

START_TEST(no_operand_reads_lines)
{
    struct names n;
    struct err e;
    give_input("x\n", 2);
    ck_assert_ok(read_names(&n, NULL, 0, &e));
    ck_assert_uint_eq(n.n, 1);
    names_release(&n);
    give_input("", 0);
    ck_assert_ok(read_names(&n, NULL, 0, &e));
    ck_assert_uint_eq(n.n, 0);
    names_release(&n);
}
END_TEST

START_TEST(what_is_no_list_of_names_is_refused)
{
    struct names n;
    struct err e;
    give_input("a\0b\n", 4);
    ck_assert_int_eq(read_names(&n, NULL, 0, &e), ERR_MALFORMED);
    names_release(&n);
    static char line[NAME_LENGTH_MAX + 2];
    memset(line, 'x', sizeof line);
    give_input(line, sizeof line);
    ck_assert_int_eq(read_names(&n, NULL, 0, &e), ERR_TOOBIG);
    names_release(&n);
}
END_TEST

UNIT_MAIN(operands_and_lines_are_joined_once_each, no_operand_reads_lines,
          what_is_no_list_of_names_is_refused)

#include "tests/unit/unit.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/io.h"

/* Made by the parent before any test runs and removed by it after the last, so that a test that
 * dies leaves nothing behind. */
static char scratch[PATH_MAX];

static int make_scratch(void)
{
    const char *tmp = getenv("TMPDIR");
    int n = snprintf(scratch, sizeof scratch, "%s/chronik-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (n < 0 || (size_t)n >= sizeof scratch || !mkdtemp(scratch)) {
        perror(scratch);
        return -1;
    }
    return 0;
}

/* A case of its own per test, so that CK_RUN_CASE picks single tests. The limit on time is there to
 * end a test that hangs, never to judge one that is slow. */
static void add_test(Suite *s, const TTest *test)
{
    TCase *c = tcase_create(test->name);
    tcase_set_timeout(c, 300);
    tcase_add_test(c, test);
    suite_add_tcase(s, c);
}

int unit_run(const char *file, const TTest *const *tests, size_t n)
{
    const char *slash = strrchr(file, '/');
    Suite *s = suite_create(slash ? slash + 1 : file);
    for (size_t i = 0; i < n; i++)
        add_test(s, tests[i]);
    if (make_scratch())
        return EXIT_FAILURE;
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    int err = io_remove_tree(io_posix(), scratch);
    if (err)
        fprintf(stderr, "%s: %s\n", scratch, err_str(err));
    return failed || err ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Strings of a test are left to the end of its process; this list keeps a leak checker from
 * complaining. */
static struct kept {
    struct kept *next;
    char text[];
} * kept;

const char *unit_path(const char *dir, const char *name)
{
    size_t n = strlen(dir) + strlen(name) + 2;
    struct kept *k = malloc(sizeof *k + n);
    ck_assert_ptr_nonnull(k);
    snprintf(k->text, n, "%s/%s", dir, name);
    k->next = kept;
    kept = k;
    return k->text;
}

const char *unit_dir(void)
{
    char *path = (char *)unit_path(scratch, "XXXXXX");
    ck_assert_msg(mkdtemp(path) != NULL, "cannot make %s", path);
    return path;
}

const char *unit_err(long long code)
{
    return code >= INT_MIN && code <= INT_MAX ? err_str((int)code) : "not a code";
}

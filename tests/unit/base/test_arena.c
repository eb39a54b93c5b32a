#include "base/arena.h"

#include <stdint.h>
#include <string.h>

#include "tests/unit/unit.h"

START_TEST(memory_is_zeroed_aligned_and_apart)
{
    struct arena a;
    uint8_t *p[300];
    arena_init(&a, 0);
    for (int round = 0; round < 2; round++) { /* the second one meets used memory */
        for (size_t i = 0; i < 300; i++) {
            p[i] = arena_alloc(&a, i);
            ck_assert_ptr_nonnull(p[i]);
            ck_assert_uint_eq((uintptr_t)p[i] % _Alignof(max_align_t), 0);
            for (size_t k = 0; k < i; k++)
                ck_assert_uint_eq(p[i][k], 0);
            memset(p[i], (int)i | 1, i);
        }
        for (size_t i = 0; i < 300; i++) {
            for (size_t k = 0; k < i; k++)
                ck_assert_uint_eq(p[i][k], (i | 1) & 255);
        }
        arena_reset(&a);
        ck_assert_uint_eq(a.used, 0);
    }
    arena_free(&a);
}
END_TEST

/* Small and large ones in turn: a large one neither ends the block before it nor is kept. */
START_TEST(large_ones_get_their_own_blocks)
{
    struct arena a;
    arena_init(&a, 0);
    uint8_t *first = arena_alloc(&a, 16), *large = arena_alloc(&a, 1 << 20);
    uint8_t *next = arena_alloc(&a, 16);
    ck_assert_ptr_eq(next, first + 16);
    memset(large, 1, 1 << 20);
    arena_reset(&a);
    ck_assert_ptr_eq(arena_alloc(&a, 16), first);
    arena_free(&a);
    ck_assert_ptr_nonnull(arena_alloc(&a, 1 << 20)); /* first of all */
    arena_reset(&a);
    ck_assert_ptr_null(a.blocks);
    arena_free(&a);
}
END_TEST

START_TEST(the_cap_holds)
{
    struct arena a;
    arena_init(&a, 1000);
    ck_assert_ptr_nonnull(arena_alloc(&a, 600));
    ck_assert_ptr_null(arena_alloc(&a, 600));
    ck_assert_ptr_nonnull(arena_alloc(&a, 300));
    ck_assert_ptr_nonnull(arena_alloc(&a, 0));
    arena_reset(&a);
    ck_assert_ptr_nonnull(arena_alloc(&a, 900));
    arena_free(&a);
    ck_assert_uint_eq(a.cap, 1000);
}
END_TEST

START_TEST(lying_counts_get_nothing)
{
    struct arena a;
    arena_init(&a, 0);
    ck_assert_ptr_null(arena_array(&a, SIZE_MAX / 2, 3));
    ck_assert_ptr_null(arena_alloc(&a, SIZE_MAX));
    ck_assert_ptr_null(arena_alloc(&a, SIZE_MAX - 64));
    ck_assert_ptr_null(arena_strn(&a, "", SIZE_MAX));
    ck_assert_ptr_nonnull(arena_array(&a, 0, 8));
    ck_assert_ptr_nonnull(arena_array(&a, 3, 8));
    arena_free(&a);
}
END_TEST

START_TEST(strings_are_copied)
{
    struct arena a;
    arena_init(&a, 0);
    char text[] = "topic-1";
    char *s = arena_strn(&a, text, 5);
    text[0] = 'x';
    ck_assert_str_eq(s, "topic");
    ck_assert_str_eq(arena_strn(&a, NULL, 0), "");
    ck_assert_str_eq(arena_printf(&a, "%s-%d", s, 12), "topic-12");
    ck_assert_uint_eq(strlen(arena_printf(&a, "%50000d", 1)), 50000);
    arena_free(&a);
}
END_TEST

UNIT_MAIN(memory_is_zeroed_aligned_and_apart, large_ones_get_their_own_blocks, the_cap_holds,
          lying_counts_get_nothing, strings_are_copied)

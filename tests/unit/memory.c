#include "tests/unit/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef __has_feature
#define HAS_FEATURE(x) __has_feature(x)
#else
#define HAS_FEATURE(x) 0
#endif
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__ || \
    HAS_FEATURE(address_sanitizer) || HAS_FEATURE(thread_sanitizer)
#define OWN_ALLOCATOR 1
#else
#define OWN_ALLOCATOR 0
#endif

static unsigned due, in_a_row, failed; /* due 0: none is */

bool memory_may_fail(void)
{
    if (OWN_ALLOCATOR)
        printf("skipped: the sanitizer has an allocator of its own\n");
    return !OWN_ALLOCATOR;
}

void memory_fail(unsigned nth, unsigned times)
{
    due = nth;
    in_a_row = times;
    failed = 0;
}

unsigned memory_failed(void)
{
    return failed;
}

#if !OWN_ALLOCATOR
/* What glibc calls its own. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

static bool fails(void)
{
    if (due == 0)
        return false;
    if (due > 1) {
        due--;
        return false;
    }
    failed++;
    if (failed == in_a_row)
        due = 0;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t n)
{
    return fails() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    return fails() ? NULL : __libc_realloc(p, n);
}

void *aligned_alloc(size_t align, size_t n)
{
    return fails() ? NULL : __libc_memalign(align, n);
}
#endif

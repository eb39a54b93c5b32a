/* preload.c - put in front of the C library by LD_PRELOAD: count allocations, and the bytes that
 * are copied in memory, in the file that $CHRONIK_COUNTERS names.
 *
 * Copies of less than SMALL bytes are not counted: compilers expand many of them in place, some
 * more than others. Records are larger.
 */
#undef _FORTIFY_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "counters.h"

enum { SMALL = 200 };

typedef void *copy_call(void *, const void *, size_t);

static struct counters nowhere, *counters = &nowhere;
static copy_call *libc_memcpy, *libc_memmove;

/* What glibc calls its own, so that nothing has to be looked up before there is memory. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

__attribute__((constructor)) static void prepare(void)
{
    libc_memmove = (copy_call *)dlsym(RTLD_NEXT, "memmove");
    libc_memcpy = (copy_call *)dlsym(RTLD_NEXT, "memcpy");
    const char *name = getenv(COUNTERS_FILE);
    int fd = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *p = mmap(NULL, sizeof *counters, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p != MAP_FAILED)
        counters = p;
    close(fd);
}

static void count(_Atomic uint64_t *what, uint64_t n)
{
    atomic_fetch_add_explicit(what, n, memory_order_relaxed);
}

/* ---- memory */

static void count_allocation(size_t n)
{
    count(&counters->allocations, 1);
    count(&counters->allocated, n);
}

void *malloc(size_t n)
{
    count_allocation(n);
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    count_allocation(n * size);
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    count_allocation(n);
    return __libc_realloc(p, n);
}

void *aligned_alloc(size_t align, size_t n)
{
    count_allocation(n);
    return __libc_memalign(align, n);
}

int posix_memalign(void **p, size_t align, size_t n)
{
    count_allocation(n);
    void *got = __libc_memalign(align, n);
    if (!got)
        return ENOMEM;
    *p = got;
    return 0;
}

/* ---- copies */

static void count_copy(size_t n)
{
    if (n >= SMALL)
        count(&counters->copied, n);
}

/* Until the C library's own are found. */
static void *copy_slowly(void *to, const void *from, size_t n)
{
    char *t = to;
    const char *f = from;
    if (t < f) {
        for (size_t i = 0; i < n; i++)
            t[i] = f[i];
    } else {
        while (n-- > 0)
            t[n] = f[n];
    }
    return to;
}

static void *copy(copy_call *below, void *to, const void *from, size_t n)
{
    count_copy(n);
    return (below ? below : copy_slowly)(to, from, n);
}

void *memcpy(void *to, const void *from, size_t n)
{
    return copy(libc_memcpy, to, from, n);
}

void *memmove(void *to, const void *from, size_t n)
{
    return copy(libc_memmove, to, from, n);
}

/* As hardened programs call them. */
void *__memcpy_chk(void *to, const void *from, size_t n, size_t room);
void *__memmove_chk(void *to, const void *from, size_t n, size_t room);

void *__memcpy_chk(void *to, const void *from, size_t n, size_t room)
{
    if (n > room)
        abort();
    return copy(libc_memcpy, to, from, n);
}

void *__memmove_chk(void *to, const void *from, size_t n, size_t room)
{
    if (n > room)
        abort();
    return copy(libc_memmove, to, from, n);
}

/* arena.h - memory by lifetime: everything allocated for one request is freed at once.
 *
 * cap bounds the sum of all allocations, so that a lying element count in a request cannot take the
 * machine's memory: beyond it arena_alloc gives NULL. Not thread-safe.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena_block;
struct arena {
    struct arena_block *blocks;
    size_t used, cap; /* bytes handed out; 0 cap: no bound */
};

void arena_init(struct arena *a, size_t cap);
/* Zeroed memory, aligned for any type; NULL when out of memory or over the cap. n 0 gives a
 * non-NULL pointer. */
void *arena_alloc(struct arena *a, size_t n);
/* n elements of size bytes, overflow checked. */
void *arena_array(struct arena *a, size_t n, size_t size);
/* A NUL-terminated copy. */
char *arena_strn(struct arena *a, const void *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Free everything but one block of ordinary size, kept for reuse. */
void arena_reset(struct arena *a);
void arena_free(struct arena *a);

#endif

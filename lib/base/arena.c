/* arena.c - blocks in a list; the head is the one that is filled. A request for more than half a
 * block gets one of its own behind the head, so that the head's rest is not lost. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_block {
    struct arena_block *next;
    size_t size, used; /* of data */
    max_align_t data[];
};

enum { ALIGN = _Alignof(max_align_t), BLOCK = 16384 - sizeof(struct arena_block) };

void arena_init(struct arena *a, size_t cap)
{
    *a = (struct arena){.cap = cap};
}

static struct arena_block *block_new(size_t size)
{
    struct arena_block *b;
    if (size > PTRDIFF_MAX - sizeof *b)
        return NULL;
    b = malloc(sizeof *b + size);
    if (b) {
        b->next = NULL;
        b->size = size;
        b->used = 0;
    }
    return b;
}

/* A block with n free bytes, made if the head has fewer. */
static struct arena_block *block_for(struct arena *a, size_t n)
{
    struct arena_block *head = a->blocks;
    if (head && head->size - head->used >= n)
        return head;
    bool own = n > BLOCK / 2;
    struct arena_block *b = block_new(own ? n : BLOCK);
    if (!b)
        return NULL;
    if (own && head) {
        b->next = head->next;
        head->next = b;
    } else {
        b->next = head;
        a->blocks = b;
    }
    return b;
}

void *arena_alloc(struct arena *a, size_t n)
{
    size_t room, total;
    if (__builtin_add_overflow(n, ALIGN - 1, &room))
        return NULL;
    room -= room % ALIGN;
    if (__builtin_add_overflow(a->used, room, &total) || (a->cap && total > a->cap))
        return NULL;
    struct arena_block *b = block_for(a, room);
    if (!b)
        return NULL;
    void *p = (uint8_t *)b->data + b->used;
    b->used += room;
    a->used = total;
    return memset(p, 0, room);
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes))
        return NULL;
    return arena_alloc(a, bytes);
}

char *arena_strn(struct arena *a, const void *s, size_t n)
{
    size_t room;
    if (__builtin_add_overflow(n, 1, &room))
        return NULL;
    char *p = arena_alloc(a, room);
    if (p && n)
        memcpy(p, s, n);
    return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    char *p = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
    if (p)
        vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(ap);
    return p;
}

static void free_list(struct arena_block *b)
{
    while (b) {
        struct arena_block *next = b->next;
        free(b);
        b = next;
    }
}

void arena_reset(struct arena *a)
{
    struct arena_block *head = a->blocks;
    if (head && head->size <= BLOCK) {
        free_list(head->next);
        head->next = NULL;
        head->used = 0;
    } else {
        free_list(head);
        a->blocks = NULL;
    }
    a->used = 0;
}

void arena_free(struct arena *a)
{
    free_list(a->blocks);
    arena_init(a, a->cap);
}

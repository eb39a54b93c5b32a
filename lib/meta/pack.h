/* pack.h - put everything a value points to into one block of memory, behind the value itself.
 *
 * The layout is written once and run twice: with mem NULL it only adds up the size, then it copies.
 * Put what has pointers or int64s in it first, then int32s, then strings: nothing is padded.
 */
#ifndef META_PACK_H
#define META_PACK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct pack {
    uint8_t *mem; /* NULL: measure */
    size_t used;
};

/* Where the copy of n bytes stands; NULL while measuring. */
static inline void *pack_copy(struct pack *k, const void *from, size_t n)
{
    void *to = k->mem ? k->mem + k->used : NULL;
    if (to && n > 0)
        memcpy(to, from, n);
    k->used += n;
    return to;
}

static inline const char *pack_str(struct pack *k, const char *s)
{
    return s ? pack_copy(k, s, strlen(s) + 1) : NULL;
}

#endif

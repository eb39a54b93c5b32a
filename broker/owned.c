#include "broker/owned.h"

#include <stdlib.h>
#include <string.h>

static void *copy(const void *p, int32_t n)
{
    char *mine = malloc((size_t)n + 1);
    if (mine && n)
        memcpy(mine, p, (size_t)n);
    return mine;
}

bool owned_str(struct kp_str *out, struct kp_str s)
{
    *out = kp_str(NULL);
    if (s.n < 0)
        return true;
    out->p = copy(s.p, s.n);
    out->n = out->p ? s.n : -1;
    return out->p != NULL;
}

bool owned_bytes(struct kp_bytes *out, struct kp_bytes b)
{
    *out = (struct kp_bytes){.n = -1};
    if (b.n < 0)
        return true;
    out->p = copy(b.p, b.n);
    out->n = out->p ? b.n : -1;
    return out->p != NULL;
}

void owned_str_free(struct kp_str *s)
{
    free((void *)s->p);
    *s = kp_str(NULL);
}

void owned_bytes_free(struct kp_bytes *b)
{
    free((void *)b->p);
    *b = (struct kp_bytes){.n = -1};
}

int owned_order(struct kp_str a, struct kp_str b)
{
    int32_t n = a.n < b.n ? a.n : b.n;
    int order = n > 0 ? memcmp(a.p, b.p, (size_t)n) : 0;
    if (order)
        return order;
    int32_t x = a.n > 0 ? a.n : 0, y = b.n > 0 ? b.n : 0;
    return (x > y) - (x < y);
}

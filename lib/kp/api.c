/* api.c - the table of APIs, and what a schema says about itself. */
#include <string.h>

#include "kp/schema.h"

const struct kp_api *kp_api(int16_t key)
{
    size_t lo = 0, hi = KP_API_COUNT;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (kp_api_table[mid].key == key)
            return &kp_api_table[mid];
        if (kp_api_table[mid].key < key)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

const struct kp_api *kp_api_by_name(const char *name)
{
    for (size_t i = 0; i < KP_API_COUNT; i++)
        if (strcmp(kp_api_table[i].name, name) == 0)
            return &kp_api_table[i];
    return NULL;
}

const struct kp_api *kp_apis(size_t *n)
{
    *n = KP_API_COUNT;
    return kp_api_table;
}

size_t kp_sizeof(const struct kp_schema *s)
{
    return s->size;
}

const char *kp_schema_name(const struct kp_schema *s)
{
    return s->name;
}

void kp_versions(const struct kp_schema *s, int16_t *min, int16_t *max)
{
    *min = s->min;
    *max = s->max;
}

void kp_init(const struct kp_schema *s, void *msg)
{
    memcpy(msg, s->init, s->size);
}

void *kp_array(const struct kp_schema *s, struct arena *a, size_t n)
{
    uint8_t *p = arena_array(a, n, s->size);
    for (size_t i = 0; p && i < n; i++)
        kp_init(s, p + i * s->size);
    return p;
}

#include "broker/api.h"

#include <pthread.h>

static struct api table[] = {
#define API(key, amin, amax, min, max, handler) {KP_##key, amin, amax, min, max, NULL, handler},
#include "broker/api.def"
#undef API
};
enum { N = sizeof table / sizeof *table };

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The protocol's half of the rows. */
static void join_protocol(void)
{
    for (size_t i = 0; i < N; i++)
        table[i].kp = kp_api(table[i].key);
}

const struct api *api_all(size_t *n)
{
    pthread_once(&once, join_protocol);
    *n = N;
    return table;
}

const struct api *api_find(int16_t key)
{
    size_t n;
    const struct api *all = api_all(&n);
    for (size_t i = 0; i < n; i++) {
        if (all[i].key == key)
            return &all[i];
    }
    return NULL;
}

#include "broker/image.h"

#include <stdatomic.h>
#include <stddef.h>

#include "broker/rcu.h"

struct meta_image *image_get(struct image *i)
{
    return atomic_load_explicit(&i->now, memory_order_acquire);
}

static void unref(void *image)
{
    meta_image_unref(image);
}

void image_publish(struct image *i, struct meta_image *image)
{
    struct meta_image *old = atomic_exchange(&i->now, meta_image_ref(image));
    if (old)
        rcu_later(NULL, unref, old);
}

void image_release(struct image *i)
{
    meta_image_unref(i->now);
    i->now = NULL;
}

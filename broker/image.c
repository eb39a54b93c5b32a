#include "broker/image.h"

#include <stddef.h>
#include <urcu/urcu-memb.h>

#include "broker/partitions.h"

struct meta_image *image_get(struct image *i)
{
    return rcu_dereference(i->now);
}

static void unref(void *image)
{
    meta_image_unref(image);
}

void image_publish(struct image *i, struct meta_image *image)
{
    struct meta_image *old = i->now;
    rcu_assign_pointer(i->now, meta_image_ref(image));
    if (old)
        partitions_retire(NULL, unref, old);
}

void image_release(struct image *i)
{
    meta_image_unref(i->now);
    i->now = NULL;
}

/* image.h - the cluster's metadata as this broker's threads see it: a pointer to the newest image,
 * swapped under RCU. */
#ifndef BROKER_IMAGE_H
#define BROKER_IMAGE_H

#include "meta/meta.h"

struct image {
    _Atomic(struct meta_image *) now;
};

/* In a read section, which the image must not be kept beyond; take a reference to keep it. NULL
 * before the first was published. */
struct meta_image *image_get(struct image *i);
/* One thread at a time. Takes a reference of its own. */
void image_publish(struct image *i, struct meta_image *image);
/* When nobody looks any more. */
void image_release(struct image *i);

#endif

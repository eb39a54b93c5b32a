/* topic.h - one topic of an image: counted, never changed once made, in a single block of memory.
 */
#ifndef META_TOPIC_H
#define META_TOPIC_H

#include <stdatomic.h>

#include "meta/meta.h"

struct topic {
    struct meta_topic t; /* what readers see; points into the memory behind this struct */
    atomic_uint refs;
};

/* A copy of everything `like` points to; the caller holds the only reference. NULL when out of
 * memory. The sizes in it are within the META_*_MAX limits. */
struct topic *topic_new(const struct meta_topic *like);
struct topic *topic_ref(struct topic *t);
void topic_unref(struct topic *t); /* NULL is fine */

#endif

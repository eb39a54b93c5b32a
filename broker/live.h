/* live.h - the broker's own settings as they hold now: what it was started with, and over that what
 * was altered while it ran. Only those that may be (settings.def), and that topics do not have:
 * what holds for a topic is meta_settings_of's business. */
#ifndef BROKER_LIVE_H
#define BROKER_LIVE_H

#include <stdatomic.h>

#include "broker/settings.h"

struct meta_image;

struct live {
    _Atomic int64_t value[SETTINGS]; /* of dynamic rows */
};

/* Before anybody looks. */
void live_init(struct live *l, const struct settings *s);
/* One thread at a time: what the image says of this node from now on holds. */
void live_update(struct live *l, const struct settings *s, const struct meta_image *image,
                 int32_t node);

/* Any thread. By the row's number, SETTING_ROW_max_connections. */
static inline int64_t live_get(const struct live *l, int row)
{
    return atomic_load_explicit(&l->value[row], memory_order_relaxed);
}

/* By the field's name in settings.def: live_now(b, max_connections). */
#define live_now(b, field) live_get(&(b)->live, SETTING_ROW_##field)

#endif

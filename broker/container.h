/* container.h - from a part that was handed out back to what holds it. */
#ifndef BROKER_CONTAINER_H
#define BROKER_CONTAINER_H

#include <stddef.h>

#define container_of(part, type, member) ((type *)(void *)((char *)(part)-offsetof(type, member)))

#endif

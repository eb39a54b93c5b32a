/* api.h - which requests are served, by whom: the table of api.def. */
#ifndef BROKER_API_H
#define BROKER_API_H

#include <stdint.h>

#include "broker/request.h"
#include "kp/kp.h"

struct api {
    int16_t key;
    int16_t advertised_min, advertised_max;
    int16_t min, max; /* served */
    const struct kp_api *kp;
    /* Answer q, now or later; q->msg is the decoded request. On q's loop, in an RCU read section.
     */
    void (*handle)(struct request *q);
};

/* NULL if it is not served. */
const struct api *api_find(int16_t key);
/* All of them. */
const struct api *api_all(size_t *n);

#define API(key, amin, amax, min, max, handler) void handler(struct request *q);
#include "broker/api.def"
#undef API

#endif

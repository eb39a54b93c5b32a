/* group_request.h - what the handlers of group APIs share: the way to the coordinator and back. */
#ifndef BROKER_GROUP_REQUEST_H
#define BROKER_GROUP_REQUEST_H

#include "broker/coordinator.h"
#include "broker/request.h"

/* A call for the request, its resp of that schema at its defaults; kept in q->local. NULL: the
 * request was aborted. */
struct group_call *group_request(struct request *q, const struct kp_schema *resp);
/* Let the coordinator have it; replied(q) on the request's loop, NULL: resp is the reply. */
void group_request_send(struct request *q,
                        void (*run)(struct coordinator *c, struct group_call *call),
                        void (*replied)(struct request *q));

#endif

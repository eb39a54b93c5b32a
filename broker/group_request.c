#include "broker/group_request.h"

#include <stdio.h>
#include <string.h>

#include "broker/broker.h"
#include "broker/conn.h"

static void reply(struct request *q)
{
    const struct group_call *call = q->local;
    request_reply(q, call->resp);
}

/* The coordinator's loop. */
static void came_back(struct group_call *call)
{
    struct request *q = call->arg;
    request_resume(q, q->resumed);
}

/* "/127.0.0.1", as Kafka's tools know it. */
static struct kp_str host_of(struct request *q)
{
    const char *peer = q->conn->peer, *colon = strrchr(peer, ':');
    size_t n = colon ? (size_t)(colon - peer) : strlen(peer);
    if (n > 2 && peer[0] == '[' && peer[n - 1] == ']') {
        peer++;
        n -= 2;
    }
    return kp_str(arena_printf(&q->arena, "/%.*s", (int)n, peer));
}

struct group_call *group_request(struct request *q, const struct kp_schema *resp)
{
    struct group_call *call = request_alloc(q, 1, sizeof *call);
    if (call) {
        *call = (struct group_call){.req = q->msg,
                                    .resp = kp_array(resp, &q->arena, 1),
                                    .arena = &q->arena,
                                    .version = q->header.version,
                                    .client_id = q->header.client_id,
                                    .client_host = host_of(q),
                                    .done = came_back,
                                    .arg = q};
        if (call->client_id.n < 0)
            call->client_id = kp_strn("", 0);
    }
    if (!call || !call->resp || !call->client_host.p) {
        request_abort(q, "out of memory");
        return NULL;
    }
    q->local = call;
    return call;
}

void group_request_send(struct request *q,
                        void (*run)(struct coordinator *c, struct group_call *call),
                        void (*replied)(struct request *q))
{
    q->resumed = replied ? replied : reply;
    coordinator_call(request_broker(q)->coordinator, q->local, run);
}

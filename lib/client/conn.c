#include "client/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kp/error.h"

enum {
    FRAME_LENGTH = 4,  /* every request and answer is preceded by its length */
    FIRST_ROOM = 4096, /* answers to small requests fit: thousands of connections stay cheap */
    MAX_REQUEST = 104857600, /* what Kafka accepts by default */
    FIRST_PENDING = 8,
};

void client_conn_init(struct client_conn *c, const char *name, size_t max_response)
{
    *c = (struct client_conn){.name = name, .max_response = max_response};
    wr_init(&c->tx, 0);
    client_conn_reset(c);
}

void client_conn_reset(struct client_conn *c)
{
    c->state = CLIENT_CONN_NEW;
    wr_reset(&c->tx);
    c->tx_sent = 0;
    c->rx_start = c->rx_end = 0;
    c->pending_first = c->n_pending = 0;
    for (size_t i = 0; i < CLIENT_KEYS; i++) {
        c->broker[i].min = 0;
        c->broker[i].max = -1;
    }
}

void client_conn_release(struct client_conn *c)
{
    wr_free(&c->tx);
    free(c->rx);
    free(c->pending);
    c->rx = NULL;
    c->pending = NULL;
    c->rx_cap = c->pending_cap = 0;
    client_conn_reset(c);
}

/* Make room for one more awaited answer; the ring is laid out anew from its first entry. */
static int grow_pending(struct client_conn *c)
{
    if (c->n_pending < c->pending_cap)
        return 0;
    uint32_t cap = c->pending_cap ? 2 * c->pending_cap : FIRST_PENDING;
    struct client_pending *p = cap ? calloc(cap, sizeof *p) : NULL;
    if (!p)
        return -ENOMEM;
    for (uint32_t i = 0; i < c->n_pending; i++)
        p[i] = c->pending[(c->pending_first + i) & (c->pending_cap - 1)];
    free(c->pending);
    c->pending = p;
    c->pending_cap = cap;
    c->pending_first = 0;
    return 0;
}

/* A connection that always has something to send never empties tx: close the gap in front once it
 * is the larger part. */
static void compact(struct client_conn *c)
{
    if (c->tx_sent < c->tx.len / 2)
        return;
    c->tx.len -= c->tx_sent;
    if (c->tx.len)
        memmove(c->tx.buf, c->tx.buf + c->tx_sent, c->tx.len);
    c->tx_sent = 0;
}

/* Append a framed request to tx, or leave tx as it was. */
static int queue_request(struct client_conn *c, int16_t key, int16_t version, const void *msg)
{
    const struct kp_api *api = kp_api(key);
    if (!api)
        return ERR_UNSUPPORTED;
    struct kp_req_header h = {key, version, c->next_id, kp_str(c->name)};
    compact(c);
    size_t start = c->tx.len;
    wr_be32(&c->tx, 0);
    kp_encode_req_header(&c->tx, &h);
    kp_encode(api->req, version, msg, &c->tx);
    size_t n = c->tx.len - start - FRAME_LENGTH;
    int rc = c->tx.err ? c->tx.err : n > MAX_REQUEST ? ERR_TOOBIG : 0;
    if (rc) {
        c->tx.len = start;
        c->tx.err = 0;
        return rc;
    }
    wr_patch_be32(&c->tx, start, (uint32_t)n);
    c->next_id = c->next_id == INT32_MAX ? 0 : c->next_id + 1;
    return 0;
}

int client_conn_send(struct client_conn *c, int16_t key, int16_t version, const void *msg,
                     void *tag)
{
    struct client_pending p = {c->next_id, key, version, tag};
    int rc = grow_pending(c);
    if (!rc)
        rc = queue_request(c, key, version, msg);
    if (rc)
        return rc;
    c->pending[(c->pending_first + c->n_pending) & (c->pending_cap - 1)] = p;
    c->n_pending++;
    return 0;
}

int client_conn_send_unanswered(struct client_conn *c, int16_t key, int16_t version,
                                const void *msg)
{
    return queue_request(c, key, version, msg);
}

struct span client_conn_out(const struct client_conn *c)
{
    return span_of(c->tx.buf + c->tx_sent, c->tx.len - c->tx_sent);
}

void client_conn_sent(struct client_conn *c, size_t n)
{
    c->tx_sent += n;
    if (c->tx_sent == c->tx.len) {
        wr_reset(&c->tx);
        c->tx_sent = 0;
    }
}

/* Bytes the answer at the front takes with its length, 0 if its length is not there yet. */
static size_t front_size(const struct client_conn *c)
{
    if (c->rx_end - c->rx_start < FRAME_LENGTH)
        return 0;
    return FRAME_LENGTH + (size_t)get_be32(c->rx + c->rx_start);
}

uint8_t *client_conn_room(struct client_conn *c, size_t *n)
{
    size_t held = c->rx_end - c->rx_start, want = front_size(c);
    if (want > c->max_response + FRAME_LENGTH)
        want = 0; /* client_conn_next will complain; no memory for it */
    want = want > held ? want : held + FRAME_LENGTH;
    want = want > FIRST_ROOM ? want : FIRST_ROOM;
    if (c->rx_start && (!held || c->rx_start + want > c->rx_cap)) {
        memmove(c->rx, c->rx + c->rx_start, held);
        c->rx_start = 0;
        c->rx_end = held;
    }
    if (c->rx_start + want > c->rx_cap) {
        size_t cap = c->rx_cap * 2 > want ? c->rx_cap * 2 : want;
        uint8_t *p = realloc(c->rx, cap);
        if (!p)
            return NULL;
        c->rx = p;
        c->rx_cap = cap;
    }
    *n = c->rx_cap - c->rx_end;
    return c->rx + c->rx_end;
}

void client_conn_received(struct client_conn *c, size_t n)
{
    c->rx_end += n;
}

/* The version of ApiVersions to try after a refusal: the highest that both know, below the one
 * refused. */
static int second_try(const struct kp_api_versions_resp *resp, int16_t refused)
{
    int16_t version = 0;
    for (int32_t i = 0; i < resp->n_api_keys; i++)
        if (resp->api_keys[i].api_key == KP_API_VERSIONS && resp->api_keys[i].max_version > 0)
            version = resp->api_keys[i].max_version;
    if (version >= refused)
        version = 0;
    return refused == 0 ? ERR_UNSUPPORTED : version;
}

static int ask_versions(struct client_conn *c, int16_t version)
{
    struct kp_api_versions_req req;
    kp_init(&kp_api_versions_req_schema, &req);
    req.client_software_name = kp_str("chronik");
    req.client_software_version = kp_str(CHRONIK_VERSION);
    int rc = client_conn_send(c, KP_API_VERSIONS, version, &req, NULL);
    if (!rc)
        c->state = CLIENT_CONN_ASKING;
    return rc;
}

int client_conn_hello(struct client_conn *c)
{
    return ask_versions(c, kp_api(KP_API_VERSIONS)->max);
}

static void learn_versions(struct client_conn *c, const struct kp_api_versions_resp *resp)
{
    for (int32_t i = 0; i < resp->n_api_keys; i++) {
        int16_t key = resp->api_keys[i].api_key;
        if (key < 0 || key >= CLIENT_KEYS)
            continue;
        c->broker[key].min = resp->api_keys[i].min_version;
        c->broker[key].max = resp->api_keys[i].max_version;
    }
    c->state = CLIENT_CONN_READY;
}

/* The answer to client_conn_hello. A refusal comes in version 0, whatever was asked. */
static int take_versions(struct client_conn *c, struct client_response *r, struct err *e)
{
    struct kp_api_versions_resp resp;
    struct arena a;
    arena_init(&a, 1 << 20);
    struct rd look = r->body;
    bool refused = (int16_t)rd_be16(&look) == KP_ERR_UNSUPPORTED_VERSION;
    int16_t asked = r->version;
    if (refused)
        r->version = 0;
    int rc = client_response_decode(r, &a, &resp, e);
    if (!rc && refused) {
        rc = second_try(&resp, asked);
        if (rc < 0)
            err_set(e, rc, "ApiVersions: the broker refuses version 0");
        else
            rc = ask_versions(c, (int16_t)rc);
    } else if (!rc && resp.error_code) {
        rc = err_set(e, ERR_REFUSED, "ApiVersions: %s", kp_error_text(resp.error_code));
    } else if (!rc) {
        learn_versions(c, &resp);
    }
    arena_free(&a);
    return rc;
}

int client_conn_version(const struct client_conn *c, int16_t key, int16_t max, struct err *e)
{
    const struct kp_api *api = kp_api(key);
    if (!api || key < 0 || key >= CLIENT_KEYS)
        return err_set(e, ERR_UNSUPPORTED, "API %d: not known to this program", key);
    int16_t version = c->broker[key].max;
    if (version < 0)
        return err_set(e, ERR_UNSUPPORTED, "%s: the broker does not offer it", api->name);
    if (max > api->max)
        max = api->max;
    if (version > max)
        version = max;
    if (version < api->min || version < c->broker[key].min)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: the broker speaks versions %d to %d, this program %d to %d", api->name,
                       c->broker[key].min, c->broker[key].max, api->min, max);
    return version;
}

/* Match the frame's header to the request that is the oldest unanswered one. */
static int match(struct client_conn *c, struct rd frame, struct client_response *r, struct err *e)
{
    if (!c->n_pending)
        return err_set(e, ERR_MALFORMED, "an answer came that was not asked for");
    struct client_pending p = c->pending[c->pending_first];
    int32_t id;
    if (kp_decode_resp_header(&frame, p.key, p.version, &id))
        return err_set(e, ERR_MALFORMED, "an answer is too short for its header");
    if (id != p.correlation_id)
        return err_set(e, ERR_MALFORMED, "answer %d came where %d was due", id, p.correlation_id);
    *r = (struct client_response){p.key, p.version, p.tag, frame};
    c->pending_first = (c->pending_first + 1) & (c->pending_cap - 1);
    c->n_pending--;
    return 0;
}

/* The next whole frame, 1, or 0 if it is not all there. */
static int next_frame(struct client_conn *c, struct rd *frame, struct err *e)
{
    size_t size = front_size(c);
    if (size > c->max_response + FRAME_LENGTH)
        return err_set(e, ERR_TOOBIG,
                       "an answer of %zu bytes is announced; this is no Kafka broker, "
                       "or the limit of %zu is too low",
                       size - FRAME_LENGTH, c->max_response);
    if (!size || c->rx_end - c->rx_start < size)
        return 0;
    *frame = rd_of(c->rx + c->rx_start + FRAME_LENGTH, size - FRAME_LENGTH);
    c->rx_start += size;
    return 1;
}

int client_conn_next(struct client_conn *c, struct client_response *r, struct err *e)
{
    struct rd frame;
    int rc;
    if (c->state == CLIENT_CONN_FAILED)
        return err_set(e, ERR_CLOSED, "the connection has failed before");
    while ((rc = next_frame(c, &frame, e)) == 1) {
        rc = match(c, frame, r, e);
        if (!rc && c->state == CLIENT_CONN_ASKING)
            rc = take_versions(c, r, e);
        else if (!rc)
            return 1;
        if (rc)
            break;
    }
    if (rc < 0)
        c->state = CLIENT_CONN_FAILED;
    return rc;
}

int client_response_decode(struct client_response *r, struct arena *a, void *msg, struct err *e)
{
    const struct kp_api *api = kp_api(r->key);
    int rc = kp_decode(api->resp, r->version, &r->body, a, msg);
    if (!rc && rd_left(&r->body))
        rc = ERR_MALFORMED;
    return rc ? err_code(e, rc, "answer to %s version %d", api->name, r->version) : 0;
}

/* header.c - what stands in front of a request and of a response.
 *
 * Two quirks are for ever: the client id keeps its int16 length in flexible requests too, and the
 * response to ApiVersions has no tags in its header in any version, since a client reads it before
 * it knows which versions the broker speaks (KIP-511).
 */
#include "kp/schema.h"

static bool is_flexible(int16_t key, int16_t version)
{
    const struct kp_api *api = kp_api(key);
    return api && version >= api->flexible && version <= api->max;
}

static bool has_response_tags(int16_t key, int16_t version)
{
    return key != KP_API_VERSIONS && is_flexible(key, version);
}

/* No header has a tag that we know. */
static void skip_tags(struct rd *r)
{
    for (uint32_t n = rd_uvarint32(r); n > 0 && !r->err; n--) {
        rd_uvarint32(r);
        rd_take(r, rd_uvarint32(r));
    }
}

int kp_decode_req_header(struct rd *r, struct kp_req_header *h)
{
    h->key = (int16_t)rd_be16(r);
    h->version = (int16_t)rd_be16(r);
    h->correlation_id = (int32_t)rd_be32(r);
    h->client_id.n = (int16_t)rd_be16(r);
    h->client_id.p = NULL;
    if (h->client_id.n < -1)
        rd_fail(r, ERR_MALFORMED);
    if (h->client_id.n >= 0)
        h->client_id.p = (const char *)rd_take(r, (size_t)h->client_id.n);
    if (!r->err && is_flexible(h->key, h->version))
        skip_tags(r);
    return r->err;
}

void kp_encode_req_header(struct wr *w, const struct kp_req_header *h)
{
    if (h->client_id.n > KP_STRING_MAX && !w->err)
        w->err = ERR_INVALID;
    wr_be16(w, (uint16_t)h->key);
    wr_be16(w, (uint16_t)h->version);
    wr_be32(w, (uint32_t)h->correlation_id);
    wr_be16(w, (uint16_t)h->client_id.n);
    if (h->client_id.n > 0)
        wr_bytes(w, h->client_id.p, (size_t)h->client_id.n);
    if (is_flexible(h->key, h->version))
        wr_u8(w, 0);
}

void kp_encode_resp_header(struct wr *w, int16_t key, int16_t version, int32_t correlation_id)
{
    wr_be32(w, (uint32_t)correlation_id);
    if (has_response_tags(key, version))
        wr_u8(w, 0);
}

int kp_decode_resp_header(struct rd *r, int16_t key, int16_t version, int32_t *correlation_id)
{
    *correlation_id = (int32_t)rd_be32(r);
    if (!r->err && has_response_tags(key, version))
        skip_tags(r);
    return r->err;
}

/* h_versions.c - ApiVersions: the table of api.def, as clients want it. */
#include "broker/api.h"

static void fill(struct kp_api_versions_resp_api_keys *row, const struct api *api)
{
    row->api_key = api->key;
    row->min_version = api->advertised_min;
    row->max_version = api->advertised_max;
}

void h_api_versions(struct request *q)
{
    struct kp_api_versions_resp resp;
    kp_init(&kp_api_versions_resp_schema, &resp);
    /* A version we do not speak gets the old form and the range we do (KIP-511). */
    bool unknown = q->reply_version != q->header.version;
    size_t n;
    const struct api *all = api_all(&n);
    resp.api_keys = request_alloc(q, n, sizeof *resp.api_keys);
    if (!resp.api_keys) {
        request_abort(q, "out of memory");
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (!unknown || all[i].key == KP_API_VERSIONS)
            fill(&resp.api_keys[resp.n_api_keys++], &all[i]);
    }
    if (unknown)
        resp.error_code = KP_ERR_UNSUPPORTED_VERSION;
    request_reply(q, &resp);
}

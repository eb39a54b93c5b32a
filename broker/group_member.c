#include "broker/group_member.h"

#include <stdlib.h>
#include <string.h>

#include "broker/group.h"
#include "broker/owned.h"

/* What malloc and the two trees add, about. */
enum { MEMBER_OVERHEAD = 160 };

/* ---- protocols */

static size_t bytes_of(const struct kp_join_group_req_protocols *of, int32_t n)
{
    size_t bytes = (size_t)n * sizeof(struct group_protocol);
    for (int32_t i = 0; i < n; i++)
        bytes += (size_t)(of[i].name.n > 0 ? of[i].name.n : 0) +
                 (size_t)(of[i].metadata.n > 0 ? of[i].metadata.n : 0);
    return bytes;
}

static const void *put(uint8_t **at, const void *p, int32_t n)
{
    uint8_t *to = *at;
    if (n > 0) {
        memcpy(to, p, (size_t)n);
        *at += n;
    }
    return to;
}

bool group_protocols_copy(struct group_protocols *out, const struct kp_join_group_req_protocols *of,
                          int32_t n)
{
    size_t bytes = bytes_of(of, n);
    struct group_protocol *mine = malloc(bytes + 1);
    *out = (struct group_protocols){.of = mine};
    if (!mine)
        return false;
    uint8_t *at = (uint8_t *)(mine + n);
    for (int32_t i = 0; i < n; i++) {
        mine[i].name = kp_strn(put(&at, of[i].name.p, of[i].name.n), (size_t)of[i].name.n);
        mine[i].metadata.p = put(&at, of[i].metadata.p, of[i].metadata.n);
        mine[i].metadata.n = of[i].metadata.n;
    }
    out->n = n;
    out->bytes = bytes;
    return true;
}

void group_protocols_free(struct group_protocols *p)
{
    free(p->of);
    *p = (struct group_protocols){0};
}

static bool bytes_eq(struct kp_bytes a, struct kp_bytes b)
{
    return a.n == b.n && (a.n <= 0 || memcmp(a.p, b.p, (size_t)a.n) == 0);
}

bool group_protocols_are(const struct group_protocols *p,
                         const struct kp_join_group_req_protocols *of, int32_t n)
{
    if (p->n != n)
        return false;
    for (int32_t i = 0; i < n; i++) {
        if (!kp_str_eq(p->of[i].name, of[i].name) || !bytes_eq(p->of[i].metadata, of[i].metadata))
            return false;
    }
    return true;
}

static const struct group_protocol *find(const struct group_member *m, struct kp_str protocol)
{
    for (int32_t i = 0; i < m->protocols.n; i++) {
        if (kp_str_eq(m->protocols.of[i].name, protocol))
            return &m->protocols.of[i];
    }
    return NULL;
}

bool group_member_offers(const struct group_member *m, struct kp_str protocol)
{
    return find(m, protocol) != NULL;
}

struct kp_bytes group_member_metadata(const struct group_member *m, struct kp_str protocol)
{
    const struct group_protocol *p = find(m, protocol);
    return p ? p->metadata : (struct kp_bytes){.p = (const uint8_t *)""};
}

/* ---- members */

struct group_member *group_member_new(const struct group_join *in, struct kp_str id)
{
    struct group_member *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->id = m->instance_id = m->client_id = m->client_host = m->stands_for = kp_str(NULL);
    m->assignment.n = -1;
    m->session_ms = in->session_ms;
    m->rebalance_ms = in->rebalance_ms;
    if (owned_str(&m->id, id) && owned_str(&m->instance_id, in->instance_id) &&
        owned_str(&m->client_id, in->client_id) && owned_str(&m->client_host, in->client_host) &&
        group_protocols_copy(&m->protocols, in->protocols, in->n_protocols))
        return m;
    group_member_free(m);
    return NULL;
}

void group_member_free(struct group_member *m)
{
    if (!m)
        return;
    owned_str_free(&m->id);
    owned_str_free(&m->instance_id);
    owned_str_free(&m->client_id);
    owned_str_free(&m->client_host);
    owned_str_free(&m->stands_for);
    owned_bytes_free(&m->assignment);
    group_protocols_free(&m->protocols);
    free(m);
}

static size_t len(int32_t n)
{
    return n > 0 ? (size_t)n : 0;
}

size_t group_member_size(const struct group_member *m)
{
    return sizeof *m + MEMBER_OVERHEAD + len(m->id.n) + len(m->instance_id.n) +
           len(m->client_id.n) + len(m->client_host.n) + len(m->assignment.n) + m->protocols.bytes;
}

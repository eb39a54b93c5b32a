#include "tests/unit/kp/message.h"

#include <stdlib.h>

#include "tests/unit/unit.h"

static void each_version(const struct kp_schema *s, void (*f)(const struct kp_schema *, int))
{
    int16_t min, max;
    kp_versions(s, &min, &max);
    for (int v = min; v <= max; v++)
        f(s, v);
}

void each_message(void (*f)(const struct kp_schema *s, int version))
{
    size_t n;
    const struct kp_api *api = kp_apis(&n);
    ck_assert_uint_gt(n, 0);
    for (size_t i = 0; i < n; i++) {
        each_version(api[i].req, f);
        each_version(api[i].resp, f);
    }
    for (size_t i = 0; i < KP_RECORD_COUNT; i++)
        each_version(kp_record_table[i].schema, f);
}

void message_init(struct message *m, const struct kp_schema *s, int version, size_t cap)
{
    m->s = s;
    m->version = version;
    m->msg = malloc(kp_sizeof(s));
    ck_assert_ptr_nonnull(m->msg);
    arena_init(&m->arena, cap);
}

void message_random(struct message *m, const struct kp_schema *s, int version, uint64_t seed)
{
    message_init(m, s, version, 0);
    ck_assert_ok(kp_random(s, version, seed, &m->arena, m->msg));
}

int message_read(struct message *m, const void *p, size_t n, size_t *left)
{
    struct rd r = rd_of(p, n);
    arena_reset(&m->arena);
    int err = kp_decode(m->s, m->version, &r, &m->arena, m->msg);
    if (left)
        *left = rd_left(&r);
    return err;
}

int message_decode(struct message *m, const struct kp_schema *s, int version, const void *p,
                   size_t n, size_t cap, size_t *left)
{
    message_init(m, s, version, cap);
    return message_read(m, p, n, left);
}

uint8_t *message_bytes(const struct message *m, size_t *n)
{
    struct wr w;
    wr_init(&w, 0);
    kp_encode(m->s, m->version, m->msg, &w);
    ck_assert_msg(w.err == 0, "%s v%d: %s", kp_schema_name(m->s), m->version, unit_err(w.err));
    uint8_t *p = malloc(w.len ? w.len : 1);
    ck_assert_ptr_nonnull(p);
    if (w.len)
        memcpy(p, w.buf, w.len);
    *n = w.len;
    wr_free(&w);
    return p;
}

void message_free(struct message *m)
{
    free(m->msg);
    arena_free(&m->arena);
}

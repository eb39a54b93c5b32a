/* random.c - messages for tests: the same seed gives the same message. Values favour the edges (0,
 * -1, least, greatest), lengths favour 0 and 1 and now and then pass the 127 bytes that a one-byte
 * compact length can say; every nullable field is null at times and every tagged one at its default
 * at times. */
#include <errno.h>
#include <string.h>

#include "kp/schema.h"

struct maker {
    uint64_t state;
    struct arena *arena;
    int version;
    int err;
};

static void make_struct(const struct kp_schema *s, struct maker *m, uint8_t *msg);

/* splitmix64 */
static uint64_t draw(struct maker *m)
{
    uint64_t z = m->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static bool one_in(struct maker *m, unsigned n)
{
    return draw(m) % n == 0;
}

static uint64_t draw_number(struct maker *m)
{
    static const uint64_t edges[] = {0, 1, UINT64_MAX, UINT64_C(1) << 63, INT64_MAX, 0x7f, 0x80};
    return one_in(m, 3) ? edges[draw(m) % (sizeof edges / sizeof *edges)] : draw(m);
}

/* -1 for null. */
static int32_t draw_length(struct maker *m, const struct kp_field *f, unsigned longest)
{
    if (kp_nullable(f, m->version) && one_in(m, 4))
        return -1;
    if (one_in(m, 12))
        return (int32_t)(draw(m) % longest);
    return (int32_t)(draw(m) % (longest < 12 ? longest : 12));
}

static const uint8_t *make_bytes(struct maker *m, int32_t n, bool text)
{
    uint8_t *p = arena_alloc(m->arena, n > 0 ? (size_t)n : 0);
    if (!p) {
        m->err = -ENOMEM;
        return NULL;
    }
    for (int32_t i = 0; i < n; i++)
        p[i] = (uint8_t)(text ? 'a' + draw(m) % 26 : draw(m));
    return n < 0 ? NULL : p;
}

static void make_value(const struct kp_field *f, struct maker *m, uint8_t *out)
{
    uint64_t v = draw_number(m);
    switch ((enum kp_type)f->type) {
    case KP_T_BOOL:
        *(bool *)out = v & 1;
        break;
    case KP_T_INT8:
        *out = (uint8_t)v;
        break;
    case KP_T_INT16:
    case KP_T_UINT16:
        *(uint16_t *)out = (uint16_t)v;
        break;
    case KP_T_INT32:
    case KP_T_UINT32:
        *(uint32_t *)out = (uint32_t)v;
        break;
    case KP_T_INT64:
        *(uint64_t *)out = v;
        break;
    case KP_T_FLOAT64:
        *(double *)out = (double)(int64_t)v / 3;
        break;
    case KP_T_UUID:
        for (size_t i = 0; i < sizeof(struct uuid); i++)
            out[i] = (uint8_t)(v >> (i % 8 * 8));
        break;
    case KP_T_STRING: {
        struct kp_str *s = (struct kp_str *)out;
        s->n = draw_length(m, f, 300);
        s->p = (const char *)make_bytes(m, s->n, true);
        break;
    }
    case KP_T_BYTES: {
        struct kp_bytes *b = (struct kp_bytes *)out;
        b->n = draw_length(m, f, 300);
        b->p = make_bytes(m, b->n, false);
        break;
    }
    case KP_T_RECORDS: {
        struct kp_records *b = (struct kp_records *)out;
        b->n = draw_length(m, f, 300);
        b->p = make_bytes(m, b->n, false);
        break;
    }
    case KP_T_STRUCT:
        kp_init(f->sub, out);
        make_struct(f->sub, m, out);
        break;
    }
}

static void make_array(const struct kp_field *f, struct maker *m, uint8_t *msg)
{
    /* Long arrays of small things only: a message has to stay small enough to flip each of its
     * bits. */
    struct kp_list l = {draw_length(m, f, f->size <= 8 ? 200 : 4), NULL};
    l.p = arena_array(m->arena, l.n > 0 ? (size_t)l.n : 0, f->size);
    if (!l.p) {
        m->err = -ENOMEM;
        return;
    }
    for (int32_t i = 0; i < l.n && !m->err; i++)
        make_value(f, m, l.p + (size_t)i * f->size);
    kp_list_set(f, msg, l);
}

static void make_struct(const struct kp_schema *s, struct maker *m, uint8_t *msg)
{
    const struct kp_field *f = s->fields, *end = f + s->n_plain + s->n_tagged;
    for (; f < end && !m->err; f++) {
        if (!kp_has(f, m->version) || (f->tag >= 0 && one_in(m, 3)))
            continue;
        if (f->array)
            make_array(f, m, msg);
        else
            make_value(f, m, msg + f->at);
    }
}

int kp_random(const struct kp_schema *s, int version, uint64_t seed, struct arena *a, void *msg)
{
    struct maker m = {seed, a, version, 0};
    if (!kp_knows(s, version))
        return ERR_UNSUPPORTED;
    kp_init(s, msg);
    make_struct(s, &m, msg);
    return m.err;
}

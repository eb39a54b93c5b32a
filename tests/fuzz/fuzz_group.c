/* fuzz_group.c - a partition of __consumer_offsets, as the coordinator reads it back at a start.
 *
 *   records: u8 flags, u16 length of the key and the key, u16 length of the value and the value
 *   KEYED: the flags say which of the three kinds of key goes in front, and of what version the
 *   value is; else both are as they are
 *
 * What was read is written as the coordinator writes it and read again: the same groups, members
 * and offsets, the same memory; nothing stays charged.
 */
#include "batch/records.h"
#include "broker/group.h"
#include "broker/group_records.h"
#include "broker/group_replay.h"
#include "broker/group_subscription.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/kp.h"

enum { NO_VALUE = 1, KEYED = 2, STATE = 4 };
enum { RECORDS = 64, GROUPS = RECORDS };

static void never(void *waiter, const struct group_joined *r)
{
    (void)waiter;
    must(!r);
}
static void never_synced(void *waiter, const struct group_synced *r)
{
    (void)waiter;
    must(!r);
}
static void never_store(struct group *g)
{
    must(!g);
}
static const struct group_host host = {never, never_synced, never_store};
static struct budget memory = {.max = 1 << 30};
static const struct group_limits limits = {1, 1000000, 1000, 0, &memory};

/* ---- records in */

static void add_record(struct batch_builder *b, struct rd *in)
{
    struct wr key, value;
    uint8_t flags = rd_u8(in);
    wr_init(&key, 0);
    wr_init(&value, 0);
    if (flags & KEYED) {
        wr_be16(&key, flags & STATE ? 2 : 1);
        wr_be16(&value, flags >> 4 & 7);
    }
    struct span k = fuzz_some(in, rd_be16(in)), v = fuzz_some(in, rd_be16(in));
    wr_bytes(&key, k.p, k.n);
    wr_bytes(&value, v.p, v.n);
    struct span none = span_of(NULL, 0), some = span_of(value.buf, value.len);
    batch_builder_add(b, 1000, span_of(key.buf, key.len), flags & NO_VALUE ? none : some, NULL, 0);
    wr_free(&key);
    wr_free(&value);
}

static void finish(struct batch_builder *b, struct wr *out)
{
    if (b->count)
        must(batch_builder_finish(b, out) == 0);
    batch_builder_release(b);
}

static void read_batches(struct rd *in, struct wr *out)
{
    struct batch_builder b;
    batch_builder_init(&b, BATCH_NONE);
    for (int i = 0; i < RECORDS && rd_left(in); i++)
        add_record(&b, in);
    finish(&b, out);
}

/* ---- groups out */

struct groups {
    struct group *at[GROUPS];
    size_t n, members, offsets;
};

static void group_holds(const struct group *g)
{
    int32_t n = 0;
    bool led = !g->leader;
    for (const struct group_member *m = g->members; m; m = m->next, n++) {
        must(group_find_member(g, m->id) == m);
        led = led || m == g->leader;
        struct kp_bytes metadata = group_member_metadata(m, g->protocol);
        must(group_subscription_same(g->protocol_type, metadata, metadata));
        (void)group_subscription_has(metadata, kp_str("topic"));
    }
    must(n == g->n_members && led);
    must(g->state == GROUP_EMPTY || g->state == GROUP_STABLE);
    must((g->state == GROUP_STABLE) == (n > 0));
}

/* 0, or why the batches are no groups. */
static int replay(struct span batches, struct groups *out)
{
    struct group_replay r;
    struct err e = {0};
    *out = (struct groups){.n = 0};
    group_replay_init(&r, &host, &limits, NULL);
    int rc = group_replay_add(&r, batches, &e);
    if (!rc)
        rc = group_replay_finish(&r, &e);
    must(rc == 0 || e.text[0]);
    for (struct group *g; rc == 0 && (g = group_replay_take(&r)) != NULL;) {
        must(out->n < GROUPS);
        group_holds(g);
        out->at[out->n++] = g;
        out->members += (size_t)g->n_members;
        out->offsets += group_offsets_count(&g->offsets);
    }
    group_replay_release(&r);
    return rc;
}

static void release(struct groups *all)
{
    for (size_t i = 0; i < all->n; i++)
        group_free(all->at[i], KP_ERR_NOT_COORDINATOR);
}

struct writing {
    struct batch_builder *b;
    struct kp_str group;
};

static void write_offset(void *ctx, const struct group_offset *c)
{
    struct writing *w = ctx;
    group_records_offset(w->b, 1000, w->group, c);
}

static void write_again(const struct groups *all, struct wr *out)
{
    struct batch_builder b;
    batch_builder_init(&b, BATCH_NONE);
    for (size_t i = 0; i < all->n; i++) {
        struct group *g = all->at[i];
        struct writing w = {&b, g->id};
        group_offsets_each(&g->offsets, write_offset, &w);
        group_records_state(&b, 1000, g);
    }
    must(!b.records.err);
    finish(&b, out);
}

static const struct group *find(const struct groups *all, struct kp_str id)
{
    for (size_t i = 0; i < all->n; i++) {
        if (kp_str_eq(all->at[i]->id, id))
            return all->at[i];
    }
    return NULL;
}

static void same(const struct groups *a, const struct groups *b)
{
    must(a->n == b->n && a->members == b->members && a->offsets == b->offsets);
    for (size_t i = 0; i < a->n; i++) {
        const struct group *x = a->at[i], *y = find(b, x->id);
        must(y && x->generation == y->generation && x->n_members == y->n_members);
        must(group_offsets_count(&x->offsets) == group_offsets_count(&y->offsets));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct rd in = rd_of(data, n);
    struct wr first, second;
    struct groups all, again;
    wr_init(&first, 0);
    wr_init(&second, 0);
    read_batches(&in, &first);
    if (replay(span_of(first.buf, first.len), &all) == 0) {
        write_again(&all, &second);
        must(replay(span_of(second.buf, second.len), &again) == 0);
        same(&all, &again);
        release(&again);
    }
    release(&all);
    must(atomic_load(&memory.used) == 0);
    wr_free(&first);
    wr_free(&second);
    return 0;
}

/* ---- other records */

static size_t put_random(const struct kp_schema *s, int version, unsigned seed, uint8_t *p,
                         size_t max)
{
    size_t n = fuzz_kp_random(s, version, seed, p + 2, max - 2);
    put_be16(p, (uint16_t)n);
    return n + 2;
}

/* One more record behind the others. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed)
{
    if (seed % 32 || n + 64 > max)
        return LLVMFuzzerMutate(data, n, max);
    bool state = seed & 32;
    const struct kp_schema *key =
        state ? &kp_group_metadata_key_schema : &kp_offset_commit_key_schema;
    const struct kp_schema *value =
        state ? &kp_group_metadata_value_schema : &kp_offset_commit_value_schema;
    int16_t min, most;
    kp_versions(value, &min, &most);
    int version = min + (int)(seed >> 6) % (most - min + 1);
    data[n++] = (uint8_t)(KEYED | (state ? STATE : 0) | version << 4);
    n += put_random(key, state ? 2 : 1, seed >> 8 & 3, data + n, max - n);
    if (n + 2 <= max)
        n += put_random(value, version, seed, data + n, max - n);
    return n;
}

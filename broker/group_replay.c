#include "broker/group_replay.h"

#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <stdlib.h>

#include "batch/records.h"
#include "broker/group_records.h"
#include "broker/owned.h"

enum { RECORD_MEMORY = 256 << 20, EXPANDED_MAX = 256 << 20 };

/* A group in the making. Its state stays in bytes until the last one is known. */
struct replayed {
    struct kp_str id;
    struct group *group;
    struct kp_bytes state; /* a GroupMetadataValue; null: none */
};

static int order(const void *a, const void *b)
{
    return owned_order(((const struct replayed *)a)->id, ((const struct replayed *)b)->id);
}

void group_replay_init(struct group_replay *r, const struct group_host *host,
                       const struct group_limits *limits, struct log *log)
{
    *r = (struct group_replay){.host = host, .limits = limits, .log = log};
    arena_init(&r->arena, RECORD_MEMORY);
}

static void free_entry(struct group_replay *r, struct replayed *e)
{
    tdelete(e, &r->tree, order);
    group_free(e->group, KP_ERR_NOT_COORDINATOR);
    owned_str_free(&e->id);
    owned_bytes_free(&e->state);
    free(e);
}

static struct replayed *first(const struct group_replay *r)
{
    return r->tree ? *(struct replayed **)r->tree : NULL;
}

void group_replay_release(struct group_replay *r)
{
    for (struct replayed *e; (e = first(r));)
        free_entry(r, e);
    arena_free(&r->arena);
}

static struct replayed *find(struct group_replay *r, struct kp_str id)
{
    struct replayed key = {.id = id};
    struct replayed **at = tfind(&key, &r->tree, order);
    return at ? *at : NULL;
}

static struct replayed *want(struct group_replay *r, struct kp_str id)
{
    struct replayed *e = find(r, id);
    if (e)
        return e;
    e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->state.n = -1;
    e->group = group_new(r->host, r->limits, id);
    if (e->group && owned_str(&e->id, id) && tsearch(e, &r->tree, order))
        return e;
    group_free(e->group, KP_ERR_NOT_COORDINATOR);
    owned_str_free(&e->id);
    free(e);
    return NULL;
}

/* ---- records */

static int take_value(struct group_replay *r, const struct group_record *g,
                      const struct record *record)
{
    struct replayed *e = want(r, g->group);
    if (!e)
        return -ENOMEM;
    if (g->kind == GROUP_RECORD_OFFSET)
        return group_offsets_put(&e->group->offsets, &g->offset);
    owned_bytes_free(&e->state);
    struct kp_bytes value = {record->value.p, (int32_t)record->value.n};
    return owned_bytes(&e->state, value) ? 0 : -ENOMEM;
}

static void take_away(struct group_replay *r, const struct group_record *g)
{
    struct replayed *e = find(r, g->group);
    if (!e)
        return;
    if (g->kind == GROUP_RECORD_OFFSET)
        group_offsets_remove(&e->group->offsets, g->offset.topic, g->offset.partition);
    else
        owned_bytes_free(&e->state);
    if (e->state.n < 0 && !group_offsets_count(&e->group->offsets))
        free_entry(r, e);
}

static int take(struct group_replay *r, const struct record *record, struct err *e)
{
    struct group_record g;
    arena_reset(&r->arena);
    int rc = group_record_decode(record, &r->arena, &g);
    if (!rc && g.kind == GROUP_RECORD_OTHER)
        r->unknown++;
    else if (!rc && g.none)
        take_away(r, &g);
    else if (!rc)
        rc = take_value(r, &g, record);
    r->records++;
    return rc ? err_code(e, rc, "the record at offset %" PRId64, record->offset) : 0;
}

static int walk(struct group_replay *r, struct span batch, struct err *e)
{
    struct records it;
    struct record record;
    int rc = records_init(&it, batch, EXPANDED_MAX);
    while (!rc && (rc = records_next(&it, &record)) > 0)
        rc = take(r, &record, e);
    if (rc && !e->code)
        err_code(e, rc, "the batch at offset %" PRId64, it.batch.base_offset);
    records_release(&it);
    return rc;
}

int group_replay_add(struct group_replay *r, struct span batches, struct err *e)
{
    struct err why = {0};
    int rc = 0;
    for (size_t at = 0; !rc && at < batches.n;) {
        struct span rest = span_of(batches.p + at, batches.n - at);
        struct batch b;
        rc = batch_verify(rest, &b, &why);
        if (rc)
            break;
        size_t n = batch_size(&b);
        if (!(b.attributes & BATCH_ATTR_CONTROL))
            rc = walk(r, span_of(rest.p, n), &why);
        at += n;
    }
    if (rc && e)
        *e = why;
    return rc;
}

/* ---- groups */

static int bring_up(struct group_replay *r, struct replayed *e)
{
    if (e->state.n < 0)
        return 0;
    struct rd rd = rd_of(e->state.p, (size_t)e->state.n);
    struct kp_group_metadata_value v;
    int16_t version;
    arena_reset(&r->arena);
    int rc = kp_decode_record(&kp_group_metadata_value_schema, &rd, &r->arena, &version, &v);
    return rc ? rc : group_restore(e->group, &v);
}

struct finishing {
    struct group_replay *r;
    struct err *e;
    int rc;
};

static void visit(const void *node, VISIT when, void *arg)
{
    struct finishing *f = arg;
    if (f->rc || (when != postorder && when != leaf))
        return;
    struct replayed *e = *(struct replayed *const *)node;
    char quoted[LOG_QUOTED];
    f->rc = bring_up(f->r, e);
    if (f->rc)
        err_code(f->e, f->rc, "the state of group %s",
                 log_quote(quoted, span_of(e->id.p, (size_t)e->id.n)));
}

int group_replay_finish(struct group_replay *r, struct err *e)
{
    struct finishing f = {r, e, 0};
    twalk_r(r->tree, visit, &f);
    return f.rc;
}

struct group *group_replay_take(struct group_replay *r)
{
    struct replayed *e = first(r);
    if (!e)
        return NULL;
    struct group *g = e->group;
    e->group = NULL;
    free_entry(r, e);
    return g;
}

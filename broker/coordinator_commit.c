/* coordinator_commit.c - OffsetCommit, OffsetFetch, OffsetDelete.
 *
 * A commit is one batch; it is answered, and its offsets are seen, when that is applied. Batches of
 * a group come back in the order they went, so of two commits the later one stays. Requests of a
 * connection are begun before the ones in front of them are answered; an OffsetFetch must see what
 * these did nevertheless, so it waits for what is on its way when it comes, and for nothing later.
 */
#include <stdlib.h>

#include "base/err.h"
#include "broker/coordinator_impl.h"
#include "broker/group_records.h"
#include "broker/group_subscription.h"

/* What a committed offset costs beside its strings, about. */
enum { OFFSET_COST = 192 };

/* ---- OffsetCommit */

struct commit {
    struct slot *slot;
    struct group_call *call;
};

static void answer_commit(struct group_call *call, int16_t error)
{
    const struct group_commit *in = call->req;
    for (int32_t i = 0; i < in->n; i++)
        *in->parts[i].error = error;
    call->done(call);
}

static void commit_done(void *arg, int code)
{
    struct commit *cm = arg;
    struct slot *s = cm->slot;
    const struct group_commit *in = cm->call->req;
    coordinator_came_back(s);
    for (int32_t i = 0; i < in->n; i++) {
        int rc = code ? code : group_offsets_put(&s->group->offsets, &in->parts[i].offset);
        *in->parts[i].error = coordinator_write_error(rc);
    }
    cm->call->done(cm->call);
    coordinator_settle(s);
}

/* Commits to a group that is not there make it, unless they come from somebody who was a member. */
static int16_t find_for_commit(struct coordinator *c, const struct group_commit *in,
                               struct slot **out)
{
    int16_t error = coordinator_check(c, in->group);
    if (error)
        return error;
    *out = coordinator_find(c, in->group);
    if (!*out && in->who.generation >= 0)
        return KP_ERR_ILLEGAL_GENERATION;
    if (!*out)
        *out = coordinator_want(c, in->group);
    return *out ? KP_ERR_NONE : KP_ERR_COORDINATOR_NOT_AVAILABLE;
}

static bool has_room(struct slot *s, const struct group_commit *in)
{
    size_t bytes = 0;
    for (int32_t i = 0; i < in->n; i++)
        bytes += OFFSET_COST + (size_t)in->parts[i].offset.topic.n +
                 (size_t)(in->parts[i].offset.metadata.n > 0 ? in->parts[i].offset.metadata.n : 0);
    if (group_offsets_room(&s->group->offsets, bytes))
        return true;
    coordinator_complain(s->c);
    return false;
}

/* When what is committed now goes, as old clients may ask; -1: as the broker's retention says. */
static int64_t expiry(const struct group_commit *in, int64_t wall)
{
    int64_t from = wall > 0 ? wall : 0, at;
    if (in->retention_ms < 0)
        return -1;
    return __builtin_add_overflow(from, in->retention_ms, &at) ? INT64_MAX : at;
}

static int16_t write_commit(struct slot *s, struct group_call *call)
{
    const struct group_commit *in = call->req;
    struct commit *cm = arena_alloc(call->arena, sizeof *cm);
    if (!cm || !has_room(s, in))
        return KP_ERR_COORDINATOR_NOT_AVAILABLE;
    *cm = (struct commit){s, call};
    struct batch_builder b;
    batch_builder_init(&b, BATCH_NONE);
    int64_t wall = coordinator_note(s->c);
    for (int32_t i = 0; i < in->n; i++) {
        in->parts[i].offset.commit_ms = wall;
        in->parts[i].offset.expire_ms = expiry(in, wall);
        group_records_offset(&b, wall, in->group, &in->parts[i].offset);
    }
    int16_t error = KP_ERR_INVALID_COMMIT_OFFSET_SIZE;
    if (batch_builder_size(&b) <= s->c->cfg.commit_bytes)
        error = coordinator_write_error(coordinator_append(s, &b, commit_done, cm));
    batch_builder_release(&b);
    return error;
}

void coordinator_commit(struct coordinator *c, struct group_call *call)
{
    const struct group_commit *in = call->req;
    struct slot *s = NULL;
    int16_t error = find_for_commit(c, in, &s);
    if (!error)
        error = group_may_commit(s->group, coordinator_now(c), &in->who);
    bool done = error || !in->n;
    if (!done) {
        error = write_commit(s, call);
        done = error != KP_ERR_NONE;
    }
    if (done)
        answer_commit(call, error);
    if (s)
        coordinator_settle(s);
}

/* ---- OffsetFetch */

static struct kp_offset_fetch_resp_groups_topics_partitions *
add_partition(struct kp_offset_fetch_resp_groups_topics *t, int32_t partition)
{
    struct kp_offset_fetch_resp_groups_topics_partitions *p = &t->partitions[t->n_partitions++];
    p->partition_index = partition;
    p->committed_offset = -1;
    p->metadata = kp_strn("", 0);
    return p;
}

static bool fill_partition(struct arena *a, struct kp_offset_fetch_resp_groups_topics_partitions *p,
                           const struct group_offset *o)
{
    p->committed_offset = o->offset;
    p->committed_leader_epoch = o->leader_epoch;
    return coordinator_copy(a, &p->metadata, o->metadata);
}

static bool lives(const struct coordinator *c, const struct group_offset *o)
{
    return c->cfg.host->topic_lives(c->cfg.host->ctx, o->topic, &o->topic_id);
}

static bool start_topic(struct arena *a, struct kp_offset_fetch_resp_groups_topics *t,
                        struct kp_str name, int32_t n)
{
    t->partitions = kp_array(&kp_offset_fetch_resp_groups_topics_partitions_schema, a, (size_t)n);
    return t->partitions && coordinator_copy(a, &t->name, name);
}

/* Those that were asked for; without an offset where there is none. g may be NULL. */
static bool fetch_named(struct coordinator *c, struct arena *a, const struct group *g,
                        const struct kp_offset_fetch_req_groups *asked,
                        struct kp_offset_fetch_resp_groups *out)
{
    out->topics = kp_array(&kp_offset_fetch_resp_groups_topics_schema, a, (size_t)asked->n_topics);
    if (!out->topics)
        return false;
    for (int32_t i = 0; i < asked->n_topics; i++) {
        const struct kp_offset_fetch_req_groups_topics *t = &asked->topics[i];
        struct kp_offset_fetch_resp_groups_topics *to = &out->topics[out->n_topics++];
        if (!start_topic(a, to, t->name, t->n_partition_indexes))
            return false;
        for (int32_t j = 0; j < t->n_partition_indexes; j++) {
            struct kp_offset_fetch_resp_groups_topics_partitions *p =
                add_partition(to, t->partition_indexes[j]);
            const struct group_offset *o =
                g ? group_offsets_find(&g->offsets, t->name, t->partition_indexes[j]) : NULL;
            if (o && lives(c, o) && !fill_partition(a, p, o))
                return false;
        }
    }
    return true;
}

/* All of a group: the offsets of topics that live. Topics come and go on another thread meanwhile,
 * so each is asked about once, and what is counted and told after that is what was gathered. */
struct gathered {
    struct coordinator *c;
    const struct group_offset **of; /* by topic; room for all of the group's */
    size_t n;
    const struct group_offset *last; /* that was looked at, */
    bool last_lives;                 /* and what was found */
};

static void gather(void *ctx, const struct group_offset *o)
{
    struct gathered *all = ctx;
    const struct group_offset *last = all->last;
    all->last = o;
    if (!last || !kp_str_eq(last->topic, o->topic) || !uuid_eq(&last->topic_id, &o->topic_id))
        all->last_lives = lives(all->c, o);
    if (all->last_lives)
        all->of[all->n++] = o;
}

/* How many, from the first on, are of one topic; n is not 0. */
static size_t run_of_topic(const struct group_offset *const *of, size_t n)
{
    size_t run = 1;
    while (run < n && kp_str_eq(of[run]->topic, of[0]->topic))
        run++;
    return run;
}

static bool tell_topic(struct arena *a, struct kp_offset_fetch_resp_groups_topics *t,
                       const struct group_offset *const *of, size_t n)
{
    if (!start_topic(a, t, of[0]->topic, (int32_t)n))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!fill_partition(a, add_partition(t, of[i]->partition), of[i]))
            return false;
    }
    return true;
}

static bool fetch_all(struct coordinator *c, struct arena *a, const struct group *g,
                      struct kp_offset_fetch_resp_groups *out)
{
    struct gathered all = {.c = c};
    all.of = arena_array(a, group_offsets_count(&g->offsets), sizeof *all.of);
    if (!all.of)
        return false;
    group_offsets_each(&g->offsets, gather, &all);
    size_t topics = 0;
    for (size_t i = 0; i < all.n; i += run_of_topic(&all.of[i], all.n - i))
        topics++;
    out->topics = kp_array(&kp_offset_fetch_resp_groups_topics_schema, a, topics);
    if (!out->topics)
        return false;
    for (size_t i = 0, run; i < all.n; i += run) {
        run = run_of_topic(&all.of[i], all.n - i);
        if (!tell_topic(a, &out->topics[out->n_topics++], &all.of[i], run))
            return false;
    }
    return true;
}

/* A call, and each of the groups it asks for. */
struct fetching {
    struct coordinator *c;
    struct group_call *call;
    int32_t left;
};
struct fetch_wait {
    struct fetch_wait *next; /* of its slot, if it waits */
    struct fetching *all;
    const struct kp_offset_fetch_req_groups *asked;
    struct kp_offset_fetch_resp_groups *out;
    uint64_t due; /* how many of the slot's batches have come back then */
};

static void settle_fetch(struct fetching *all)
{
    if (--all->left == 0)
        all->call->done(all->call);
}

/* g may be NULL. */
static void answer_fetch(struct fetch_wait *w, const struct group *g)
{
    struct coordinator *c = w->all->c;
    struct arena *a = w->all->call->arena;
    bool ok = true;
    if (w->asked->n_topics >= 0)
        ok = fetch_named(c, a, g, w->asked, w->out);
    else if (g)
        ok = fetch_all(c, a, g, w->out);
    if (!ok) {
        w->out->n_topics = 0;
        w->out->error_code = KP_ERR_COORDINATOR_NOT_AVAILABLE;
    }
    settle_fetch(w->all);
}

static void begin_fetch(struct fetch_wait *w)
{
    struct coordinator *c = w->all->c;
    w->out->group_id = w->asked->group_id;
    w->out->error_code = coordinator_check(c, w->asked->group_id);
    if (w->out->error_code) {
        settle_fetch(w->all);
        return;
    }
    struct slot *s = coordinator_find(c, w->asked->group_id);
    if (!s || s->group->state == GROUP_DEAD) {
        answer_fetch(w, NULL);
    } else if (!s->writes) {
        answer_fetch(w, s->group);
    } else {
        w->due = s->n_written + (uint64_t)s->writes;
        *s->last_fetch = w;
        s->last_fetch = &w->next;
    }
}

/* A group that is dead by now was not when they came: it was deleted behind them. */
void coordinator_fetch_due(struct slot *s)
{
    for (struct fetch_wait *w; (w = s->fetches) && w->due <= s->n_written;) {
        s->fetches = w->next;
        if (!s->fetches)
            s->last_fetch = &s->fetches;
        answer_fetch(w, s->group);
    }
}

static void refuse_fetch(struct group_call *call)
{
    const struct group_fetch *in = call->req;
    struct kp_offset_fetch_resp_groups *out = call->resp;
    for (int32_t i = 0; i < in->n; i++) {
        out[i].group_id = in->groups[i].group_id;
        out[i].error_code = KP_ERR_COORDINATOR_NOT_AVAILABLE;
    }
    call->done(call);
}

void coordinator_fetch(struct coordinator *c, struct group_call *call)
{
    const struct group_fetch *in = call->req;
    struct kp_offset_fetch_resp_groups *out = call->resp;
    struct fetching *all = arena_alloc(call->arena, sizeof *all);
    struct fetch_wait *waits = arena_array(call->arena, (size_t)in->n, sizeof *waits);
    if (!all || !waits) {
        refuse_fetch(call);
        return;
    }
    *all = (struct fetching){c, call, 1 + in->n}; /* one of ours, until all are begun */
    for (int32_t i = 0; i < in->n; i++) {
        waits[i] = (struct fetch_wait){.all = all, .asked = &in->groups[i], .out = &out[i]};
        begin_fetch(&waits[i]);
    }
    settle_fetch(all);
}

/* ---- OffsetDelete */

/* Calls each for every partition that is still to be answered without an error. */
static void each_part(struct group_call *call,
                      void (*each)(void *ctx, struct kp_str topic,
                                   struct kp_offset_delete_resp_topics_partitions *p),
                      void *ctx)
{
    struct kp_offset_delete_resp *resp = call->resp;
    for (int32_t i = 0; i < resp->n_topics; i++) {
        for (int32_t j = 0; j < resp->topics[i].n_partitions; j++) {
            if (!resp->topics[i].partitions[j].error_code)
                each(ctx, resp->topics[i].name, &resp->topics[i].partitions[j]);
        }
    }
}

static bool is_read_by_members(const struct group *g, struct kp_str topic)
{
    for (const struct group_member *m = g->members; m; m = m->next) {
        /* Before a protocol is chosen any of its offers may be the one. */
        for (int32_t i = 0; i < m->protocols.n; i++) {
            if (group_subscription_has(m->protocols.of[i].metadata, topic))
                return true;
        }
    }
    return false;
}

static void refuse_if_read(void *ctx, struct kp_str topic,
                           struct kp_offset_delete_resp_topics_partitions *p)
{
    if (is_read_by_members(ctx, topic))
        p->error_code = KP_ERR_GROUP_SUBSCRIBED_TO_TOPIC;
}

struct forget {
    struct slot *slot;
    struct group_call *call;
    struct batch_builder batch;
    int64_t wall;
    int32_t n;
    int16_t error;
};

static void add_tombstone(void *ctx, struct kp_str topic,
                          struct kp_offset_delete_resp_topics_partitions *p)
{
    struct forget *f = ctx;
    group_records_no_offset(&f->batch, f->wall, f->slot->group->id, topic, p->partition_index);
    f->n++;
}

static void remove_offset(void *ctx, struct kp_str topic,
                          struct kp_offset_delete_resp_topics_partitions *p)
{
    struct forget *f = ctx;
    p->error_code = f->error;
    if (!f->error)
        group_offsets_remove(&f->slot->group->offsets, topic, p->partition_index);
}

static void forget_done(void *arg, int code)
{
    struct forget *f = arg;
    struct slot *s = f->slot;
    coordinator_came_back(s);
    f->error = coordinator_write_error(code);
    each_part(f->call, remove_offset, f);
    f->call->done(f->call);
    coordinator_settle(s);
}

static int16_t check_forget(const struct group *g)
{
    if (g->state == GROUP_DEAD)
        return KP_ERR_GROUP_ID_NOT_FOUND;
    bool opaque = g->members && !kp_str_is(g->protocol_type, "consumer");
    return opaque ? KP_ERR_NON_EMPTY_GROUP : KP_ERR_NONE;
}

/* 0 when the call is on its way, or there was nothing to do and it is *done. */
static int16_t forget(struct slot *s, struct group_call *call, bool *done)
{
    int16_t error = check_forget(s->group);
    if (error)
        return error;
    each_part(call, refuse_if_read, s->group);
    struct forget *f = arena_alloc(call->arena, sizeof *f);
    if (!f)
        return KP_ERR_COORDINATOR_NOT_AVAILABLE;
    *f = (struct forget){.slot = s, .call = call, .wall = coordinator_wall(s->c)};
    batch_builder_init(&f->batch, BATCH_NONE);
    each_part(call, add_tombstone, f);
    *done = !f->n;
    if (f->n)
        error = coordinator_write_error(coordinator_append(s, &f->batch, forget_done, f));
    batch_builder_release(&f->batch);
    return error;
}

void coordinator_delete_offsets(struct coordinator *c, struct group_call *call)
{
    const struct kp_offset_delete_req *req = call->req;
    struct kp_offset_delete_resp *resp = call->resp;
    bool done = false;
    struct slot *s = NULL;
    resp->error_code = coordinator_check(c, req->group_id);
    if (!resp->error_code) {
        s = coordinator_find(c, req->group_id);
        resp->error_code = s ? forget(s, call, &done) : KP_ERR_GROUP_ID_NOT_FOUND;
    }
    if (resp->error_code) {
        resp->n_topics = 0;
        done = true;
    }
    if (done)
        call->done(call);
    if (s)
        coordinator_settle(s);
}

/* coordinator_bury.c - deleting groups, and what time takes away.
 *
 * A key is gone from the log when its last record has no value. So that no record follows that one,
 * a group is dead, and its writes under way are through, before its keys are taken away; single
 * offsets are only taken from a group that writes nothing.
 *
 * Offsets grow old by a time that does not jump (wall.h), begun at the latest one that the log
 * states. What was noted before a leap ahead is taken for noted at the leap.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "broker/coordinator_impl.h"
#include "broker/group_records.h"

enum { SWEEP_STEP = 500 }; /* groups looked at before others get their turn */

/* ---- whole groups */

struct burial {
    struct slot *slot;
    void (*done)(void *arg, int16_t error);
    void *arg;
};

struct tombstones {
    struct batch_builder *batch;
    int64_t wall;
    struct kp_str group;
};

static void bury_offset(void *ctx, const struct group_offset *o)
{
    struct tombstones *t = ctx;
    group_records_no_offset(t->batch, t->wall, t->group, o->topic, o->partition);
}

static void finish(struct burial *b, int code)
{
    struct slot *s = b->slot;
    s->burial = NULL;
    b->done(b->arg, coordinator_write_error(code));
    free(b);
    if (!code) {
        coordinator_drop(s);
        return;
    }
    group_set_dead(s->group, false);
    coordinator_settle(s);
}

static void buried(void *arg, int code)
{
    struct burial *b = arg;
    coordinator_came_back(b->slot);
    finish(b, code);
}

void coordinator_bury_next(struct slot *s)
{
    struct burial *b = s->burial;
    struct batch_builder batch;
    struct tombstones t = {&batch, coordinator_wall(s->c), s->group->id};
    batch_builder_init(&batch, BATCH_NONE);
    group_offsets_each(&s->group->offsets, bury_offset, &t);
    group_records_no_state(&batch, t.wall, t.group);
    int rc = coordinator_append(s, &batch, buried, b);
    batch_builder_release(&batch);
    s->burial = NULL;
    if (rc)
        finish(b, rc);
}

void coordinator_bury(struct slot *s, void (*done)(void *arg, int16_t error), void *arg)
{
    struct burial *b = malloc(sizeof *b);
    if (!b) {
        done(arg, KP_ERR_COORDINATOR_NOT_AVAILABLE);
        return;
    }
    *b = (struct burial){s, done, arg};
    group_set_dead(s->group, true);
    s->burial = b;
    coordinator_settle(s);
}

/* ---- what time takes away */

/* Offsets on their way out. */
struct sweep {
    struct slot *slot;
    struct arena arena;
    struct gone {
        struct gone *next;
        struct kp_str topic;
        int32_t partition;
    } * gone;
    struct batch_builder batch;
    int64_t wall;       /* of the records */
    int64_t now, leapt; /* wall.h */
    size_t n;
};

static int64_t age(const struct sweep *sw, int64_t since)
{
    return sw->now - (since > sw->leapt ? since : sw->leapt);
}

static bool is_old(const struct sweep *sw, const struct group_offset *o)
{
    const struct group *g = sw->slot->group;
    if (g->state != GROUP_EMPTY)
        return false;
    if (o->expire_ms >= 0) { /* that long after the commit */
        int64_t from = o->commit_ms > 0 ? o->commit_ms : 0;
        return o->expire_ms <= sw->now && age(sw, from) >= o->expire_ms - from;
    }
    /* Whichever came last: the group's last member went, or the offset was committed. */
    int64_t since = g->since_ms > o->commit_ms ? g->since_ms : o->commit_ms;
    return age(sw, since) >= sw->slot->c->cfg.retention_ms;
}

static void look_at(void *ctx, const struct group_offset *o)
{
    struct sweep *sw = ctx;
    struct coordinator *c = sw->slot->c;
    if (!is_old(sw, o) && c->cfg.host->topic_lives(c->cfg.host->ctx, o->topic, &o->topic_id))
        return;
    struct gone *g = arena_alloc(&sw->arena, sizeof *g);
    if (!g || !coordinator_copy(&sw->arena, &g->topic, o->topic))
        return; /* the next sweep may have the memory */
    g->partition = o->partition;
    g->next = sw->gone;
    sw->gone = g;
    sw->n++;
    group_records_no_offset(&sw->batch, sw->wall, sw->slot->group->id, o->topic, o->partition);
}

static void free_sweep(struct sweep *sw)
{
    batch_builder_release(&sw->batch);
    arena_free(&sw->arena);
    free(sw);
}

static void swept(void *arg, int code)
{
    struct sweep *sw = arg;
    struct slot *s = sw->slot;
    coordinator_came_back(s);
    for (struct gone *g = sw->gone; g && !code; g = g->next)
        group_offsets_remove(&s->group->offsets, g->topic, g->partition);
    free_sweep(sw);
    coordinator_settle(s);
}

static void swept_group(void *arg, int16_t error)
{
    struct coordinator *c = arg;
    if (error)
        log_warn(c->cfg.log, "group", "an old group could not be deleted: %s",
                 kp_error_name(error));
}

/* An empty group goes with its last offset. */
static bool is_over(const struct sweep *sw)
{
    const struct group *g = sw->slot->group;
    return g->state == GROUP_EMPTY && !g->n_pending && sw->n == group_offsets_count(&g->offsets);
}

static void sweep_group(struct slot *s)
{
    struct sweep *sw = malloc(sizeof *sw);
    if (!sw)
        return;
    struct coordinator *c = s->c;
    *sw = (struct sweep){.slot = s, .wall = coordinator_wall(c)};
    sw->now = wall_now(&c->wall, c->cfg.clock, NULL); /* the shards tell of jumps */
    sw->leapt = wall_leapt(&c->wall);
    arena_init(&sw->arena, 0);
    batch_builder_init(&sw->batch, BATCH_NONE);
    group_offsets_each(&s->group->offsets, look_at, sw);
    if (is_over(sw)) {
        free_sweep(sw);
        coordinator_bury(s, swept_group, s->c);
    } else if (!sw->n || coordinator_append(s, &sw->batch, swept, sw)) {
        free_sweep(sw);
    }
}

bool coordinator_sweep(struct coordinator *c)
{
    if (!c->swept)
        c->swept = c->slots;
    for (int n = 0; c->swept && n < SWEEP_STEP; n++) {
        struct slot *s = c->swept;
        c->swept = s->next;
        if (!s->writes && !s->burial && s->group->state != GROUP_DEAD &&
            !coordinator_check(c, s->group->id))
            sweep_group(s);
    }
    return c->swept != NULL;
}

/* admin.c - an administrator: creates topics, deletes them, creates them anew, moves log starts,
 * has producer ids handed out, asks for checkpoints. One command at a time; what a crash leaves
 * without an answer is not known until the metadata can be read again. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

#define LL(x) ((long long)(x))

struct sim_admin {
    struct shard_command command;
    struct shard_trim trim;
    bool commanding, trimming;
    enum meta_command_type type;
    struct model_topic *topic; /* of the command */
    struct model_part *part;   /* of the trim */
    struct sim_node *node;
};

/* ---- commands */

static bool node_may_fail(const struct sim_node *n)
{
    return n->disk.life_faults || n->stopping || n->full_once;
}

static void command_ok(struct sim_world *w, struct sim_admin *a)
{
    const struct meta_result *res = &a->command.result;
    if (res->code)
        sim_violation(w, "M1", "command %s was refused: %s", meta_command_name(a->type),
                      err_str(res->code));
    if (a->command.index > w->model.image_index)
        w->model.image_index = a->command.index;
    if (a->type == META_TOPIC_CREATE) {
        a->topic->created = DONE;
        cover(w, COVER_topic_created);
    } else if (a->type == META_TOPIC_DELETE) {
        a->topic->deleted = DONE;
        cover(w, COVER_topic_deleted);
    } else {
        if (res->producer_ids < w->model.next_producer_id)
            sim_violation(w, "P3", "producer ids from %lld on were handed out twice",
                          LL(res->producer_ids));
        w->model.next_producer_id = res->producer_ids + 10;
        cover(w, COVER_producer_ids);
    }
}

static void command_failed(struct sim_world *w, struct sim_admin *a)
{
    if (!node_may_fail(a->node))
        sim_violation(w, "E1", "command %s failed: %s", meta_command_name(a->type),
                      err_str(a->command.code));
    bool refused = a->command.code == ERR_CLOSED || err_is_shortage(a->command.code);
    if (a->type == META_TOPIC_CREATE)
        a->topic->created = refused ? NEVER : UNKNOWN;
    else if (a->type == META_TOPIC_DELETE)
        a->topic->deleted = refused ? NOT_ASKED : UNKNOWN;
}

static void on_command(struct shard_command *c)
{
    struct sim_admin *a = c->arg;
    struct sim_node *n = a->node;
    if (n->tearing || n->disk.dead)
        return;
    trace_line(n->w, "command %s: %s %s", meta_command_name(a->type), err_name(c->code),
               err_name(c->result.code));
    a->commanding = false;
    if (c->code == 0)
        command_ok(n->w, a);
    else
        command_failed(n->w, a);
}

static void propose(struct sim_world *w, struct sim_node *n, enum meta_command_type type,
                    const void *msg)
{
    struct sim_admin *a = w->admin;
    wr_free(&a->command.command);
    a->command = (struct shard_command){.done = on_command, .arg = a};
    wr_init(&a->command.command, 0);
    meta_command_encode(type, msg, &a->command.command);
    a->type = type;
    a->node = n;
    a->commanding = true;
    trace_line(w, "propose %s %s", meta_command_name(type), a->topic ? a->topic->name : "");
    shard_propose(sim_meta_shard(n), &a->command);
    sim_node_touch(n, 0);
}

static void create(struct sim_world *w, struct sim_node *n)
{
    static int32_t self = 1;
    struct meta_topic_create_partitions parts[MODEL_PARTITIONS];
    struct meta_topic_create msg;
    char name[8];
    snprintf(name, sizeof name, "%c", (int)('a' + rng_below(&w->rng, w->plan.topics)));
    for (unsigned i = 0; i < w->model.n_topics; i++) {
        const struct model_topic *t = &w->model.topics[i];
        if (strcmp(t->name, name) == 0 && t->created != NEVER && t->deleted != DONE)
            return; /* there, or perhaps */
    }
    struct model_topic *t = model_topic_new(w, name, (int32_t)w->plan.partitions);
    if (!t)
        return;
    for (int32_t i = 0; i < t->partitions; i++) {
        kp_init(&meta_topic_create_partitions_schema, &parts[i]);
        parts[i].partition = i;
        parts[i].shard = 1;
        parts[i].leader = 1;
        parts[i].n_replicas = 1;
        parts[i].replicas = &self;
    }
    kp_init(&meta_topic_create_schema, &msg);
    msg.name = kp_str(name);
    msg.topic_id = t->id;
    msg.n_partitions = t->partitions;
    msg.partitions = parts;
    w->admin->topic = t;
    propose(w, n, META_TOPIC_CREATE, &msg);
}

static struct model_topic *any_topic(struct sim_world *w)
{
    struct model_topic *of[MODEL_TOPICS];
    size_t n = 0;
    for (unsigned i = 0; i < w->model.n_topics; i++)
        if (model_topic_usable(&w->model.topics[i]))
            of[n++] = &w->model.topics[i];
    return n ? of[rng_below(&w->rng, n)] : NULL;
}

static void delete (struct sim_world *w, struct sim_node *n, struct model_topic *t)
{
    struct meta_topic_delete msg;
    kp_init(&meta_topic_delete_schema, &msg);
    msg.topic_id = t->id;
    t->deleted = ASKED;
    w->admin->topic = t;
    propose(w, n, META_TOPIC_DELETE, &msg);
}

static void hand_out_ids(struct sim_world *w, struct sim_node *n)
{
    struct meta_producer_ids msg;
    kp_init(&meta_producer_ids_schema, &msg);
    msg.node_id = 1;
    msg.count = 10;
    w->admin->topic = NULL;
    propose(w, n, META_PRODUCER_IDS, &msg);
}

/* ---- trims */

static void on_trimmed(struct shard_trim *t)
{
    struct sim_admin *a = t->arg;
    struct sim_world *w = a->node->w;
    struct model_part *p = a->part;
    if (a->node->tearing || a->node->disk.dead)
        return;
    a->trimming = false;
    trace_line(w, "trim %s-%d %lld: %s", p->topic->name, p->partition, LL(t->log_start),
               err_name(t->code));
    if (t->code == 0) {
        cover(w, COVER_trimmed);
        if (t->log_start > p->trim_acked)
            p->trim_acked = t->log_start;
        if (t->log_start > p->trim_asked)
            p->trim_asked = t->log_start;
    } else if (t->code == ERR_OFFSET) {
        cover(w, COVER_trim_refused);
    } else if (t->code != ERR_NOTFOUND || !model_topic_leaving(p->topic)) {
        if (!node_may_fail(a->node))
            sim_violation(w, "E1", "%s-%d: trim failed: %s", p->topic->name, p->partition,
                          err_str(t->code));
    }
}

static void trim(struct sim_world *w, struct sim_node *n, struct model_topic *t)
{
    struct sim_admin *a = w->admin;
    struct model_part *p = &t->part[rng_below(&w->rng, (uint64_t)t->partitions)];
    struct plog *log = shard_partition(sim_data_shard(n), &t->id, p->partition);
    if (a->trimming || !log)
        return;
    int64_t hw = plog_high_watermark(log), to = (int64_t)rng_below(&w->rng, (uint64_t)hw + 1);
    if (rng_below(&w->rng, 8) == 0)
        to = hw + 1000000; /* beyond any end that it may have by then */
    else if (to > p->trim_asked)
        p->trim_asked = to;
    a->trim = (struct shard_trim){.topic_id = t->id,
                                  .partition = p->partition,
                                  .log_start = to,
                                  .done = on_trimmed,
                                  .arg = a};
    a->part = p;
    a->node = n;
    a->trimming = true;
    shard_trim(sim_data_shard(n), &a->trim);
    sim_node_touch(n, 1);
}

/* ---- one event */

static void act(struct sim_world *w, struct sim_node *n)
{
    struct model_topic *t = any_topic(w);
    uint64_t what = rng_below(&w->rng, 16);
    bool stops = n->stopping && n->stop_from == 0;
    if (what < 3) {
        uint32_t shard = (uint32_t)rng_below(&w->rng, 2);
        trace_line(w, "checkpoint node=%u shard=%u", n->id, shard);
        shard_checkpoint(n->shard[shard].s);
        sim_node_touch(n, shard);
    } else if (what < 7 && t) {
        trim(w, n, t);
    } else if (w->admin->commanding || stops) {
        return;
    } else if (what < 9 && t) {
        delete (w, n, t);
    } else if (what < 11) {
        hand_out_ids(w, n);
    } else {
        create(w, n);
    }
}

static void admin_event(struct sim_world *w, const struct event *ev)
{
    struct sim_node *n = sim_node(w, 1);
    bool early = w->model.n_topics < w->plan.topics;
    (void)ev;
    sim_always(w, rng_delay(&w->rng, early ? 2 * SIM_MS : w->plan.admin_every), admin_event, 1,
               NULL);
    if (!n->up || n->disk.dead || w->settling)
        return;
    if (early && !w->admin->commanding)
        create(w, n);
    else
        act(w, n);
}

void sim_admin_begin(struct sim_world *w)
{
    w->admin = sim_alloc(sizeof *w->admin);
    sim_always(w, SIM_MS, admin_event, 1, NULL);
}

bool sim_admin_idle(const struct sim_world *w)
{
    return !w->admin->commanding && !w->admin->trimming;
}

void sim_admin_forget(struct sim_node *n)
{
    struct sim_admin *a = n->w->admin;
    if (a->node != n)
        return;
    if (a->commanding && a->type == META_TOPIC_CREATE)
        a->topic->created = UNKNOWN;
    else if (a->commanding && a->type == META_TOPIC_DELETE)
        a->topic->deleted = UNKNOWN;
    a->commanding = a->trimming = false;
}

void sim_admin_release(struct sim_world *w)
{
    if (w->admin)
        wr_free(&w->admin->command.command);
    free(w->admin);
    w->admin = NULL;
}

/* admin.c - an administrator: creates topics, deletes them, creates them anew, moves log starts,
 * has producer ids handed out, asks for checkpoints. One command at a time; what a crash leaves
 * without an answer is not known until the metadata can be read again. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

#define LL(x) ((long long)(x))

enum { IDS = 10 }; /* in a block */

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
    return n->disk.life_faults || n->stopping || n->full_once || n->w->plan.nodes > 1;
}

static void take_ids(struct sim_world *w, const struct meta_result *res)
{
    if (res->producer_ids < w->model.next_producer_id)
        sim_violation(w, "P3", "producer ids from %lld on were handed out twice",
                      LL(res->producer_ids));
    w->model.next_producer_id = res->producer_ids + IDS;
    cover(w, COVER_producer_ids);
}

static void command_ok(struct sim_world *w, struct sim_admin *a)
{
    const struct meta_result *res = &a->command.result;
    if (res->code)
        sim_violation(w, "M1", "command %s was refused: %s", meta_command_name(a->type),
                      err_str(res->code));
    if (a->command.index > w->model.image_index)
        w->model.image_index = a->command.index;
    switch (a->type) {
    case META_TOPIC_CREATE:
        a->topic->created = DONE;
        cover(w, COVER_topic_created);
        return;
    case META_TOPIC_DELETE:
        a->topic->deleted = DONE;
        cover(w, COVER_topic_deleted);
        return;
    case META_PARTITIONS_ADD:
        a->topic->partitions = a->topic->partitions_asked;
        cover(w, COVER_partitions_added);
        return;
    case META_CONFIG_SET:
        cover(w, COVER_settings_changed);
        return;
    default:
        take_ids(w, res);
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
    else if (a->type == META_PARTITIONS_ADD && refused)
        a->topic->partitions_asked = a->topic->partitions;
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

static int32_t self = 1; /* replicas */

static void fill_partitions(struct meta_topic_create_partitions *parts, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        kp_init(&meta_topic_create_partitions_schema, &parts[i]);
        parts[i].partition = i;
        parts[i].shard = 1;
        parts[i].leader = 1;
        parts[i].n_replicas = 1;
        parts[i].replicas = &self;
    }
}

/* As texts, as a topic's settings are kept. */
struct texts {
    struct meta_topic_create_configs of[6];
    char value[2][24];
    int32_t n;
};

static void add_text(struct texts *t, const char *name, const char *value)
{
    t->of[t->n++] = (struct meta_topic_create_configs){kp_str(name), kp_str(value)};
}

static struct model_settings draw_settings(struct sim_world *w)
{
    struct model_settings set = {.retention_bytes = -1, .retention_ms = -1};
    if (!rng_chance(&w->rng, w->plan.special_ppm))
        return set;
    switch (rng_below(&w->rng, 5)) {
    case 3:
    case 4:
        set.compact = true;
        set.deletes_may_go = rng_below(&w->rng, 2);
        break;
    case 0: /* a time that jumps says nothing of age */
        set.append_time = true;
        break;
    case 1:
        set.retention_bytes = (int64_t)rng_below(&w->rng, 20000);
        break;
    default:
        set.retention_ms = (int64_t)rng_below(&w->rng, 300);
    }
    return set;
}

static void fill_settings(struct texts *t, const struct model_settings *set)
{
    if (set->append_time)
        add_text(t, "message.timestamp.type", "LogAppendTime");
    if (set->compact) {
        add_text(t, "cleanup.policy", "compact");
        add_text(t, "min.cleanable.dirty.ratio", "0.01");
        add_text(t, "delete.retention.ms", set->deletes_may_go ? "0" : "86400000");
    }
    snprintf(t->value[0], sizeof t->value[0], "%lld", LL(set->retention_bytes));
    snprintf(t->value[1], sizeof t->value[1], "%lld", LL(set->retention_ms));
    add_text(t, "retention.bytes", t->value[0]);
    add_text(t, "retention.ms", t->value[1]);
}

static void create(struct sim_world *w, struct sim_node *n)
{
    struct meta_topic_create_partitions parts[MODEL_PARTITIONS];
    struct meta_topic_create msg;
    struct texts texts = {.n = 0};
    char name[8];
    snprintf(name, sizeof name, "%c", (int)('a' + rng_below(&w->rng, w->plan.topics)));
    for (unsigned i = 0; i < w->model.n_topics; i++) {
        const struct model_topic *t = &w->model.topics[i];
        if (strcmp(t->name, name) == 0 && t->created != NEVER && t->deleted != DONE)
            return; /* there, or perhaps */
    }
    struct model_topic *t = model_topic_new(w, name, (int32_t)w->plan.partitions, draw_settings(w));
    if (!t)
        return;
    fill_partitions(parts, t->partitions);
    fill_settings(&texts, &t->set);
    kp_init(&meta_topic_create_schema, &msg);
    msg.name = kp_str(name);
    msg.topic_id = t->id;
    msg.n_partitions = t->partitions;
    msg.partitions = parts;
    msg.n_configs = texts.n;
    msg.configs = texts.of;
    w->admin->topic = t;
    propose(w, n, META_TOPIC_CREATE, &msg);
}

static void add_partition(struct sim_world *w, struct sim_node *n, struct model_topic *t)
{
    struct meta_partitions_add_partitions part;
    struct meta_partitions_add msg;
    if (t->partitions != t->partitions_asked || t->partitions == MODEL_PARTITIONS)
        return;
    kp_init(&meta_partitions_add_partitions_schema, &part);
    part.partition = t->partitions_asked++;
    part.shard = 1;
    part.leader = 1;
    part.n_replicas = 1;
    part.replicas = &self;
    kp_init(&meta_partitions_add_schema, &msg);
    msg.topic_id = t->id;
    msg.n_partitions = 1;
    msg.partitions = &part;
    w->admin->topic = t;
    propose(w, n, META_PARTITIONS_ADD, &msg);
}

/* Retention by size, tighter or none. What was asked for once counts as asked for, since nobody
 * says when the shard has learnt of another wish. */
static void change_retention(struct sim_world *w, struct sim_node *n, struct model_topic *t)
{
    struct meta_config_set_configs config;
    struct meta_config_set msg;
    char value[24];
    int64_t bytes = rng_below(&w->rng, 3) ? (int64_t)rng_below(&w->rng, 30000) : -1;
    snprintf(value, sizeof value, "%lld", LL(bytes));
    if (t->set.compact)
        return;
    if (bytes >= 0 && (t->set.retention_bytes < 0 || bytes < t->set.retention_bytes))
        t->set.retention_bytes = bytes;
    kp_init(&meta_config_set_configs_schema, &config);
    config.name = kp_str("retention.bytes");
    config.value = kp_str(value);
    kp_init(&meta_config_set_schema, &msg);
    msg.resource_type = META_RESOURCE_TOPIC;
    msg.topic_id = t->id;
    msg.n_configs = 1;
    msg.configs = &config;
    w->admin->topic = t;
    propose(w, n, META_CONFIG_SET, &msg);
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

static void delete_topic(struct sim_world *w, struct sim_node *n, struct model_topic *t)
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
    msg.count = IDS;
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
    bool alone = w->plan.nodes == 1; /* else the metadata stays as it is */
    uint64_t what = rng_below(&w->rng, alone ? 16 : 7);
    bool stops = n->stopping && n->stop_from == 0;
    if (what < 3) {
        uint32_t shard = alone ? (uint32_t)rng_below(&w->rng, 2) : 1;
        trace_line(w, "checkpoint node=%u shard=%u", n->id, shard);
        shard_checkpoint(n->shard[shard].s);
        sim_node_touch(n, shard);
    } else if (what < 7 && t) {
        trim(w, n, t);
    } else if (w->admin->commanding || stops) {
        return;
    } else if (what < 9 && t) {
        delete_topic(w, n, t);
    } else if (what == 9 && t) {
        add_partition(w, n, t);
    } else if (what == 10 && t && rng_chance(&w->rng, w->plan.special_ppm)) {
        change_retention(w, n, t);
    } else if (what < 12) {
        hand_out_ids(w, n);
    } else {
        create(w, n);
    }
}

static void admin_event(struct sim_world *w, const struct event *ev)
{
    struct sim_node *n = sim_node(w, 1 + (uint32_t)rng_below(&w->rng, w->plan.nodes));
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

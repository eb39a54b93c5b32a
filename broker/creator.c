#include "broker/creator.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "broker/broker.h"
#include "broker/container.h"
#include "broker/metadata.h"
#include "broker/rcu.h"
#include "broker/topics.h"
#include "broker/worker.h"

struct creation {
    struct creation *next;
    struct creator *creator;
    struct arena arena;
    struct kp_str name; /* in the arena */
    struct creation_wait *waits;
    struct proposal proposal;
};

void creator_init(struct creator *c, struct broker *b)
{
    c->broker = b;
    c->under_way = NULL;
    c->n = 0;
    pthread_mutex_init(&c->lock, NULL);
}

void creator_release(struct creator *c)
{
    pthread_mutex_destroy(&c->lock);
}

static void tell(struct loop_msg *m)
{
    struct creation_wait *w = container_of(m, struct creation_wait, msg);
    rcu_enter();
    w->done(w, w->code);
    rcu_leave();
}

static void answer(struct creation_wait *w, int code)
{
    w->code = code;
    w->msg.run = tell;
    loop_post(w->home->loop, &w->msg);
}

static void creation_free(struct creation *cr)
{
    proposal_release(&cr->proposal);
    arena_free(&cr->arena);
    free(cr);
}

/* Shard 0's thread: applied, and the image is out. */
static void settled(struct proposal *p)
{
    struct creation *cr = p->arg;
    struct creator *c = cr->creator;
    pthread_mutex_lock(&c->lock);
    struct creation **at = &c->under_way;
    while (*at != cr)
        at = &(*at)->next;
    *at = cr->next;
    c->n--;
    pthread_mutex_unlock(&c->lock);

    int code = p->command.code ? p->command.code : p->command.result.code;
    if (code == ERR_EXISTS)
        code = 0; /* somebody asked for it by CreateTopics */
    for (struct creation_wait *w = cr->waits, *next; w; w = next) {
        next = w->next;
        answer(w, code);
    }
    creation_free(cr);
}

static struct creation *creation_new(struct creator *c, struct kp_str name)
{
    struct creation *cr = calloc(1, sizeof *cr);
    if (!cr)
        return NULL;
    arena_init(&cr->arena, 0);
    cr->creator = c;
    cr->name = kp_strn(arena_strn(&cr->arena, name.p, (size_t)name.n), (size_t)name.n);
    if (cr->name.p)
        return cr;
    arena_free(&cr->arena);
    free(cr);
    return NULL;
}

/* Committed offsets must never grow too old to be kept: compacted, and nothing else. */
static int plan_offsets(struct broker *b, struct creation *cr, struct meta_topic_create *command)
{
    const struct settings *s = b->settings;
    int rc = broker_topic_plan(b, &cr->arena, cr->name, s->offsets_topic_num_partitions, command);
    if (rc)
        return rc;
    const char *bytes = arena_printf(&cr->arena, "%" PRId32, s->offsets_topic_segment_bytes);
    command->configs = arena_array(&cr->arena, 2, sizeof *command->configs);
    if (!bytes || !command->configs)
        return -ENOMEM;
    command->n_configs = 2;
    command->configs[0] = (struct meta_topic_create_configs){.name = kp_str("cleanup.policy"),
                                                             .value = kp_str("compact")};
    command->configs[1] =
        (struct meta_topic_create_configs){.name = kp_str("segment.bytes"), .value = kp_str(bytes)};
    return 0;
}

static int plan(struct broker *b, struct creation *cr, struct meta_topic_create *command)
{
    if (kp_str_is(cr->name, OFFSETS_TOPIC))
        return plan_offsets(b, cr, command);
    return broker_topic_plan(b, &cr->arena, cr->name, (int32_t)live_now(b, num_partitions),
                             command);
}

/* Under the lock. */
static int propose(struct creator *c, struct kp_str name, struct creation_wait *w)
{
    struct creation *cr = creation_new(c, name);
    if (!cr)
        return -ENOMEM;
    struct meta_topic_create command;
    int rc = plan(c->broker, cr, &command);
    if (rc) {
        creation_free(cr);
        return rc;
    }
    w->next = NULL;
    cr->waits = w;
    cr->proposal.done = settled;
    cr->proposal.arg = cr;
    cr->next = c->under_way;
    c->under_way = cr;
    c->n++;
    metadata_propose(c->broker->metadata, &cr->proposal, META_TOPIC_CREATE, &command);
    return 0;
}

void creator_want(struct creator *c, struct kp_str name, struct creation_wait *w)
{
    int rc = 0;
    bool settled_already = false;
    pthread_mutex_lock(&c->lock);
    struct creation *cr = c->under_way;
    while (cr && !kp_str_eq(cr->name, name))
        cr = cr->next;
    if (cr) {
        w->next = cr->waits;
        cr->waits = w;
    } else if (meta_topic_by_name(image_get(&c->broker->image), span_of(name.p, (size_t)name.n))) {
        settled_already = true;
    } else if (c->n >= CREATIONS_MAX && !kp_str_is(name, OFFSETS_TOPIC)) {
        rc = ERR_TIMEOUT;
        settled_already = true;
    } else {
        rc = propose(c, name, w);
        settled_already = rc != 0;
    }
    pthread_mutex_unlock(&c->lock);
    if (settled_already)
        answer(w, rc);
}

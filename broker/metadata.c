#include "broker/metadata.h"

#include <errno.h>
#include <stdlib.h>

#include "broker/broker.h"
#include "broker/container.h"
#include "broker/rcu.h"
#include "broker/shard_thread.h"
#include "broker/worker.h"

enum { RETRY_MS = 100 };

/* An image on its round through the data shards. */
struct round {
    struct metadata *m;
    struct round *next; /* begun later */
    struct meta_image *image;
    uint32_t left; /* shards where it is not in force yet */
    struct metadata_stop {
        struct loop_msg msg; /* to the shard and back */
        struct round *round;
        struct shard_thread *shard;
        struct metadata_stop *next; /* at the same shard, handed over later */
    } stops[];
};

struct metadata {
    struct broker *broker;
    bool attached;
    uint64_t published; /* index of the image that loops see */
    struct round *rounds, **rounds_last;
    struct proposal *held,
        **held_last; /* applied, but their image is still on its round; by index */
    struct loop_msg attach;
    struct meta_image *late; /* there was no memory for its round; NULL: none */
};

/* ---- proposals */

static void tell(struct proposal *p)
{
    rcu_enter();
    p->done(p);
    rcu_leave();
}

static void tell_on_loop(struct loop_msg *m)
{
    tell(container_of(m, struct proposal, msg));
}

static void deliver(struct proposal *p)
{
    if (!p->home) {
        tell(p);
        return;
    }
    p->msg.run = tell_on_loop;
    loop_post(p->home->loop, &p->msg);
}

static void deliver_published(struct metadata *m)
{
    while (m->held && m->held->command.index <= m->published) {
        struct proposal *p = m->held;
        m->held = p->next;
        if (!m->held)
            m->held_last = &m->held;
        deliver(p);
    }
}

static void applied(struct shard_command *c)
{
    struct proposal *p = container_of(c, struct proposal, command);
    struct metadata *m = p->to;
    if (c->code) {
        deliver(p); /* it has no index */
        return;
    }
    p->next = NULL;
    *m->held_last = p;
    m->held_last = &p->next;
    deliver_published(m);
}

static void arrive(struct loop_msg *msg)
{
    struct proposal *p = container_of(msg, struct proposal, msg);
    p->command.done = applied;
    if (p->command.command.err) {
        p->command.code = p->command.command.err;
        deliver(p);
        return;
    }
    shard_propose(shard_thread_shard(p->to->broker->shards[0]), &p->command);
}

void metadata_propose(struct metadata *m, struct proposal *p, enum meta_command_type type,
                      const void *msg)
{
    p->command = (struct shard_command){0};
    wr_init(&p->command.command, 0);
    meta_command_encode(type, msg, &p->command.command);
    p->to = m;
    p->msg.run = arrive;
    shard_thread_post(m->broker->shards[0], &p->msg);
}

void proposal_release(struct proposal *p)
{
    wr_free(&p->command.command);
}

/* ---- images */

static void publish(struct metadata *m, struct meta_image *image)
{
    struct broker *b = m->broker;
    live_update(&b->live, b->settings, image, b->node_id);
    log_set_level(b->log, (enum log_level)live_now(b, log_level));
    image_publish(&b->image, image);
    m->published = meta_index(image);
    deliver_published(m);
}

static void end_round(struct metadata *m)
{
    struct round *r = m->rounds;
    m->rounds = r->next;
    if (!m->rounds)
        m->rounds_last = &m->rounds;
    meta_image_unref(r->image);
    free(r);
}

/* Shard 0's thread: the image is in force at a data shard. Rounds end in the order in which they
 * began, since each shard takes them in order. */
static void came_back(struct loop_msg *msg)
{
    struct round *r = container_of(msg, struct metadata_stop, msg)->round;
    struct metadata *m = r->m;
    if (--r->left)
        return;
    publish(m, r->image);
    end_round(m);
}

/* A data shard's thread. */
static void visit(struct loop_msg *msg)
{
    struct metadata_stop *s = container_of(msg, struct metadata_stop, msg);
    struct metadata_visits *v = shard_thread_visits(s->shard);
    shard_set_image(shard_thread_shard(s->shard), s->round->image);
    s->next = NULL;
    *v->last = s;
    v->last = &s->next;
}

void metadata_visits_init(struct metadata_visits *v)
{
    v->first = NULL;
    v->last = &v->first;
}

/* A poisoned shard takes no images any more; the others go on. */
static bool in_force(const struct metadata_stop *stop, const struct shard *s)
{
    return shard_image_index(s) >= meta_index(stop->round->image) || shard_poisoned(s);
}

void metadata_visits_end(struct metadata_visits *v, struct shard *s)
{
    while (v->first && in_force(v->first, s)) {
        struct metadata_stop *stop = v->first;
        v->first = stop->next;
        if (!v->first)
            v->last = &v->first;
        stop->msg.run = came_back;
        shard_thread_post(stop->round->m->broker->shards[0], &stop->msg);
    }
}

/* No memory for a round: it is tried again, with what is the newest image then; it says all that
 * the ones before it said. */
static void be_late(struct metadata *m, struct meta_image *image)
{
    if (!m->late)
        log_error(
            m->broker->log, "metadata",
            "out of memory to hand on new metadata: changes of topics wait until there is some");
    meta_image_ref(image);
    meta_image_unref(m->late);
    m->late = image;
}

int64_t metadata_retry(struct metadata *m)
{
    struct meta_image *image = m->late;
    if (!image)
        return INT64_MAX;
    meta_image_ref(image); /* spread lets go of its own */
    metadata_spread(m, image);
    meta_image_unref(image);
    return m->late ? RETRY_MS : INT64_MAX;
}

void metadata_spread(struct metadata *m, struct meta_image *image)
{
    struct broker *b = m->broker;
    uint32_t n = m->attached ? b->n_shards - 1 : 0;
    if (!n) {
        publish(m, image);
        return;
    }
    struct round *r = malloc(sizeof *r + n * sizeof r->stops[0]);
    if (!r) {
        be_late(m, image);
        return;
    }
    meta_image_unref(m->late);
    m->late = NULL;
    r->m = m;
    r->next = NULL;
    *m->rounds_last = r;
    m->rounds_last = &r->next;
    r->image = meta_image_ref(image);
    r->left = n;
    for (uint32_t i = 0; i < n; i++) {
        r->stops[i] = (struct metadata_stop){.round = r, .shard = b->shards[i + 1]};
        r->stops[i].msg.run = visit;
    }
    for (uint32_t i = 0; i < n; i++)
        shard_thread_post(b->shards[i + 1], &r->stops[i].msg);
}

static void attach(struct loop_msg *msg)
{
    struct metadata *m = container_of(msg, struct metadata, attach);
    m->attached = true;
    metadata_spread(m, shard_image(shard_thread_shard(m->broker->shards[0])));
}

void metadata_attach(struct metadata *m)
{
    m->attach.run = attach;
    shard_thread_post(m->broker->shards[0], &m->attach);
}

struct metadata *metadata_new(struct broker *b)
{
    struct metadata *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->broker = b;
    m->held_last = &m->held;
    m->rounds_last = &m->rounds;
    return m;
}

void metadata_free(struct metadata *m)
{
    while (m && m->rounds)
        end_round(m);
    if (m)
        meta_image_unref(m->late);
    free(m);
}

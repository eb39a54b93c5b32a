#include "broker/producer_ids.h"

#include "broker/broker.h"
#include "broker/container.h"
#include "broker/rcu.h"
#include "broker/worker.h"

enum { BLOCK = 1000 };

void producer_ids_init(struct producer_ids *ids, struct broker *b)
{
    *ids = (struct producer_ids){.broker = b};
    ids->last = &ids->waits;
    pthread_mutex_init(&ids->lock, NULL);
}

void producer_ids_release(struct producer_ids *ids)
{
    pthread_mutex_destroy(&ids->lock);
}

static void tell(struct loop_msg *m)
{
    struct producer_id_wait *w = container_of(m, struct producer_id_wait, msg);
    rcu_enter();
    w->done(w, w->code, w->id);
    rcu_leave();
}

static void answer(struct producer_id_wait *w, int code, int64_t id)
{
    w->code = code;
    w->id = id;
    w->msg.run = tell;
    loop_post(w->home->loop, &w->msg);
}

static struct producer_id_wait *take_wait(struct producer_ids *ids)
{
    struct producer_id_wait *w = ids->waits;
    if (w) {
        ids->waits = w->next;
        if (!ids->waits)
            ids->last = &ids->waits;
    }
    return w;
}

static void got_block(struct proposal *p);

/* Under the lock. */
static void ask(struct producer_ids *ids)
{
    if (ids->asking || !ids->waits)
        return;
    ids->asking = true;
    ids->proposal.done = got_block;
    ids->proposal.arg = ids;
    struct meta_producer_ids command = {.node_id = ids->broker->node_id, .count = BLOCK};
    metadata_propose(ids->broker->metadata, &ids->proposal, META_PRODUCER_IDS, &command);
}

/* Shard 0's thread. */
static void got_block(struct proposal *p)
{
    struct producer_ids *ids = p->arg;
    int code = p->command.code ? p->command.code : p->command.result.code;
    int64_t first = p->command.result.producer_ids;
    proposal_release(p);
    pthread_mutex_lock(&ids->lock);
    ids->asking = false;
    if (!code) {
        ids->next = first;
        ids->end = first + BLOCK;
    }
    /* A block that could not be had fails those who wait; the next to come asks again. */
    while (ids->waits && (code || ids->next < ids->end))
        answer(take_wait(ids), code, code ? -1 : ids->next++);
    ask(ids);
    pthread_mutex_unlock(&ids->lock);
}

void producer_ids_want(struct producer_ids *ids, struct producer_id_wait *w)
{
    w->next = NULL;
    pthread_mutex_lock(&ids->lock);
    if (!ids->waits && ids->next < ids->end) {
        answer(w, 0, ids->next++);
    } else {
        *ids->last = w;
        ids->last = &w->next;
        ask(ids);
    }
    pthread_mutex_unlock(&ids->lock);
}

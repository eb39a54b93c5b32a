#include "broker/stage.h"

#include "broker/container.h"
#include "broker/rcu.h"
#include "broker/shard_thread.h"
#include "broker/worker.h"

void stage_list_init(struct stage_list *l)
{
    l->first = NULL;
    l->last = &l->first;
}

/* Home's thread: the first one carries the others. */
static void come_home(struct loop_msg *m)
{
    rcu_enter();
    for (struct stage *s = container_of(m, struct stage, msg), *next; s; s = next) {
        next = s->next; /* done may free s */
        s->done(s);
    }
    rcu_leave();
}

void stage_list_post(struct stage_list *l)
{
    struct stage *first = l->first;
    if (!first)
        return;
    stage_list_init(l);
    first->msg.run = come_home;
    loop_post(first->home->loop, &first->msg);
}

static void part_done(struct shard_produce *p)
{
    struct stage *s = p->arg;
    if (--s->left)
        return;
    struct stage_list *l = shard_thread_finished(s->to, s->home);
    s->next = NULL;
    *l->last = s;
    l->last = &s->next;
}

/* The shard's thread. */
static void arrive(struct loop_msg *m)
{
    struct stage *s = container_of(m, struct stage, msg);
    struct shard *shard = shard_thread_shard(s->to);
    for (uint32_t i = 0, n = s->n; i < n; i++) {
        s->parts[i]->done = part_done;
        s->parts[i]->arg = s;
        shard_produce(shard, s->parts[i]);
    }
}

void stage_send(struct stage *s)
{
    s->left = s->n;
    s->msg.run = arrive;
    shard_thread_post(s->to, &s->msg);
}

#include "broker/stage.h"

#include "broker/container.h"
#include "broker/lone.h"
#include "broker/rcu.h"
#include "broker/shard_thread.h"
#include "broker/worker.h"

void stage_list_init(struct stage_list *l)
{
    l->first = NULL;
    l->last = &l->first;
}

struct stage *stage_list_take(struct stage_list *l)
{
    struct stage *first = l->first;
    stage_list_init(l);
    return first;
}

void stage_come_home(struct stage *first)
{
    if (!first)
        return;
    rcu_enter();
    for (struct stage *s = first, *next; s; s = next) {
        next = s->next; /* done may free s */
        s->home->lone.away--;
        s->done(s);
    }
    rcu_leave();
}

/* Home's thread: the first one carries the others. */
static void come_home(struct loop_msg *m)
{
    stage_come_home(container_of(m, struct stage, msg));
}

void stage_list_post(struct stage_list *l)
{
    struct stage *first = stage_list_take(l);
    if (!first)
        return;
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

/* In a turn of the shard. */
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
    s->home->lone.away++;
    if (!lone_keep(s->home, s))
        shard_thread_post(s->to, &s->msg);
}

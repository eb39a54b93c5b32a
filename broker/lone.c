#include "broker/lone.h"

#include "broker/container.h"
#include "broker/shard_thread.h"
#include "broker/stage.h"
#include "broker/worker.h"

enum {
    LONE_ROW = 16,
    LONE_BYTES = 64 << 10, /* a loop copies them in the time of a wake-up */
};

/* It goes the usual way, ahead of what follows it. */
static void let_go(struct lone *l)
{
    struct stage *s = l->stage;
    l->stage = NULL;
    if (s)
        shard_thread_post(s->to, &s->msg);
}

void lone_note(struct worker *w, const struct conn *c)
{
    struct lone *l = &w->lone;
    let_go(l);
    if (l->last != c)
        l->row = 0;
    l->last = c;
    if (l->row < LONE_ROW)
        l->row++;
}

static bool is_small(const struct stage *s)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < s->n && bytes <= LONE_BYTES; i++)
        bytes += s->parts[i]->n;
    return bytes <= LONE_BYTES;
}

/* No read section of RCU is open here: a write in one would hold up whoever waits for readers. */
static void go(struct loop_hook *h)
{
    struct worker *w = container_of(h, struct worker, lone.hook);
    struct stage *s = w->lone.stage;
    w->lone.stage = NULL;
    if (s && !shard_thread_run_here(s->to, &s->msg, w))
        shard_thread_post(s->to, &s->msg);
}

bool lone_keep(struct worker *w, struct stage *s)
{
    struct lone *l = &w->lone;
    bool first = !l->stage;
    let_go(l);
    if (!first || l->row < LONE_ROW || l->away > 1 || w->n_requests > 1 || !is_small(s))
        return false;
    l->stage = s;
    l->hook.run = go;
    loop_at_end(w->loop, &l->hook);
    return true;
}

#include "broker/changes.h"

#include "broker/broker.h"
#include "broker/container.h"
#include "broker/worker.h"

struct changes *changes_new(struct request *q, const void *resp)
{
    struct changes *all = request_alloc(q, 1, sizeof *all);
    if (!all)
        return NULL;
    all->q = q;
    all->resp = resp;
    all->last = &all->first;
    return all;
}

void changes_add(struct changes *all, struct change *c)
{
    c->next = NULL;
    *all->last = c;
    all->last = &c->next;
    all->left++;
}

static void finish(struct changes *all)
{
    deadline_clear(&all->q->worker->deadlines, &all->deadline);
    if (all->answered)
        request_unpin(all->q);
    else
        request_reply(all->q, all->resp);
}

static void settled(struct proposal *p)
{
    struct change *c = container_of(p, struct change, proposal);
    struct changes *all = p->arg;
    int code = p->command.code ? p->command.code : p->command.result.code;
    proposal_release(p);
    if (!all->answered && !all->settle(all, c, code))
        return;
    c->settled = true;
    if (--all->left == 0)
        finish(all);
}

void changes_propose(struct changes *all, struct change *c, enum meta_command_type type,
                     const void *msg)
{
    c->proposal.home = all->q->worker;
    c->proposal.done = settled;
    c->proposal.arg = all;
    metadata_propose(request_broker(all->q)->metadata, &c->proposal, type, msg);
}

static void timed_out(struct deadline *d)
{
    struct changes *all = container_of(d, struct changes, deadline);
    for (struct change *c = all->first; c; c = c->next) {
        if (!c->settled)
            all->late(all, c);
    }
    all->answered = true;
    request_pin(all->q);
    request_reply(all->q, all->resp);
}

void changes_run(struct changes *all, int32_t timeout_ms)
{
    if (!all->left) {
        request_reply(all->q, all->resp);
        return;
    }
    if (deadline_set(&all->q->worker->deadlines, &all->deadline, timeout_ms, timed_out)) {
        request_abort(all->q, "out of memory");
        return;
    }
    for (struct change *c = all->first; c; c = c->next)
        all->propose(all, c);
}

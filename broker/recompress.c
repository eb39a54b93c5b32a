#include "broker/recompress.h"

#include "batch/records.h"
#include "broker/broker.h"
#include "broker/conn.h"
#include "broker/container.h"
#include "broker/rcu.h"
#include "broker/worker.h"

void recompress_init(struct recompress *r, struct request *q, void (*ready)(struct request *q))
{
    *r = (struct recompress){.q = q, .ready = ready};
    r->last = &r->first;
}

void recompress_add(struct recompress *r, struct recompress_batch *b)
{
    b->next = NULL;
    b->refused = b->code = 0;
    wr_init(&b->out, 0);
    *r->last = b;
    r->last = &b->next;
}

/* The loop: let all go whose turn it is. The connection may go with the last one. */
static void let_go(struct recompress_line *line)
{
    bool more = line->first && line->first->done;
    while (more) {
        struct recompress *r = line->first;
        line->first = r->next;
        if (!line->first)
            line->last = NULL;
        more = line->first && line->first->done;
        r->ready(r->q);
    }
}

static void back(struct loop_msg *msg)
{
    struct recompress *r = container_of(msg, struct recompress, msg);
    r->done = true;
    rcu_enter();
    let_go(&r->q->conn->line);
    rcu_leave();
}

static void work_on(struct recompress_batch *b)
{
    if (b->to_check)
        b->refused = batch_admit_records(b->in, &b->rules, b->batch, &b->record, &b->why);
    if (b->to_compress && !b->refused)
        b->code = batch_recompress(b->in, b->codec, b->level, b->rules.max_expanded, &b->out);
}

/* A pool thread. */
static void work(struct loop_msg *msg)
{
    struct recompress *r = container_of(msg, struct recompress, msg);
    for (struct recompress_batch *b = r->first; b; b = b->next)
        work_on(b);
    r->msg.run = back;
    loop_post(r->q->worker->loop, &r->msg);
}

void recompress_run(struct recompress *r)
{
    struct recompress_line *line = &r->q->conn->line;
    if (!r->first && !line->first) {
        r->ready(r->q);
        return;
    }
    r->next = NULL;
    r->done = !r->first;
    if (line->last)
        line->last->next = r;
    else
        line->first = r;
    line->last = r;
    if (r->first) {
        r->msg.run = work;
        crew_post(&request_broker(r->q)->pool, &r->msg);
    }
}

#include "tests/sim/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "batch/records.h"
#include "tests/sim/compacted.h"
#include "tests/sim/world.h"

#define LL(x) ((long long)(x))

/* ---- bytes */

/* Of a compacted topic with one of few keys, and now and then without a value. A batch is told from
 * others by its bytes, so its first record always has one. */
static void add_record(struct sim_world *w, struct batch_builder *bb, const struct model_part *p,
                       struct span value)
{
    uint8_t key = (uint8_t)('a' + rng_below(&w->rng, COMPACTED_KEYS));
    bool compact = p->topic->set.compact;
    bool deletes = compact && bb->count && rng_below(&w->rng, 6) == 0;
    batch_builder_add(bb, sim_true_time_ms(w), compact ? span_of(&key, 1) : span_of(NULL, 0),
                      deletes ? span_of(NULL, 0) : value, NULL, 0);
}

static struct model_batch *make_batch(struct sim_world *w, struct client *c, struct model_part *p,
                                      int64_t pid, int16_t epoch, int32_t sequence)
{
    struct batch_builder bb;
    struct wr out;
    uint8_t value[4096];
    int records = 1 + (int)rng_below(&w->rng, 4);
    size_t size = 8 + rng_below(&w->rng, w->plan.batch_bytes);
    batch_builder_init(&bb, BATCH_NONE);
    bb.producer_id = pid;
    bb.producer_epoch = pid < 0 ? -1 : epoch;
    bb.base_sequence = pid < 0 ? -1 : sequence;
    for (size_t k = 0; k < size; k += 8) {
        uint64_t x = rng_next(&w->rng);
        memcpy(value + k, &x, 8);
    }
    for (int i = 0; i < records; i++)
        add_record(w, &bb, p, span_of(value, size));
    wr_init(&out, 0);
    if (batch_builder_finish(&bb, &out))
        sim_out_of_memory();
    batch_builder_release(&bb);
    return model_batch_new(w, p, out.buf, out.len, c->number, ++c->order);
}

/* ---- answers */

static void unlink_attempt(struct attempt *a)
{
    *a->prev = a->next;
    if (a->next)
        a->next->prev = a->prev;
}

static struct stream *stream_of(struct attempt *a)
{
    return a->stream && a->stream->part == a->batch->part ? a->stream : NULL;
}

/* The oldest of the stream was answered. */
static void pop(struct stream *st, struct model_batch *b, uint64_t life)
{
    st->last = b;
    st->last_life = life;
    memmove(st->queue, st->queue + 1, --st->n * sizeof(struct model_batch *));
}

static void answered(struct sim_world *w, struct attempt *a)
{
    struct model_batch *b = a->batch;
    struct stream *st = stream_of(a);
    const char *t = b->part->topic->name;
    if (a->expect == EXPECT_GAP || a->expect == EXPECT_FENCED)
        sim_violation(w, "P2", "%s-%d: producer %lld epoch %d sequence %d was accepted at %lld", t,
                      b->part->partition, LL(b->head.producer_id), b->head.producer_epoch,
                      b->head.base_sequence, LL(a->produce.base_offset));
    if (shard_poisoned(a->node->shard[1].s))
        sim_violation(w, "E1", "%s-%d: acknowledged by a poisoned shard", t, b->part->partition);
    model_acked(a->node, b, a->produce.base_offset, a->produce.append_time_ms);
    if (a->produce.append_time_ms >= 0)
        cover(w, COVER_stamped);
    struct plog *log =
        shard_partition(a->node->shard[1].s, &b->part->topic->id, b->part->partition);
    if (log && plog_high_watermark(log) < b->acked_at + b->head.count)
        sim_violation(w, "L6", "%s-%d: %lld acknowledged above the high watermark %lld", t,
                      b->part->partition, LL(b->acked_at), LL(plog_high_watermark(log)));
    if (!st || !a->fresh)
        return;
    if (st->queue[0] != b)
        sim_violation(w, "P4", "%s-%d: sequence %d was answered before the one in front of it", t,
                      b->part->partition, b->head.base_sequence);
    pop(st, b, a->life);
}

/* Is it a refusal that this node, as it is, may give? */
static bool may_refuse(const struct attempt *a, bool first)
{
    const struct sim_node *n = a->node;
    const struct model_topic *t = a->batch->part->topic;
    bool faults = n->disk.life_faults > 0;
    if (err_is_shortage(a->produce.code))
        return faults || n->full_once || n->stopping;
    switch (a->produce.code) {
    case ERR_POISONED:
        return faults || n->stopping;
    case -EIO:
    case -EROFS:
        return faults;
    case ERR_CLOSED:
        return n->stopping;
    case ERR_NOTFOUND:
        return model_topic_leaving(t);
    case ERR_OUTOFORDER:
        /* One that leads no more, and has not heard of it, may know less. */
        return a->expect == EXPECT_GAP || a->expect == EXPECT_AGAIN || !first ||
               n->w->plan.nodes > 1;
    case ERR_FENCED:
        return a->expect == EXPECT_FENCED;
    case ERR_UNKNOWN_OUTCOME:
    case ERR_NOTLEADER:
        return n->w->plan.nodes > 1 || model_topic_leaving(t);
    default:
        return false;
    }
}

static void refused(struct sim_world *w, struct attempt *a)
{
    struct model_batch *b = a->batch;
    struct stream *st = stream_of(a);
    bool first = b->head.producer_id < 0 || (st && st->queue[0] == b) || a->expect == EXPECT_LAST;
    if (!may_refuse(a, first))
        sim_violation(
            w, a->produce.code == ERR_OUTOFORDER || a->produce.code == ERR_FENCED ? "P2" : "E1",
            "%s-%d: producer %lld sequence %d was refused: %s", b->part->topic->name,
            b->part->partition, LL(b->head.producer_id), b->head.base_sequence,
            err_str(a->produce.code));
    if (a->expect == EXPECT_GAP && a->produce.code == ERR_OUTOFORDER)
        cover(w, COVER_gap_refused);
    if (a->expect == EXPECT_FENCED && a->produce.code == ERR_FENCED)
        cover(w, COVER_fenced);
    /* Before it had an offset: it has no effect. */
    if (a->produce.code == ERR_OUTOFORDER || a->produce.code == ERR_FENCED ||
        a->produce.code == ERR_CLOSED || err_is_shortage(a->produce.code))
        b->maybe--;
    else
        b->unanswered = true;
    if (st)
        st->again = true;
}

static void on_done(struct shard_produce *p)
{
    struct attempt *a = p->arg;
    struct sim_node *n = a->node;
    struct sim_world *w = n->w;
    if (n->tearing || n->disk.dead)
        return; /* nobody hears it: sim_clients_forget */
    struct stream *st = stream_of(a);
    if (st && a->fresh)
        st->n_sent--;
    unlink_attempt(a);
    trace_line(w, "answer node=%u %s-%d client=%u order=%llu: %s %lld", n->id,
               a->batch->part->topic->name, a->batch->part->partition, a->batch->client,
               (unsigned long long)a->batch->order, p->code ? err_name(p->code) : "ok",
               LL(p->base_offset));
    if (p->code == 0)
        answered(w, a);
    else
        refused(w, a);
    free(a);
}

void sim_clients_forget(struct sim_node *n)
{
    struct sim_clients *cs = &n->w->clients;
    for (struct attempt *a = cs->pending, *next; a; a = next) {
        next = a->next;
        if (a->node != n)
            continue;
        struct stream *st = stream_of(a);
        if (st && a->fresh) {
            st->n_sent--;
            st->again = true;
        }
        a->batch->unanswered = true;
        unlink_attempt(a);
        free(a);
    }
}

/* ---- sending */

static void send(struct sim_world *w, struct sim_node *n, struct stream *st, struct model_batch *b,
                 enum expect expect, bool fresh)
{
    struct attempt *a = sim_alloc(sizeof *a);
    struct model_topic *t = b->part->topic;
    *a = (struct attempt){
        .batch = b, .node = n, .stream = st, .expect = expect, .fresh = fresh, .life = n->life};
    a->produce = (struct shard_produce){.topic_id = t->id,
                                        .partition = b->part->partition,
                                        .bytes = b->bytes,
                                        .n = b->n,
                                        .batch = b->head,
                                        .meta_index = meta_index(sim_image(n)),
                                        .append_time = t->set.append_time,
                                        .done = on_done,
                                        .arg = a};
    a->next = w->clients.pending;
    a->prev = &w->clients.pending;
    if (a->next)
        a->next->prev = &a->next;
    w->clients.pending = a;
    b->maybe++;
    if (st && fresh) {
        st->n_sent++;
        st->sent_to = n;
    }
    trace_line(w, "send node=%u %s-%d client=%u order=%llu pid=%lld epoch=%d sequence=%d count=%d",
               n->id, t->name, b->part->partition, b->client, (unsigned long long)b->order,
               LL(b->head.producer_id), b->head.producer_epoch, b->head.base_sequence,
               b->head.count);
    shard_produce(sim_data_shard(n), &a->produce); /* may answer at once: a is gone then */
    sim_node_touch(n, 1);
}

static struct stream *find_stream(struct client *c, struct model_part *p)
{
    struct stream *free_one = NULL;
    for (unsigned i = 0; i < c->n_streams; i++) {
        struct stream *st = &c->streams[i];
        if (st->part == p)
            return st;
        if (st->part->topic->deleted == DONE && st->n_sent == 0)
            free_one = st;
    }
    if (!free_one && c->n_streams < STREAMS)
        free_one = &c->streams[c->n_streams++];
    if (free_one)
        *free_one = (struct stream){.part = p};
    return free_one;
}

static void send_again(struct sim_world *w, struct sim_node *n, struct stream *st)
{
    if (st->n_sent)
        return;
    st->again = false;
    while (st->n_sent < st->n && !st->again) {
        struct model_batch *b = st->queue[st->n_sent];
        if (b->seen_at >= 0)
            cover(w, COVER_duplicate_after_crash);
        send(w, n, st, b, EXPECT_ANY, true);
    }
}

static void send_next(struct sim_world *w, struct sim_node *n, struct client *c, struct stream *st)
{
    if (st->n >= w->plan.in_flight || w->settling || (st->n_sent && st->sent_to != n))
        return;
    struct model_batch *b = make_batch(w, c, st->part, c->pid, st->epoch, st->next_sequence);
    st->next_sequence += b->head.count;
    st->queue[st->n++] = b;
    send(w, n, st, b, EXPECT_ANY, true);
}

/* ---- ill will */

static void send_answered_again(struct sim_world *w, struct sim_node *n, struct stream *st)
{
    if (!st->last)
        return;
    cover(w, COVER_duplicate);
    if (st->last_life != n->life)
        cover(w, COVER_duplicate_after_crash);
    /* The partition remembers five. */
    send(w, n, NULL, st->last, st->n < 5 ? EXPECT_LAST : EXPECT_AGAIN, false);
}

/* To the node that has it: another one may know nothing of the producer, and take any batch for its
 * first. */
static void send_in_flight_again(struct sim_world *w, struct sim_node *n, struct stream *st)
{
    if (!st->n_sent || st->sent_to != n)
        return;
    cover(w, COVER_duplicate_waited);
    send(w, n, NULL, st->queue[rng_below(&w->rng, st->n_sent)], EXPECT_AGAIN, false);
}

static void send_gap(struct sim_world *w, struct sim_node *n, struct client *c, struct stream *st)
{
    if (st->n || !st->last)
        return;
    int32_t beyond = st->next_sequence + 1 + (int32_t)rng_below(&w->rng, 9);
    send(w, n, NULL, make_batch(w, c, st->part, c->pid, st->epoch, beyond), EXPECT_GAP, false);
}

static void raise_epoch(struct sim_world *w, struct stream *st)
{
    if (st->n || !st->last)
        return;
    st->epoch++;
    st->next_sequence = 0;
    st->last = NULL;
    cover(w, COVER_epoch_raised);
}

static void send_old_epoch(struct sim_world *w, struct sim_node *n, struct client *c,
                           struct stream *st)
{
    if (st->epoch == 0 || !st->last)
        return;
    send(w, n, NULL,
         make_batch(w, c, st->part, c->pid, (int16_t)(st->epoch - 1), st->next_sequence),
         EXPECT_FENCED, false);
}

static void misbehave(struct sim_world *w, struct sim_node *n, struct client *c, struct stream *st)
{
    switch (rng_below(&w->rng, 6)) {
    case 0:
    case 1:
        send_answered_again(w, n, st);
        break;
    case 2:
        send_in_flight_again(w, n, st);
        break;
    case 3:
        send_gap(w, n, c, st);
        break;
    case 4:
        raise_epoch(w, st);
        break;
    case 5:
        send_old_epoch(w, n, c, st);
        break;
    }
}

/* ---- one event of a client */

static struct model_part *choose_part(struct sim_world *w)
{
    struct model_part *of[64];
    size_t n = 0;
    for (unsigned i = 0; i < w->model.n_topics; i++) {
        struct model_topic *t = &w->model.topics[i];
        for (int32_t p = 0; model_topic_usable(t) && p < t->partitions && n < 64; p++)
            of[n++] = &t->part[p];
    }
    return n ? of[rng_below(&w->rng, n)] : NULL;
}

static void act_idempotent(struct sim_world *w, struct sim_node *n, struct client *c,
                           struct model_part *p)
{
    struct stream *st = find_stream(c, p);
    if (!st)
        return;
    if (st->again)
        send_again(w, n, st);
    else if (rng_below(&w->rng, 8) == 0 && !w->settling)
        misbehave(w, n, c, st);
    else
        send_next(w, n, c, st);
}

/* While settling: whatever is not answered yet. */
static void drain(struct sim_world *w, struct sim_node *n, struct client *c)
{
    for (unsigned i = 0; i < c->n_streams; i++)
        if (c->streams[i].again && !model_topic_leaving(c->streams[i].part->topic))
            send_again(w, n, &c->streams[i]);
}

/* Who leads, as far as a client knows; now and then another one. */
static struct sim_node *choose_node(struct sim_world *w)
{
    if (w->plan.nodes == 1)
        return sim_node(w, 1);
    uint32_t i = 1 + (uint32_t)rng_below(&w->rng, w->plan.nodes);
    if (w->leader && rng_below(&w->rng, 8))
        i = w->leader;
    return sim_node(w, i);
}

static void client_event(struct sim_world *w, const struct event *ev)
{
    struct client *c = ev->arg;
    struct sim_node *n = choose_node(w);
    struct model_part *p = choose_part(w);
    sim_always(w, rng_delay(&w->rng, w->plan.produce_every * w->clients.n), client_event, 1, c);
    if (!n->up || n->disk.dead)
        return;
    if (w->settling)
        drain(w, n, c);
    else if (p && c->pid >= 0)
        act_idempotent(w, n, c, p);
    else if (p)
        send(w, n, NULL, make_batch(w, c, p, -1, -1, -1), EXPECT_ANY, true);
}

void sim_clients_begin(struct sim_world *w)
{
    w->clients.n = w->plan.clients;
    for (uint32_t i = 0; i < w->clients.n; i++) {
        struct client *c = &w->clients.c[i];
        *c = (struct client){.number = i, .pid = i % 3 == 2 ? -1 : 1000 + (int64_t)i};
        sim_always(w, rng_delay(&w->rng, w->plan.produce_every), client_event, 1, c);
    }
}

bool sim_clients_idle(const struct sim_world *w)
{
    for (uint32_t i = 0; i < w->clients.n; i++)
        for (unsigned k = 0; k < w->clients.c[i].n_streams; k++) {
            const struct stream *st = &w->clients.c[i].streams[k];
            if (st->n && !model_topic_leaving(st->part->topic))
                return false;
        }
    return w->clients.pending == NULL;
}

void sim_clients_release(struct sim_world *w)
{
    while (w->clients.pending) {
        struct attempt *a = w->clients.pending;
        unlink_attempt(a);
        free(a);
    }
}

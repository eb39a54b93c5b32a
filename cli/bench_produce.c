#include "cli/bench_produce.h"

#include <errno.h>
#include <stdlib.h>

#include "cli/bench_assign.h"
#include "cli/bench_run.h"
#include "client/error.h"
#include "kp/error.h"

/* Topics go by id from 13 on; names say the same. */
enum { PRODUCE_MAX = 12 };

static struct stream *stream_of(struct load *l, const struct slot *s)
{
    return &((struct producer *)l->own)->streams[s->which];
}

static struct bench_partition *partition_of(struct load *l, const struct slot *s)
{
    return &l->w->b->parts[stream_of(l, s)->part];
}

/* All clients of a thread share one batch: it is filled anew for each request. */
static int share_batch(struct worker *w, struct err *e)
{
    const struct bench_options *o = w->b->opt;
    struct bench_batch_spec spec = {
        .records = (int32_t)o->batch_records,
        .value_size = (uint32_t)o->message_size,
        .keys = (enum bench_keys)o->keys,
        .payload = (enum bench_payload)o->payload,
        .codec = (enum batch_codec)o->codec,
        .ahead = (int32_t)o->compress_ahead,
        .seed = (uint64_t)w->b->run_id << 32 | w->index,
    };
    if (w->has_batch)
        return 0;
    w->has_batch = true;
    return bench_batch_init(&w->batch, &spec, e);
}

static int produce_init(struct load *l, struct err *e)
{
    struct worker *w = l->w;
    const struct bench_options *o = w->b->opt;
    const struct producer_id *ids = w->b->producer_ids;
    struct producer *p = calloc(1, sizeof *p);
    uint32_t *mine = calloc(w->b->n_parts, sizeof *mine);
    l->own = p;
    if (p && mine) {
        p->n = (uint32_t)bench_assign(w->b->leader_of, w->b->n_parts, (uint32_t)w->b->n_brokers,
                                      w->run->plan.clients, l->id, mine);
        p->streams = calloc(p->n, sizeof *p->streams);
    }
    if (!p || !mine || !p->streams) {
        free(mine);
        return err_code(e, -ENOMEM, "clients");
    }
    for (uint32_t i = 0; i < p->n; i++)
        p->streams[i] = (struct stream){.part = mine[i], .placed = true};
    free(mine);
    l->broker = w->b->leader_of[p->streams[0].part];
    l->repeatable = o->idempotent;
    l->unanswered = o->acks == 0;
    p->producer_id = ids ? ids[l->id].id : -1;
    p->producer_epoch = ids ? ids[l->id].epoch : -1;
    return share_batch(w, e);
}

static void produce_release(struct load *l)
{
    struct producer *p = l->own;
    if (!p)
        return;
    for (uint32_t i = 0; p->streams && i < p->n; i++)
        ranges_release(&p->streams[i].acked);
    free(p->streams);
    free(p);
}

static bool produce_next(struct load *l, struct slot *s)
{
    struct producer *p = l->own;
    s->count = run_take(l->w->run, (int32_t)l->w->b->opt->batch_records, s->due_ns);
    if (!s->count)
        return false;
    struct stream *st = &p->streams[p->turn];
    s->which = p->turn;
    s->sequence = st->next;
    s->timestamp_ms = clock_system()->wall_ms(clock_system());
    st->next += (uint64_t)s->count;
    p->turn = (p->turn + 1) % p->n;
    return true;
}

/* The batch of a slot: always the same bytes. */
static int fill(struct load *l, struct slot *s, struct span *batch)
{
    const struct producer *p = l->own;
    struct bench_batch_id id = {
        .first = {l->w->b->run_id, l->id, s->sequence, s->due_ns},
        .count = s->count,
        .timestamp_ms = s->timestamp_ms,
        .producer_id = p->producer_id,
        .producer_epoch = p->producer_epoch,
        .base_sequence = p->producer_id < 0 ? -1 : (int32_t)(s->sequence & INT32_MAX),
    };
    return bench_batch_fill(&l->w->batch, &id, batch, &s->crc);
}

static int produce_send(struct load *l, struct slot *s, struct err *e)
{
    const struct bench_options *o = l->w->b->opt;
    struct span batch;
    int rc = fill(l, s, &batch);
    if (rc)
        return err_code(e, rc, "batch");
    struct kp_produce_req_topic_data_partition_data part = {
        .index = partition_of(l, s)->number,
        .records = {.p = batch.p, .n = (int32_t)batch.n},
    };
    struct kp_produce_req_topic_data topic = {
        .name = kp_str(o->topic), .n_partition_data = 1, .partition_data = &part};
    struct kp_produce_req req = {
        .transactional_id = kp_str(NULL),
        .acks = (int16_t)o->acks,
        .timeout_ms = (int32_t)o->request_timeout_ms,
        .n_topic_data = 1,
        .topic_data = &topic,
    };
    return load_send(l, KP_PRODUCE, PRODUCE_MAX, &req, e);
}

/* The one partition the answer is about; NULL if it is about something else. */
static const struct kp_produce_resp_responses_partition_responses *
sole(const struct kp_produce_resp *resp, const char *topic, int32_t partition)
{
    if (resp->n_responses != 1 || !kp_str_is(resp->responses[0].name, topic) ||
        resp->responses[0].n_partition_responses != 1)
        return NULL;
    const struct kp_produce_resp_responses_partition_responses *p =
        resp->responses[0].partition_responses;
    return p->index == partition ? p : NULL;
}

static void raise_acked_end(struct bench_partition *p, long long end)
{
    long long seen = atomic_load(&p->acked_end);
    while (seen < end && !atomic_compare_exchange_weak(&p->acked_end, &seen, end))
        continue;
}

/* The offsets an acknowledgement promises, which no other did and which follow the client's last.
 */
static void note_offsets(struct load *l, const struct slot *s, int64_t base)
{
    struct stream *st = stream_of(l, s);
    struct bench_partition *p = &l->w->b->parts[st->part];
    int rc = base < st->last_end ? ERR_CHECK : book_enter(&p->book, base, s->count);
    if (rc) {
        struct err e;
        err_set(&e, ERR_CHECK,
                "partition %d: offset %lld was acknowledged for %d records, which cannot be: %s",
                p->number, (long long)base, s->count,
                base < 0 ? "it is negative" : "some of them were given before");
        if (l->w->bad_offsets++ == 0)
            l->w->first = e; /* worse than whatever else went wrong */
        return;
    }
    st->last_end = base + s->count;
    raise_acked_end(p, st->last_end);
}

/* Is everything going to be read back? */
static bool will_check(const struct load *l)
{
    return l->w->b->opt->validate || l->w->run->plan.checked;
}

static int note_acked(struct load *l, const struct slot *s, int64_t base)
{
    struct stream *st = stream_of(l, s);
    int rc = ranges_add(&st->acked, s->sequence, s->sequence + (uint64_t)s->count, NULL);
    if (base <
        0) { /* a duplicate whose offset the broker has forgotten, or a fault noted already */
        st->placed = false;
        return rc;
    }
    struct acked a = {.partition = partition_of(l, s)->number,
                      .base = base,
                      .count = s->count,
                      .client = l->id,
                      .sequence = s->sequence,
                      .crc = s->crc};
    worker_acked(l->w, &a);
    for (int32_t i = 0; will_check(l) && i < s->count; i++)
        st->places += check_place(s->sequence + (uint64_t)i, base + i);
    return rc;
}

static enum load_verdict refuse(struct load *l, const struct slot *s, int16_t error,
                                struct kp_str message, struct err *e)
{
    char text[300];
    err_set(e, client_error_code(error), "partition %d: %s", partition_of(l, s)->number,
            client_error_text(error, message, text, sizeof text));
    if (!l->repeatable)
        return LOAD_FAILED;
    return kp_error_retriable(error) ? LOAD_AGAIN
                                     : LOAD_BROKEN; /* a gap would break the sequence */
}

static enum load_verdict produce_reply(struct load *l, struct slot *s, struct client_response *r,
                                       uint64_t *records, uint64_t *bytes, struct err *e)
{
    const struct bench_options *o = l->w->b->opt;
    struct kp_produce_resp resp;
    arena_reset(&l->w->arena);
    if (client_response_decode(r, &l->w->arena, &resp, e))
        return LOAD_BROKEN;
    const struct kp_produce_resp_responses_partition_responses *p =
        sole(&resp, o->topic, partition_of(l, s)->number);
    if (!p) {
        err_set(e, ERR_MALFORMED, "the answer to Produce is not about partition %d",
                partition_of(l, s)->number);
        return LOAD_BROKEN;
    }
    bool duplicate = l->repeatable && p->error_code == KP_ERR_DUPLICATE_SEQUENCE_NUMBER;
    if (p->error_code && !duplicate)
        return refuse(l, s, p->error_code, p->error_message, e);
    if (!duplicate)
        note_offsets(l, s, p->base_offset);
    if (note_acked(l, s, duplicate ? -1 : p->base_offset)) {
        err_code(e, -ENOMEM, "acknowledged records");
        return LOAD_BROKEN;
    }
    *records = (uint64_t)s->count;
    *bytes = *records * (uint64_t)o->message_size;
    return LOAD_OK;
}

const struct load_kind produce_kind = {
    .name = "producer",
    .paced = true,
    .init = produce_init,
    .release = produce_release,
    .next = produce_next,
    .send = produce_send,
    .reply = produce_reply,
};

/* Without acknowledgements everything that was sent is expected. */
static void expect_stream(struct run *r, const struct load *l, const struct stream *s)
{
    struct range sent = {0, s->next};
    struct ranges all = {&sent, s->next > 0, 1};
    bool unanswered = r->b->opt->acks == 0;
    struct check_stream e = {
        .run = r->b->run_id,
        .client = l->id,
        .partition = r->b->parts[s->part].number,
        .acked = unanswered ? &all : &s->acked,
        .issued = s->next,
        .placed = s->placed && !unanswered,
        .places = s->places,
    };
    check_expect(r->b->parts[s->part].check, &e);
}

void produce_expect(struct run *r)
{
    for (uint32_t i = 0; i < r->n_workers; i++)
        for (size_t j = 0; j < r->workers[i].n_loads; j++) {
            const struct load *l = &r->workers[i].loads[j];
            const struct producer *p = l->own;
            for (uint32_t k = 0; l->kind == &produce_kind && k < p->n; k++)
                expect_stream(r, l, &p->streams[k]);
        }
}

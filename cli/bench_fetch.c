#include "cli/bench_fetch.h"

#include <errno.h>
#include <stdlib.h>

#include "batch/records.h"
#include "cli/bench_assign.h"
#include "cli/bench_run.h"
#include "client/error.h"
#include "kp/error.h"

enum {
    FETCH_MAX = 12,           /* topics go by id from 13 on */
    FETCH_VAIN_MAX = 2,       /* empty answers after which there is nothing more */
    EXPANDED_MAX = 256 << 20, /* bytes a batch may expand to */
};

struct fetcher {
    struct fetch_part *parts;
    uint32_t n, turn, vain;
    int64_t progress_ns;                          /* when records last came */
    struct kp_fetch_req_topics_partitions *asked; /* n, the request being made */
};

static const struct fetch_plan *plan_of(const struct load *l)
{
    return l->w->run->plan.own;
}

static struct bench_partition *topic_part(const struct load *l, const struct fetch_part *p)
{
    return &l->w->b->parts[p->part];
}

/* Readers beside producers are assigned among themselves. */
static uint32_t readers(const struct load *l)
{
    const struct run_plan *plan = &l->w->run->plan;
    return plan->side == l->kind ? plan->sides : plan->clients;
}

static void restart(struct load *l)
{
    struct fetcher *f = l->own;
    f->vain = 0;
    for (uint32_t i = 0; i < f->n; i++) {
        const struct bench_partition *tp = topic_part(l, &f->parts[i]);
        f->parts[i].next = tp->start;
        f->parts[i].done = !plan_of(l)->follow && tp->start >= tp->end;
    }
}

static int fetch_init(struct load *l, struct err *e)
{
    struct bench *b = l->w->b;
    struct fetcher *f = calloc(1, sizeof *f);
    uint32_t *mine = calloc(b->n_parts, sizeof *mine);
    l->own = f;
    if (f && mine) {
        f->n = (uint32_t)bench_assign(b->leader_of, b->n_parts, (uint32_t)b->n_brokers, readers(l),
                                      l->id, mine);
        f->parts = calloc(f->n, sizeof *f->parts);
        f->asked = calloc(f->n, sizeof *f->asked);
    }
    if (!f || !mine || !f->parts || !f->asked) {
        free(mine);
        return err_code(e, -ENOMEM, "readers");
    }
    for (uint32_t i = 0; i < f->n; i++) {
        f->parts[i].part = mine[i];
        b->parts[mine[i]].check = l->w->check;
    }
    free(mine);
    l->broker = b->leader_of[f->parts[0].part];
    restart(l);
    return 0;
}

static void fetch_release(struct load *l)
{
    struct fetcher *f = l->own;
    if (!f)
        return;
    free(f->parts);
    free(f->asked);
    free(f);
}

static void end_part(struct load *l, struct fetch_part *p)
{
    if (p->done)
        return;
    p->done = true;
    if (plan_of(l)->ended)
        plan_of(l)->ended(l, p);
}

static bool all_done(const struct fetcher *f)
{
    for (uint32_t i = 0; i < f->n; i++)
        if (!f->parts[i].done)
            return false;
    return true;
}

/* Beside producers: is everything there that they were promised, or has nothing come for too long?
 */
static bool caught_up(struct load *l)
{
    struct fetcher *f = l->own;
    struct run *run = l->w->run;
    int64_t patience = l->w->b->opt->request_timeout_ms * 1000000;
    if (atomic_load(&run->busy_clients))
        return false;
    for (uint32_t i = 0; i < f->n; i++)
        if (f->parts[i].next < atomic_load(&topic_part(l, &f->parts[i])->acked_end))
            return bench_now_ns() - f->progress_ns > patience;
    return true;
}

static bool fetch_next(struct load *l, struct slot *s)
{
    struct fetcher *f = l->own;
    s->count = 0;
    if (!f->progress_ns)
        f->progress_ns = bench_now_ns();
    if (plan_of(l)->follow) {
        s->stats = &l->w->stats[METRIC_FETCH];
        return !caught_up(l);
    }
    if (atomic_load_explicit(&l->w->run->stopping, memory_order_relaxed))
        return false;
    if (!all_done(f))
        return true;
    if (!plan_of(l)->repeat)
        return false;
    restart(l);
    return !all_done(f); /* an empty topic cannot be read again and again */
}

static int fetch_send(struct load *l, struct slot *s, struct err *e)
{
    (void)s;
    struct fetcher *f = l->own;
    const struct bench_options *o = l->w->b->opt;
    int32_t n = 0;
    for (uint32_t i = 0; i < f->n; i++) {
        const struct fetch_part *p = &f->parts[(f->turn + i) % f->n];
        if (p->done)
            continue;
        struct kp_fetch_req_topics_partitions *ask = &f->asked[n++];
        kp_init(&kp_fetch_req_topics_partitions_schema, ask);
        ask->partition = topic_part(l, p)->number;
        ask->fetch_offset = p->next;
        ask->partition_max_bytes = (int32_t)o->fetch_bytes;
    }
    f->turn = (f->turn + 1) % f->n;
    struct kp_fetch_req_topics topic = {
        .topic = kp_str(o->topic), .n_partitions = n, .partitions = f->asked};
    struct kp_fetch_req req;
    kp_init(&kp_fetch_req_schema, &req);
    req.max_wait_ms = (int32_t)o->fetch_wait_ms;
    req.min_bytes = 1;
    req.max_bytes = (int32_t)o->fetch_bytes;
    req.n_topics = 1;
    req.topics = &topic;
    return load_send(l, KP_FETCH, FETCH_MAX, &req, e);
}

static struct fetch_part *find(struct load *l, int32_t partition)
{
    struct fetcher *f = l->own;
    uint32_t lo = 0, hi = f->n; /* ascending: bench_assign */
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (topic_part(l, &f->parts[mid])->number < partition)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < f->n && topic_part(l, &f->parts[lo])->number == partition ? &f->parts[lo] : NULL;
}

int32_t fetch_new_records(const struct fetch_part *p, const struct batch *b)
{
    int64_t above = batch_last_offset(b) - p->next + 1; /* a reader may begin within a batch */
    return above <= 0 ? 0 : above < b->count ? (int32_t)above : b->count;
}

/* Walk the whole batches of an answer; the last one may be cut off. 0 or a code. */
static int take_records(struct load *l, struct fetch_part *p, struct span in, uint64_t *records,
                        uint64_t *bytes, struct err *e)
{
    struct batch b;
    const struct fetch_plan *plan = plan_of(l);
    while (in.n >= BATCH_HEADER) {
        int rc = batch_peek(in, &b);
        if (rc)
            return err_code(e, rc, "partition %d: what stands at offset %lld is no record batch",
                            topic_part(l, p)->number, (long long)p->next);
        if (batch_size(&b) > in.n)
            return 0;
        if (plan->batch && (rc = plan->batch(l, p, span_of(in.p, batch_size(&b)), &b, e)))
            return rc;
        if (!(b.attributes & BATCH_ATTR_CONTROL))
            *records += (uint64_t)fetch_new_records(p, &b);
        *bytes += batch_size(&b);
        if (batch_last_offset(&b) >= p->next)
            p->next = batch_last_offset(&b) + 1;
        in = span_of(in.p + batch_size(&b), in.n - batch_size(&b));
    }
    return 0;
}

static enum load_verdict take_partition(struct load *l,
                                        const struct kp_fetch_resp_responses_partitions *a,
                                        uint64_t *records, uint64_t *bytes, struct err *e)
{
    struct fetch_part *p = find(l, a->partition_index);
    if (!p || p->done) {
        err_set(e, ERR_MALFORMED,
                "the answer to Fetch is about partition %d, which was not asked for",
                a->partition_index);
        return LOAD_BROKEN;
    }
    if (a->error_code == KP_ERR_OFFSET_OUT_OF_RANGE && plan_of(l)->batch) {
        end_part(l, p); /* the log has become shorter: whoever checks will miss the rest */
        return LOAD_OK;
    }
    if (a->error_code) {
        char text[300];
        err_set(e, client_error_code(a->error_code), "partition %d, offset %lld: %s",
                a->partition_index, (long long)p->next,
                client_error_text(a->error_code, kp_str(NULL), text, sizeof text));
        return kp_error_retriable(a->error_code) ? LOAD_AGAIN : LOAD_BROKEN;
    }
    struct span in =
        a->records.n > 0 ? span_of(a->records.p, (size_t)a->records.n) : span_of(NULL, 0);
    if (take_records(l, p, in, records, bytes, e))
        return LOAD_BROKEN;
    if (!plan_of(l)->follow && p->next >= topic_part(l, p)->end)
        end_part(l, p);
    return LOAD_OK;
}

/* Is there nothing more, though the end is not reached? Offsets can be missing at the end of a log.
 */
static void note_progress(struct load *l, uint64_t bytes)
{
    struct fetcher *f = l->own;
    if (bytes) {
        f->vain = 0;
        f->progress_ns = bench_now_ns();
        return;
    }
    if (plan_of(l)->follow || ++f->vain < FETCH_VAIN_MAX)
        return;
    for (uint32_t i = 0; i < f->n; i++)
        end_part(l, &f->parts[i]);
}

static enum load_verdict fetch_reply(struct load *l, struct slot *s, struct client_response *r,
                                     uint64_t *records, uint64_t *bytes, struct err *e)
{
    (void)s;
    struct kp_fetch_resp resp;
    enum load_verdict verdict = LOAD_OK;
    arena_reset(&l->w->arena);
    if (client_response_decode(r, &l->w->arena, &resp, e))
        return LOAD_BROKEN;
    if (resp.error_code) {
        char text[300];
        err_set(e, client_error_code(resp.error_code), "Fetch: %s",
                client_error_text(resp.error_code, kp_str(NULL), text, sizeof text));
        return kp_error_retriable(resp.error_code) ? LOAD_AGAIN : LOAD_BROKEN;
    }
    for (int32_t i = 0; i < resp.n_responses; i++)
        for (int32_t j = 0; j < resp.responses[i].n_partitions; j++) {
            enum load_verdict v =
                take_partition(l, &resp.responses[i].partitions[j], records, bytes, e);
            if (v == LOAD_BROKEN)
                return v;
            if (v == LOAD_AGAIN)
                verdict = v;
        }
    if (verdict == LOAD_OK || *bytes)
        note_progress(l, *bytes);
    return *bytes && verdict == LOAD_AGAIN ? LOAD_PARTLY : verdict;
}

const struct load_kind fetch_kind = {
    .name = "consumer",
    .init = fetch_init,
    .release = fetch_release,
    .next = fetch_next,
    .send = fetch_send,
    .reply = fetch_reply,
};
const struct load_kind fetch_whole_kind = {
    .name = "reader",
    .to_the_end = true,
    .init = fetch_init,
    .release = fetch_release,
    .next = fetch_next,
    .send = fetch_send,
    .reply = fetch_reply,
};

/* ---- readers ---- */

static void time_record(struct worker *w, const struct stamp *s, size_t size)
{
    struct bench_stats *t = &w->stats[METRIC_END_TO_END];
    int64_t now = bench_now_ns();
    if (s->run != w->b->run_id)
        return;
    if (s->sent_ns < w->run->measure_ns) {
        t->warmup_records++;
        return;
    }
    hdr_record(&t->latency, (uint64_t)(now - s->sent_ns));
    t->records++;
    t->bytes += size;
    t->last_ns = now;
}

static int walk(struct load *l, struct fetch_part *p, struct span bytes, const struct batch *b,
                bool timed, struct err *e)
{
    struct worker *w = l->w;
    struct batch whole;
    struct records it;
    struct record r;
    int rc;
    if (b->attributes & BATCH_ATTR_CONTROL)
        return 0;
    if (batch_verify(bytes, &whole, NULL) || records_init(&it, bytes, EXPANDED_MAX)) {
        check_broken_batch(w->check, (uint64_t)(b->count > 0 ? b->count : 1));
        return 0;
    }
    while ((rc = records_next(&it, &r)) > 0) {
        struct stamp s = {0};
        if (r.offset < p->next)
            continue;
        int v = check_record(w->check, topic_part(l, p)->number, r.offset, r.value, &s);
        if (v == -ENOMEM) {
            rc = v;
            break;
        }
        if (timed && v == STAMP_GOOD)
            time_record(w, &s, r.value.n);
    }
    records_release(&it);
    if (rc == -ENOMEM)
        return err_code(e, rc, "the check");
    if (rc)
        check_broken_batch(w->check, 1); /* a good checksum over records that are none */
    return 0;
}

int fetch_check_batch(struct load *l, struct fetch_part *p, struct span bytes,
                      const struct batch *b, struct err *e)
{
    return walk(l, p, bytes, b, false, e);
}

int fetch_time_batch(struct load *l, struct fetch_part *p, struct span bytes, const struct batch *b,
                     struct err *e)
{
    return walk(l, p, bytes, b, true, e);
}

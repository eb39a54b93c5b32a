/* data_stage.c - a batch becomes part of an entry: sequence checked, offset given, copied once.
 *
 * Staging is a promise of nothing: the batch is acknowledged when its entry is applied. What it
 * changes here (the next offset, the staged layer of the producers) is forgotten as a whole if
 * leadership is lost.
 *
 * A batch that was sent again is not staged: it waits with the payload the original is in, and
 * completes with it.
 */
#include <errno.h>

#include "base/mutant.h"
#include "shard/machine_data.h"

enum { TRIM_ROOM = 4 * WAL_BLOCK }; /* idling takes a block, too: a MARK */

void data_finish(struct shard_produce *p, int code)
{
    p->code = code;
    if (code) {
        p->base_offset = -1;
        p->append_time_ms = -1;
    }
    p->done(p);
}

static void wait_with(struct shard_payload *in, struct shard_produce *p)
{
    p->next = NULL;
    if (in->waiters_tail)
        ((struct shard_produce *)in->waiters_tail)->next = p;
    else
        in->waiters = p;
    in->waiters_tail = p;
}

/* ---- one batch */

static struct shard_payload *in_flight(struct shard *s, uint64_t serial)
{
    if (s->data->gathering && s->data->gathering->serial == serial)
        return s->data->gathering;
    for (uint64_t i = s->applied + 1; i <= entries_last(&s->entries); i++) {
        struct entry *e = entries_get(&s->entries, i);
        if (e->payload && e->payload->serial == serial)
            return e->payload;
    }
    return NULL;
}

static void answer_duplicate(struct shard *s, struct data_partition *part, struct shard_produce *p,
                             const struct producer_batch *original)
{
    s->stats.duplicates++;
    p->base_offset = original->base_offset;
    p->append_time_ms = -1;
    p->log_start = plog_log_start(part->log);
    if (original->serial == 0 || MUTANT(duplicate_answered_early)) {
        data_finish(p, 0);
        return;
    }
    struct shard_payload *in = in_flight(s, original->serial);
    if (in)
        wait_with(in, p);
    else
        data_finish(p, ERR_UNKNOWN_OUTCOME);
}

static int start_gathering(struct shard *s, size_t frame)
{
    struct data_machine *m = s->data;
    if (m->gathering)
        return 0;
    size_t reserve = s->cfg.group_bytes > frame ? s->cfg.group_bytes : frame;
    if (reserve > 256 * 1024 && frame < 256 * 1024)
        reserve = 256 * 1024; /* grows when the load does */
    m->gathering = shard_payload_get(&s->pool, reserve);
    if (!m->gathering)
        return -ENOMEM;
    m->gathering->serial = ++m->serial;
    return 0;
}

static int copy_in(struct shard *s, struct data_partition *part, struct shard_produce *p)
{
    struct data_machine *m = s->data;
    uint8_t *body = wal_payload_frame(&m->gathering->wal, WAL_BATCH, 0, WAL_BATCH_FIXED + p->n);
    if (!body)
        return -ENOMEM;
    memcpy(body, p->topic_id.b, sizeof p->topic_id.b);
    put_le32(body + sizeof p->topic_id.b, (uint32_t)p->partition);
    uint8_t *batch = body + WAL_BATCH_FIXED;
    memcpy(batch, p->bytes, p->n);
    if (MUTANT(offsets_before_order))
        part->staged_end = plog_log_end(part->log);
    batch_place(batch, part->staged_end, (int32_t)consensus_term(s->raft));
    p->append_time_ms = -1;
    if (p->append_time) {
        p->append_time_ms = s->cfg.clock->wall_ms(s->cfg.clock);
        batch_stamp(batch, p->n, p->append_time_ms);
    }
    return 0;
}

/* There is no room for it now; it will come again, and what its producer sent behind it has to wait
 * for that. */
static void refuse(struct shard *s, struct data_partition *part, struct shard_produce *p, int code)
{
    if (part && p->batch.producer_id >= 0 &&
        !producers_know(&part->producers, p->batch.producer_id))
        refused_note(&s->data->refused, &p->topic_id, p->partition, &p->batch);
    data_finish(p, code);
}

static void stage(struct shard *s, struct data_partition *part, struct shard_produce *p)
{
    struct data_machine *m = s->data;
    struct producer before;
    int rc = start_gathering(s, p->n + WAL_BATCH_FIXED + WAL_FRAME_HEADER);
    /* The producer's state first: once the bytes are in the payload they will be written. */
    if (rc == 0 && p->batch.producer_id >= 0)
        rc = producers_stage(&part->producers, &p->batch, part->staged_end, m->gathering->serial,
                             &before);
    if (rc == 0) {
        rc = copy_in(s, part, p);
        if (rc && p->batch.producer_id >= 0)
            producers_unstage_last(&part->producers, &before);
    }
    if (rc) {
        refuse(s, part, p, rc);
        return;
    }
    p->base_offset = part->staged_end;
    part->staged_end += (int64_t)p->batch.last_offset_delta + 1;
    m->gathering->records += (uint64_t)p->batch.count;
    wait_with(m->gathering, p);
}

/* Unknown here: deleted, or so new that this shard has not been told yet. */
static void miss(struct shard *s, struct shard_produce *p)
{
    bool end = s->stopping || s->hurried;
    if (end || p->meta_index <= meta_index(s->data->image)) {
        data_finish(p, end ? ERR_CLOSED : ERR_NOTFOUND);
        return;
    }
    p->next = s->data->waiting;
    s->data->waiting = p;
}

static void judge(struct shard *s, struct shard_produce *p)
{
    struct data_partition *part = data_find(s, &p->topic_id, p->partition);
    struct producer_batch original;
    if (!part) {
        miss(s, p);
        return;
    }
    p->log_start = plog_log_start(part->log);
    if (plog_failed(part->log)) {
        data_finish(p, -EIO);
        return;
    }
    enum producers_verdict v = PRODUCERS_NEW;
    if (p->batch.producer_id >= 0)
        v = producers_check(&part->producers, &p->batch, &original);
    if (v == PRODUCERS_NEW && p->batch.producer_id >= 0 && !MUTANT(refused_overtaken) &&
        refused_bars(&s->data->refused, &p->topic_id, p->partition, &p->batch))
        v = PRODUCERS_GAP;
    switch (v) {
    case PRODUCERS_NEW:
        stage(s, part, p);
        return;
    case PRODUCERS_DUPLICATE:
        answer_duplicate(s, part, p, &original);
        return;
    case PRODUCERS_GAP:
        data_finish(p, ERR_OUTOFORDER);
        return;
    case PRODUCERS_FENCED:
        data_finish(p, ERR_FENCED);
        return;
    }
}

/* ---- trims */

static int stage_trim(struct shard *s, struct shard_trim *t)
{
    struct data_partition *part = data_find(s, &t->topic_id, t->partition);
    if (!part)
        return ERR_NOTFOUND;
    int64_t hw = plog_high_watermark(part->log);
    if (t->log_start < 0)
        t->log_start = hw;
    if (t->log_start > hw)
        return ERR_OFFSET;
    if (MUTANT(trim_before_durable))
        plog_set_log_start(part->log, t->log_start, NULL);
    int rc = start_gathering(s, WAL_TRIM_SIZE);
    if (rc)
        return rc;
    uint8_t *body = wal_payload_frame(&s->data->gathering->wal, WAL_TRIM, 0, WAL_TRIM_SIZE);
    if (!body)
        return -ENOMEM;
    memcpy(body, t->topic_id.b, sizeof t->topic_id.b);
    put_le32(body + 16, (uint32_t)t->partition);
    put_le64(body + 20, (uint64_t)t->log_start);
    t->next = s->data->gathering->trims;
    s->data->gathering->trims = t;
    return 0;
}

/* Does one more trim belong into the entry that gathers, and is there room for it? */
static bool trim_fits(struct shard *s)
{
    const struct shard_payload *g = s->data->gathering;
    bool first = !g || wal_payload_empty(&g->wal);
    size_t total = (first ? WAL_PAYLOAD_HEADER : g->wal.len) + WAL_FRAME_HEADER + WAL_TRIM_SIZE;
    bool within = total <= s->cfg.group_bytes && total <= wal_writer_max_payload(s->wal);
    return (first || within) && shard_has_room(s, total);
}

void data_trim_finish(struct shard_trim *t, int code)
{
    t->code = code;
    if (code)
        t->low_watermark = -1;
    t->done(t);
}

static void gather_trims(struct shard *s)
{
    struct data_machine *m = s->data;
    while (m->trims) {
        int rc = trim_fits(s) ? 0 : shard_no_room(s);
        if (rc == 0 && !trim_fits(s))
            return;
        struct shard_trim *t = m->trims;
        m->trims = t->next;
        rc = rc ? rc : stage_trim(s, t);
        if (rc)
            data_trim_finish(t, rc);
    }
}

/* ---- many */

/* Is there room for an entry of so many bytes, and behind it for trims, which make room when there
 * is none? A batch that leaves too little behind it waits for the next segment. */
static bool fits(struct shard *s, size_t total)
{
    size_t all = total + TRIM_ROOM, max = wal_writer_max_payload(s->wal);
    return shard_has_room(s, all < max ? all : max);
}

/* Does the batch still belong into the entry that gathers? An entry takes at least one. */
static bool within_bounds(struct shard *s, const struct shard_produce *p, size_t frame)
{
    const struct shard_payload *g = s->data->gathering;
    if (!g || wal_payload_empty(&g->wal))
        return true;
    return g->wal.len + frame <= s->cfg.group_bytes &&
           g->records + (uint64_t)p->batch.count <= s->cfg.group_records;
}

static void refuse_staged(struct shard *s, int code)
{
    while (s->data->staged) {
        struct shard_produce *p = s->data->staged;
        s->data->staged = p->next;
        refuse(s, data_find(s, &p->topic_id, p->partition), p, code);
    }
}

void data_gather(struct shard *s)
{
    struct data_machine *m = s->data;
    gather_trims(s);
    while (m->staged) {
        struct shard_produce *p = m->staged;
        size_t frame = p->n + WAL_BATCH_FIXED + WAL_FRAME_HEADER;
        size_t total = (m->gathering ? m->gathering->wal.len : WAL_PAYLOAD_HEADER) + frame;
        if (!within_bounds(s, p, frame))
            return;
        if (frame + WAL_PAYLOAD_HEADER > wal_writer_max_payload(s->wal)) {
            m->staged = p->next;
            data_finish(p, ERR_TOOBIG);
            continue;
        }
        /* Room first: what has an offset must be written, what has none may wait or be refused. */
        if (total > wal_writer_max_payload(s->wal))
            return;
        int refused = shard_takes_records(s, p->n);
        if (!refused && !fits(s, total)) {
            s->stats.waits_space++;
            refused = shard_no_room(s);
            if (!refused)
                return;
        }
        if (refused) {
            refuse_staged(s, refused);
            return;
        }
        m->staged = p->next;
        shard_took_records(s, p->n);
        judge(s, p);
    }
}

struct shard_payload *data_take(struct shard *s)
{
    struct shard_payload *p = s->data->gathering;
    s->data->gathering = NULL;
    if (p && wal_payload_empty(&p->wal)) { /* memory ran out before its first batch was in */
        shard_payload_unref(&s->pool, p);
        p = NULL;
    }
    if (p)
        wal_payload_stamp(&p->wal, meta_index(s->data->image), s->cfg.clock->wall_ms(s->cfg.clock));
    return p;
}

static void enqueue(struct data_machine *m, struct shard_produce *p)
{
    p->next = NULL;
    if (!m->staged)
        m->staged_tail = &m->staged;
    *m->staged_tail = p;
    m->staged_tail = &p->next;
}

/* A newer image is there: look again, in the order they came, and before what came after them: a
 * batch must not overtake one that its producer sent earlier. */
void data_retry_waiting(struct shard *s)
{
    struct data_machine *m = s->data;
    while (m->waiting) { /* the last to come is the first of the list */
        struct shard_produce *p = m->waiting;
        m->waiting = p->next;
        p->next = m->staged;
        if (!m->staged)
            m->staged_tail = &p->next;
        m->staged = p;
    }
}

void shard_produce(struct shard *s, struct shard_produce *p)
{
    int refused = s->stopping      ? ERR_CLOSED
                  : s->poisoned    ? ERR_POISONED
                  : !s->lead_index ? ERR_NOTLEADER
                                   : 0;
    p->log_start = -1;
    if (refused) {
        data_finish(p, refused);
        return;
    }
    enqueue(s->data, p);
}

void shard_trim(struct shard *s, struct shard_trim *t)
{
    struct data_machine *m = s->data;
    int refused = s->stopping      ? ERR_CLOSED
                  : s->poisoned    ? ERR_POISONED
                  : !s->lead_index ? ERR_NOTLEADER
                                   : 0;
    if (refused) {
        data_trim_finish(t, refused);
        return;
    }
    t->next = NULL;
    if (!m->trims)
        m->trims_tail = &m->trims;
    *m->trims_tail = t;
    m->trims_tail = &t->next;
}

/* ---- failing */

void data_fail_waiters(struct shard *s, struct shard_payload *p, int code)
{
    struct shard_produce *w = p->waiters;
    struct shard_trim *t = p->trims;
    (void)s;
    p->waiters = p->waiters_tail = NULL;
    p->trims = NULL;
    while (w) {
        struct shard_produce *next = w->next;
        data_finish(w, code);
        w = next;
    }
    while (t) {
        struct shard_trim *next = t->next;
        data_trim_finish(t, code);
        t = next;
    }
}

void data_fail_staged(struct shard *s, int code)
{
    struct data_machine *m = s->data;
    struct shard_payload *p = m->gathering;
    m->gathering = NULL;
    if (p) {
        data_fail_waiters(s, p, code);
        shard_payload_unref(&s->pool, p);
    }
    data_retry_waiting(s);
    refuse_staged(s, code);
    while (m->trims) {
        struct shard_trim *t = m->trims;
        m->trims = t->next;
        data_trim_finish(t, code);
    }
}

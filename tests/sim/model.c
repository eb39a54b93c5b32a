#include "tests/sim/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "tests/sim/compacted.h"
#include "tests/sim/world.h"

#define LL(x) ((long long)(x))

void model_release(struct model *m)
{
    for (size_t i = 0; i < m->n_batches; i++) {
        free(m->batches[i]->bytes);
        free(m->batches[i]);
    }
    for (unsigned t = 0; t < m->n_topics; t++)
        for (int p = 0; p < MODEL_PARTITIONS; p++)
            free(m->topics[t].part[p].log);
    free(m->batches);
    free(m->by_crc);
    *m = (struct model){0};
}

/* ---- batches */

static void index_batch(struct model *m, struct model_batch *b)
{
    size_t i = b->records & (m->cap_by_crc - 1);
    while (m->by_crc[i])
        i = (i + 1) & (m->cap_by_crc - 1);
    m->by_crc[i] = b;
}

static void index_all(struct model *m)
{
    free(m->by_crc);
    m->cap_by_crc = m->cap_by_crc ? 2 * m->cap_by_crc : 1024;
    m->by_crc = sim_alloc(m->cap_by_crc * sizeof *m->by_crc);
    for (size_t i = 0; i < m->n_batches; i++)
        index_batch(m, m->batches[i]);
}

struct model_batch *model_batch_new(struct sim_world *w, struct model_part *p, uint8_t *bytes,
                                    size_t n, uint32_t client, uint64_t order)
{
    struct model *m = &w->model;
    struct model_batch *b = sim_alloc(sizeof *b);
    *b = (struct model_batch){.part = p,
                              .bytes = bytes,
                              .n = n,
                              .client = client,
                              .order = order,
                              .acked_at = -1,
                              .stamp = -1,
                              .seen_at = -1};
    b->records = crc32c(0, bytes + BATCH_HEADER, n - BATCH_HEADER);
    if (batch_peek(span_of(bytes, n), &b->head))
        sim_violation(w, "HOST", "the simulator made a bad batch");
    if (m->n_batches == m->cap_batches)
        m->batches = sim_grow(m->batches, &m->cap_batches, sizeof *m->batches);
    m->batches[m->n_batches++] = b;
    if (2 * m->n_batches > m->cap_by_crc)
        index_all(m);
    else
        index_batch(m, b);
    return b;
}

/* Are these the bytes that were sent? Base offset and leader epoch are the broker's; so are, where
 * it stamps batches with its time, that time, the bit that says so, and the CRC. */
bool model_is_same(const struct model_batch *b, const struct batch *head, const uint8_t *bytes)
{
    size_t n = batch_size(head);
    if (b->n != n)
        return false;
    if (!b->part->topic->set.append_time)
        return memcmp(b->bytes + 16, bytes + 16, n - 16) == 0;
    uint8_t *stamped = sim_alloc(n);
    memcpy(stamped, b->bytes, n);
    batch_stamp(stamped, n, head->max_timestamp);
    bool same = memcmp(stamped + 16, bytes + 16, n - 16) == 0;
    free(stamped);
    return same && (b->stamp < 0 || b->stamp == head->max_timestamp);
}

static struct model_batch *find_sent(const struct model_part *p, const struct model *m,
                                     const struct batch *head, const uint8_t *bytes)
{
    size_t mask = m->cap_by_crc - 1;
    if (!m->cap_by_crc)
        return NULL;
    uint32_t records = crc32c(0, bytes + BATCH_HEADER, batch_size(head) - BATCH_HEADER);
    for (size_t i = records & mask; m->by_crc[i]; i = (i + 1) & mask) {
        struct model_batch *b = m->by_crc[i];
        if (b->part == p && b->records == records && model_is_same(b, head, bytes))
            return b;
    }
    return NULL;
}

void model_acked(struct sim_node *n, struct model_batch *b, int64_t base_offset, int64_t stamp)
{
    struct sim_world *w = n->w;
    struct model_part *p = b->part;
    cover(w, COVER_acked);
    w->model.acked += !b->acked;
    if (b->seen_at >= 0 && b->seen_at != base_offset)
        sim_violation(w, b->head.producer_id >= 0 ? "P1" : "L2",
                      "%s-%d: batch crc %08x stands at %lld and was answered with %lld",
                      p->topic->name, p->partition, b->head.crc, LL(b->seen_at), LL(base_offset));
    if (b->acked && b->acked_at != base_offset)
        sim_violation(w, "P1", "%s-%d: batch crc %08x was answered with %lld, now with %lld",
                      p->topic->name, p->partition, b->head.crc, LL(b->acked_at), LL(base_offset));
    if (!b->acked && b->seen_at < 0) {
        b->next = p->to_see;
        p->to_see = b;
    }
    b->acked = true;
    b->acked_by = n->id;
    b->acked_at = base_offset;
    if (stamp >= 0)
        b->stamp = stamp;
}

/* ---- reading */

size_t model_find(const struct model_part *p, int64_t offset)
{
    size_t low = 0, high = p->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct model_batch *b = p->log[mid];
        if (b->seen_at + b->head.last_offset_delta < offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static struct model_producer *producer_of(struct sim_world *w, struct model_part *p, int64_t pid)
{
    for (unsigned i = 0; i < p->n_producers; i++)
        if (p->producers[i].pid == pid)
            return &p->producers[i];
    if (p->n_producers == MODEL_PIDS)
        sim_violation(w, "HOST", "more than %d producers", MODEL_PIDS);
    p->producers[p->n_producers] = (struct model_producer){.pid = pid, .epoch = -1};
    return &p->producers[p->n_producers++];
}

/* The log took an idempotent batch: did it have to come now? */
static void check_sequence(struct sim_world *w, struct model_part *p, const struct model_batch *b)
{
    struct model_producer *last = producer_of(w, p, b->head.producer_id);
    const char *t = p->topic->name;
    int first = b->head.base_sequence;
    if (b->head.producer_epoch < last->epoch)
        sim_violation(w, "P2", "%s-%d: producer %lld: epoch %d appended behind epoch %d", t,
                      p->partition, LL(last->pid), b->head.producer_epoch, last->epoch);
    if (b->head.producer_epoch > last->epoch && last->epoch >= 0 && first != 0)
        sim_violation(w, "P2", "%s-%d: producer %lld: epoch %d begins with sequence %d", t,
                      p->partition, LL(last->pid), b->head.producer_epoch, first);
    if (b->head.producer_epoch == last->epoch && last->next_sequence >= 0 &&
        first != last->next_sequence)
        sim_violation(w, first < last->next_sequence ? "P1" : "P2",
                      "%s-%d: producer %lld: sequence %d appended at offset %lld where %d was next",
                      t, p->partition, LL(last->pid), first, LL(b->seen_at), last->next_sequence);
    last->epoch = b->head.producer_epoch;
    last->next_sequence = first + b->head.count;
}

/* Batches between what was read before and this one were trimmed before anyone read them. */
static void pass_hole(struct sim_world *w, struct model_part *p, int64_t base_offset)
{
    if (base_offset == p->end)
        return;
    if (base_offset < p->end || p->trim_asked < base_offset)
        sim_violation(w, "L3", "%s-%d: a batch at offset %lld where %lld was next", p->topic->name,
                      p->partition, LL(base_offset), LL(p->end));
    for (unsigned i = 0; i < p->n_producers; i++)
        p->producers[i].next_sequence = -1;
}

static void check_order(struct sim_world *w, struct model_part *p, const struct model_batch *b)
{
    uint64_t *last = &p->plain_order[b->client];
    if (b->order < *last)
        sim_violation(w, "P4", "%s-%d: batch %llu of client %u stands behind its batch %llu",
                      p->topic->name, p->partition, (unsigned long long)b->order, b->client,
                      (unsigned long long)*last);
    *last = b->order;
}

void model_seen(struct sim_world *w, struct model_part *p, const struct batch *head,
                const uint8_t *bytes)
{
    struct model_batch *b = find_sent(p, &w->model, head, bytes);
    const char *t = p->topic->name;
    if (!b)
        sim_violation(w, "L7", "%s-%d: nobody sent what stands at offset %lld", t, p->partition,
                      LL(head->base_offset));
    if (b->seen_at >= 0)
        sim_violation(w, b->head.producer_id >= 0 ? "P1" : "L2",
                      "%s-%d: the batch at offset %lld stands at %lld too", t, p->partition,
                      LL(b->seen_at), LL(head->base_offset));
    if (!b->maybe)
        sim_violation(w, "P2", "%s-%d: a batch that was refused stands at offset %lld", t,
                      p->partition, LL(head->base_offset));
    if (b->acked && b->acked_at != head->base_offset)
        sim_violation(w, "L2", "%s-%d: batch acknowledged at offset %lld stands at %lld", t,
                      p->partition, LL(b->acked_at), LL(head->base_offset));
    pass_hole(w, p, head->base_offset);
    b->seen_at = head->base_offset;
    if (p->topic->set.append_time)
        b->stamp = head->max_timestamp;
    if (p->n == p->cap)
        p->log = sim_grow(p->log, &p->cap, sizeof *p->log);
    p->log[p->n++] = b;
    p->end = batch_last_offset(head) + 1;
    if (b->head.producer_id >= 0)
        check_sequence(w, p, b);
    else
        check_order(w, p, b);
    if (b->unanswered && !b->acked)
        cover(w, COVER_unknown_then_there);
}

void model_seen_again(struct sim_world *w, struct model_part *p, size_t i, const struct batch *head,
                      const uint8_t *bytes)
{
    const struct model_batch *b = p->log[i];
    w->model.read_back++;
    if (p->topic->set.compact) {
        if (!compacted_is_part(b, head, bytes))
            sim_violation(w, "L2", "%s-%d: what compaction left at offset %lld was not there",
                          p->topic->name, p->partition, LL(head->base_offset));
        return;
    }
    if (head->base_offset != b->seen_at || !model_is_same(b, head, bytes))
        sim_violation(w, "L2", "%s-%d: offset %lld was given to other bytes (crc %08x, was %08x)",
                      p->topic->name, p->partition, LL(b->seen_at), head->crc, b->head.crc);
}

/* ---- topics */

struct model_topic *model_topic_new(struct sim_world *w, const char *name, int32_t partitions,
                                    struct model_settings set)
{
    struct model *m = &w->model;
    if (m->n_topics == MODEL_TOPICS)
        return NULL;
    for (unsigned i = 0; i < m->n_topics; i++)
        if (strcmp(m->topics[i].name, name) == 0)
            cover(w, COVER_topic_again);
    struct model_topic *t = &m->topics[m->n_topics++];
    snprintf(t->name, sizeof t->name, "%s", name);
    for (size_t i = 0; i < sizeof t->id.b; i++)
        t->id.b[i] = (uint8_t)rng_next(&w->rng);
    t->partitions = t->partitions_asked = partitions;
    t->set = set;
    t->created = ASKED;
    for (int32_t i = 0; i < MODEL_PARTITIONS; i++) {
        t->part[i].topic = t;
        t->part[i].partition = i;
    }
    return t;
}

/* From the oldest on a segment goes if enough is left without it, or if all in it is old, by a
 * clock that never jumped. So what went last is old, and with what went before enough was left. */
bool model_may_expire(const struct sim_world *w, const struct model_part *p, int64_t from,
                      int64_t log_start)
{
    const struct model_settings *set = &p->topic->set;
    int64_t now = sim_true_time_ms(w), left = 0;
    size_t i = p->n;
    for (; i && p->log[i - 1]->seen_at + p->log[i - 1]->head.last_offset_delta >= log_start; i--)
        left += (int64_t)p->log[i - 1]->n;
    for (; i && p->log[i - 1]->seen_at >= from && set->retention_ms >= 0 &&
           now - p->log[i - 1]->head.max_timestamp >= set->retention_ms;
         i--)
        left += (int64_t)p->log[i - 1]->n;
    bool all_old = i == 0 || p->log[i - 1]->seen_at < from;
    return all_old || (set->retention_bytes >= 0 && left >= set->retention_bytes);
}

bool model_topic_leaving(const struct model_topic *t)
{
    return t->deleted == ASKED || t->deleted == UNKNOWN || t->deleted == DONE;
}

bool model_topic_usable(const struct model_topic *t)
{
    return t->created == DONE && !model_topic_leaving(t);
}

struct model_topic *model_topic_live(struct sim_world *w, const char *name)
{
    for (unsigned i = 0; i < w->model.n_topics; i++) {
        struct model_topic *t = &w->model.topics[i];
        if (model_topic_usable(t) && strcmp(t->name, name) == 0)
            return t;
    }
    return NULL;
}

static struct model_topic *topic_by_id(struct model *m, const struct uuid *id)
{
    for (unsigned i = 0; i < m->n_topics; i++)
        if (uuid_eq(&m->topics[i].id, id))
            return &m->topics[i];
    return NULL;
}

void model_image(struct sim_world *w, struct meta_image *image)
{
    const struct meta_topic *mt = NULL;
    while ((mt = meta_topic_next(image, mt)) != NULL) {
        const struct model_topic *t = topic_by_id(&w->model, &mt->id);
        if (!t || t->created == NEVER)
            sim_violation(w, "M1", "topic %s is there, and nobody created it", mt->name);
        if (t->deleted == DONE)
            sim_violation(w, "M2", "topic %s is back after its deletion was acknowledged", t->name);
        if (mt->n_partitions < t->partitions || mt->n_partitions > t->partitions_asked ||
            strcmp(mt->name, t->name) != 0)
            sim_violation(w, "M1", "topic %s has %d partitions, not %d", mt->name, mt->n_partitions,
                          t->partitions);
    }
    for (unsigned i = 0; i < w->model.n_topics; i++) {
        const struct model_topic *t = &w->model.topics[i];
        if (model_topic_usable(t) && !meta_topic_by_id(image, &t->id))
            sim_violation(w, "M1", "topic %s was created and is gone", t->name);
    }
    if (meta_next_producer_id(image) < w->model.next_producer_id)
        sim_violation(w, "P3", "the next producer id is %lld, and ids up to %lld were handed out",
                      LL(meta_next_producer_id(image)), LL(w->model.next_producer_id));
}

static void settle_topic(struct sim_world *w, struct model_topic *t, bool there)
{
    bool open = t->created == ASKED || t->created == UNKNOWN;
    if (open || t->deleted == ASKED || t->deleted == UNKNOWN)
        cover(w, there == open ? COVER_topic_unknown_there : COVER_topic_unknown_lost);
    if (open)
        t->created = there ? DONE : NEVER;
    if (t->deleted == ASKED || t->deleted == UNKNOWN)
        t->deleted = there ? NOT_ASKED : DONE;
}

void model_settle_topics(struct sim_world *w, struct meta_image *image)
{
    model_image(w, image);
    for (unsigned i = 0; i < w->model.n_topics; i++) {
        struct model_topic *t = &w->model.topics[i];
        const struct meta_topic *mt = meta_topic_by_id(image, &t->id);
        settle_topic(w, t, mt != NULL);
        if (mt)
            t->partitions = t->partitions_asked = mt->n_partitions;
    }
    if (meta_index(image) < w->model.image_index)
        sim_violation(w, "M4", "the metadata log ends at %llu; a command at %llu was answered",
                      (unsigned long long)meta_index(image),
                      (unsigned long long)w->model.image_index);
}

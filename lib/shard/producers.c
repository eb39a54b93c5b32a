#include "shard/producers.h"
#include "base/mutant.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Sequences count 0 .. 2^31-1 and start again at 0. */
static int32_t after(int32_t sequence, int32_t n)
{
    return (int32_t)(((int64_t)sequence + n) & INT32_MAX);
}

static int32_t last_sequence_of(const struct batch *b)
{
    return after(b->base_sequence, b->last_offset_delta);
}

static struct producer *find(struct producer *layer, int64_t id)
{
    struct producer *p = NULL;
    HASH_FIND(hh, layer, &id, sizeof id, p);
    return p;
}

static const struct producer *look(struct producers *p, int64_t id)
{
    const struct producer *found = find(p->staged, id);
    return found ? found : find(p->applied, id);
}

bool producers_know(struct producers *p, int64_t id)
{
    const struct producer *known = look(p, id);
    return known && known->n > 0;
}

enum producers_verdict producers_check(struct producers *p, const struct batch *b,
                                       struct producer_batch *found)
{
    const struct producer *known = look(p, b->producer_id);
    if (!known || known->n == 0)
        return PRODUCERS_NEW; /* KIP-360: whatever its sequence, it may have been forgotten here */
    if (b->producer_epoch < known->epoch && !MUTANT(epoch_unfenced))
        return PRODUCERS_FENCED;
    if (b->producer_epoch > known->epoch)
        return b->base_sequence == 0 ? PRODUCERS_NEW : PRODUCERS_GAP;
    int32_t last = last_sequence_of(b);
    for (int i = known->n - 1; i >= 0; i--) {
        if (known->batches[i].first_sequence == b->base_sequence &&
            known->batches[i].last_sequence == last) {
            *found = known->batches[i];
            return PRODUCERS_DUPLICATE;
        }
    }
    if (MUTANT(gap_accepted))
        return PRODUCERS_NEW;
    return b->base_sequence == after(known->batches[known->n - 1].last_sequence, 1) ? PRODUCERS_NEW
                                                                                    : PRODUCERS_GAP;
}

int64_t producer_last_offset(const struct producer *p)
{
    if (p->n == 0)
        return -1;
    const struct producer_batch *b = &p->batches[p->n - 1];
    return b->base_offset + (int64_t)(((int64_t)b->last_sequence - b->first_sequence) & INT32_MAX);
}

static struct producer *add(struct producer **layer, int64_t id)
{
    struct producer *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->id = id;
    HASH_ADD(hh, *layer, id, sizeof p->id, p);
    if (!p->hh.tbl) { /* out of memory: not added */
        free(p);
        return NULL;
    }
    return p;
}

static void push(struct producer *p, const struct batch *b, int64_t base_offset, uint64_t index,
                 uint64_t serial)
{
    if (b->producer_epoch != p->epoch) {
        p->epoch = b->producer_epoch;
        p->n = 0;
    }
    if (p->n == PRODUCER_BATCHES) {
        for (int i = 1; i < PRODUCER_BATCHES; i++)
            p->batches[i - 1] = p->batches[i];
        p->n--;
    }
    p->batches[p->n++] =
        (struct producer_batch){b->base_sequence, last_sequence_of(b), base_offset, index, serial};
}

static void copy_state(struct producer *to, const struct producer *from)
{
    to->epoch = from->epoch;
    to->n = from->n;
    memcpy(to->batches, from->batches, sizeof to->batches);
}

int producers_stage(struct producers *p, const struct batch *b, int64_t base_offset,
                    uint64_t serial, struct producer *before)
{
    struct producer *s = find(p->staged, b->producer_id);
    if (!s) {
        s = add(&p->staged, b->producer_id);
        if (!s)
            return -ENOMEM;
        const struct producer *a = find(p->applied, b->producer_id);
        if (a)
            copy_state(s, a);
        else
            s->epoch = b->producer_epoch;
    }
    *before = (struct producer){.id = s->id};
    copy_state(before, s);
    push(s, b, base_offset, 0, serial);
    s->in_flight++;
    return 0;
}

static void remove_staged(struct producers *p, struct producer *s)
{
    HASH_DEL(p->staged, s);
    free(s);
}

void producers_unstage_last(struct producers *p, const struct producer *before)
{
    struct producer *s = find(p->staged, before->id);
    if (s && --s->in_flight == 0)
        remove_staged(p, s);
    else if (s && MUTANT(epoch_not_put_back))
        s->n--;
    else if (s)
        copy_state(s, before);
}

/* A batch that is staged for this producer is applied: whoever sends it again need not wait. */
static void settle(struct producer *s, int64_t base_offset, uint64_t index)
{
    for (int i = 0; i < s->n; i++) {
        if (s->batches[i].serial && s->batches[i].base_offset == base_offset) {
            s->batches[i].serial = 0;
            s->batches[i].index = index;
        }
    }
}

int producers_reserve(struct producers *p, const struct batch *b)
{
    if (find(p->applied, b->producer_id))
        return 0;
    struct producer *a = add(&p->applied, b->producer_id);
    if (!a)
        return -ENOMEM;
    a->epoch = b->producer_epoch;
    return 0;
}

int producers_apply(struct producers *p, const struct batch *b, uint64_t index, int64_t wall_ms)
{
    int rc = producers_reserve(p, b);
    if (rc)
        return rc;
    struct producer *a = find(p->applied, b->producer_id);
    push(a, b, b->base_offset, index, 0);
    a->last_timestamp = wall_ms;
    struct producer *s = find(p->staged, b->producer_id);
    if (s && --s->in_flight == 0)
        remove_staged(p, s);
    else if (s)
        settle(s, b->base_offset, index);
    return 0;
}

static void drop(struct producer **layer)
{
    struct producer *p, *next;
    HASH_ITER(hh, *layer, p, next)
    {
        HASH_DEL(*layer, p);
        free(p);
    }
}

void producers_unstage(struct producers *p)
{
    drop(&p->staged);
}

void producers_expire(struct producers *p, int64_t before)
{
    struct producer *a, *next;
    HASH_ITER(hh, p->applied, a, next)
    {
        if (a->last_timestamp >= before || find(p->staged, a->id))
            continue;
        HASH_DEL(p->applied, a);
        free(a);
    }
}

void producers_release(struct producers *p)
{
    drop(&p->staged);
    drop(&p->applied);
}

uint32_t producers_count(const struct producers *p)
{
    return HASH_COUNT(p->applied);
}

void producers_save(const struct producers *p, struct checkpoint_producer *out)
{
    const struct producer *a;
    for (a = p->applied; a; a = a->hh.next, out++) {
        out->id = a->id;
        out->epoch = a->epoch;
        out->last_timestamp = a->last_timestamp;
        out->n_batches = a->n;
        for (int i = 0; i < a->n; i++)
            out->batches[i] =
                (struct checkpoint_batch){a->batches[i].first_sequence, a->batches[i].last_sequence,
                                          a->batches[i].base_offset, a->batches[i].index};
    }
}

int producers_load(struct producers *p, const struct checkpoint_producer *in, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct producer *a = find(p->applied, in[i].id) ? NULL : add(&p->applied, in[i].id);
        if (!a)
            return find(p->applied, in[i].id) ? ERR_CORRUPT : -ENOMEM;
        a->epoch = in[i].epoch;
        a->last_timestamp = in[i].last_timestamp;
        a->n = in[i].n_batches;
        for (int k = 0; k < a->n; k++)
            a->batches[k] = (struct producer_batch){
                in[i].batches[k].first_sequence, in[i].batches[k].last_sequence,
                in[i].batches[k].base_offset, in[i].batches[k].index, 0};
    }
    return 0;
}

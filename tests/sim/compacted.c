#include "tests/sim/compacted.h"

#include <stdlib.h>
#include <string.h>

#include "batch/records.h"
#include "tests/sim/world.h"

static bool same_span(struct span a, struct span b)
{
    return a.n == b.n && !a.p == !b.p && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* The records of some among those of all, by their offset in the batch. */
static bool are_among(struct records *some, struct records *all)
{
    struct record a, b;
    int rc;
    while ((rc = records_next(some, &a)) == 1) {
        do {
            if (records_next(all, &b) != 1)
                return false;
        } while (b.offset_delta < a.offset_delta);
        if (b.offset_delta != a.offset_delta || b.timestamp != a.timestamp ||
            !same_span(a.key, b.key) || !same_span(a.value, b.value))
            return false;
    }
    return rc == 0;
}

bool compacted_is_part(const struct model_batch *b, const struct batch *head, const uint8_t *bytes)
{
    struct records some, all;
    if (head->base_offset != b->seen_at || head->last_offset_delta != b->head.last_offset_delta ||
        head->producer_id != b->head.producer_id ||
        head->producer_epoch != b->head.producer_epoch ||
        head->base_sequence != b->head.base_sequence)
        return false;
    bool good = records_init(&some, span_of(bytes, batch_size(head)), 1 << 20) == 0;
    good = records_init(&all, span_of(b->bytes, b->n), 1 << 20) == 0 && good;
    good = good && are_among(&some, &all);
    records_release(&some);
    records_release(&all);
    return good;
}

void compacted_begin(struct compacted_last *l)
{
    for (int k = 0; k < COMPACTED_KEYS; k++)
        l->offset[k] = -1;
    memset(l->deletes, 0, sizeof l->deletes);
}

static void note(struct compacted_last *l, int64_t base, struct span batch, int64_t from)
{
    struct records it;
    struct record r;
    if (records_init(&it, batch, 1 << 20) == 0)
        while (records_next(&it, &r) == 1) {
            int k = r.key.n == 1 ? r.key.p[0] - 'a' : -1;
            if (k < 0 || k >= COMPACTED_KEYS || base + r.offset_delta < from)
                continue;
            l->offset[k] = base + r.offset_delta;
            l->deletes[k] = !r.value.p;
        }
    records_release(&it);
}

void compacted_note(struct compacted_last *l, const struct batch *head, const uint8_t *bytes)
{
    note(l, head->base_offset, span_of(bytes, batch_size(head)), 0);
}

void compacted_expect(struct compacted_last *l, const struct model_part *p, int64_t log_start)
{
    compacted_begin(l);
    for (size_t i = model_find(p, log_start); i < p->n; i++)
        note(l, p->log[i]->seen_at, span_of(p->log[i]->bytes, p->log[i]->n), log_start);
}

int compacted_missing(const struct compacted_last *want, const struct compacted_last *got,
                      bool deletes_may_go)
{
    for (int k = 0; k < COMPACTED_KEYS; k++)
        if (want->offset[k] >= 0 && got->offset[k] != want->offset[k] &&
            !(want->deletes[k] && deletes_may_go))
            return k;
    return -1;
}

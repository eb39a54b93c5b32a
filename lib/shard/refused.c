#include "shard/refused.h"

#include <string.h>

enum { FREE = -1 }; /* for a producer's id: nobody's place */

static struct refused_first *find(struct refused *r, const struct uuid *topic_id, int32_t partition,
                                  int64_t producer_id)
{
    for (uint32_t i = 0; i < r->n && r->left; i++) {
        struct refused_first *f = &r->first[i];
        if (f->producer_id == producer_id && f->partition == partition &&
            memcmp(&f->topic_id, topic_id, sizeof *topic_id) == 0)
            return f;
    }
    return NULL;
}

void refused_note(struct refused *r, const struct uuid *topic_id, int32_t partition,
                  const struct batch *b)
{
    struct refused_first *f = find(r, topic_id, partition, b->producer_id);
    if (f && f->epoch >= b->producer_epoch)
        return; /* the one that is due came before */
    if (!f) {
        f = &r->first[r->next];
        if (r->next == r->n || f->producer_id == FREE)
            r->left++;
        if (r->next == r->n)
            r->n++;
        r->next = (r->next + 1) % REFUSED_MAX;
    }
    *f = (struct refused_first){*topic_id, partition, b->producer_id, b->producer_epoch,
                                b->base_sequence};
}

bool refused_bars(struct refused *r, const struct uuid *topic_id, int32_t partition,
                  const struct batch *b)
{
    struct refused_first *f = find(r, topic_id, partition, b->producer_id);
    if (!f)
        return false;
    if (f->epoch == b->producer_epoch && f->sequence != b->base_sequence)
        return true;
    f->producer_id = FREE;
    r->left--;
    return false;
}

/* hdr.c - slots 0..127 hold the values 0..127; each doubling above has 128 slots more: the value's
 * highest 8 bits say which, and the bits shifted out are the error. */
#include "base/hdr.h"

#include <math.h>
#include <string.h>

enum { SUB = 1 << HDR_SUB_BITS };

static const uint64_t highest = (UINT64_C(1) << HDR_MAX_BITS) - 1;

static unsigned slot_of(uint64_t v)
{
    if (v < SUB)
        return (unsigned)v;
    unsigned shift = 63 - (unsigned)__builtin_clzll(v) - HDR_SUB_BITS;
    return shift * SUB + (unsigned)(v >> shift);
}

/* The largest value of a slot. */
static uint64_t slot_top(unsigned slot)
{
    if (slot < 2 * SUB)
        return slot;
    unsigned shift = slot / SUB - 1;
    uint64_t lead = slot % SUB + SUB;
    return ((lead + 1) << shift) - 1;
}

void hdr_init(struct hdr *h)
{
    memset(h, 0, sizeof *h);
    h->min = UINT64_MAX;
}

void hdr_record(struct hdr *h, uint64_t value)
{
    if (value > highest)
        value = highest;
    h->slot[slot_of(value)]++;
    h->count++;
    h->sum += value;
    if (value < h->min)
        h->min = value;
    if (value > h->max)
        h->max = value;
}

void hdr_add(struct hdr *into, const struct hdr *from)
{
    for (unsigned i = 0; i < HDR_SLOTS; i++)
        into->slot[i] += from->slot[i];
    into->count += from->count;
    into->sum += from->sum;
    if (from->min < into->min)
        into->min = from->min;
    if (from->max > into->max)
        into->max = from->max;
}

/* How many of count values percentile p covers, at least one. p is nudged down first, so that 99.9
 * % of 1000 is 999 although the product of the doubles lies a hair above. */
static uint64_t rank_of(double p, uint64_t count)
{
    double rank = ceil(nextafter(p, 0) * (double)count / 100);
    if (!(rank >= 1))
        return 1;
    return rank >= (double)count ? count : (uint64_t)rank;
}

uint64_t hdr_percentile(const struct hdr *h, double p)
{
    if (h->count == 0)
        return 0;
    uint64_t rank = rank_of(p, h->count), seen = 0;
    for (unsigned i = 0; i < HDR_SLOTS; i++) {
        seen += h->slot[i];
        if (seen >= rank) {
            uint64_t top = slot_top(i);
            return top < h->max ? top : h->max;
        }
    }
    return h->max;
}

double hdr_mean(const struct hdr *h)
{
    return h->count ? (double)h->sum / (double)h->count : 0;
}

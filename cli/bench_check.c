#include "cli/bench_check.h"

#include <errno.h>
#include <stdlib.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(elt) ((elt)->hashed = false)
#include <uthash.h>

/* The name of a stream; no padding, as it is hashed bytewise. */
struct key {
    uint32_t run, client;
    int32_t partition;
};

struct stream {
    struct key key;
    bool hashed, expected;
    uint64_t next; /* one above the highest number seen */
    struct ranges seen;
    uint64_t places;
    UT_hash_handle hh;
};

struct check {
    struct stream *streams;
    struct stream *last; /* records of a stream come in a row */
    struct check_counts counts;
};

struct check *check_new(void)
{
    return calloc(1, sizeof(struct check));
}

void check_free(struct check *c)
{
    if (!c)
        return;
    struct stream *s, *next;
    HASH_ITER(hh, c->streams, s, next)
    {
        HASH_DEL(c->streams, s);
        ranges_release(&s->seen);
        free(s);
    }
    free(c);
}

static struct stream *stream_find(struct check *c, struct key key)
{
    if (c->last && !memcmp(&c->last->key, &key, sizeof key))
        return c->last;
    struct stream *s;
    HASH_FIND(hh, c->streams, &key, sizeof key, s);
    if (s)
        c->last = s;
    return s;
}

static struct stream *stream_add(struct check *c, struct key key)
{
    struct stream *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->key = key;
    s->hashed = true;
    HASH_ADD(hh, c->streams, key, sizeof key, s);
    if (!s->hashed) {
        free(s);
        return NULL;
    }
    return c->last = s;
}

/* Sequence number x of the stream stands at offset. */
static int see(struct check *c, struct stream *s, uint64_t x, int64_t offset)
{
    uint64_t twice;
    if (x == UINT64_MAX) { /* ranges end above; no client counts that far */
        c->counts.altered++;
        return 0;
    }
    if (ranges_add(&s->seen, x, x + 1, &twice))
        return -ENOMEM;
    if (twice) {
        c->counts.duplicated++;
        return 0;
    }
    s->places += check_place(x, offset);
    if (x < s->next)
        c->counts.reordered++;
    else
        s->next = x + 1;
    return 0;
}

int check_record(struct check *c, int32_t partition, int64_t offset, struct span value,
                 struct stamp *out)
{
    struct stamp st = {0};
    enum stamp_verdict v = stamp_read(value, &st);
    if (out)
        *out = st;
    c->counts.records++;
    if (v == STAMP_NONE) {
        c->counts.foreign++;
        return (int)v;
    }
    struct key key = {st.run, st.client, partition};
    struct stream *s = stream_find(c, key);
    if (v == STAMP_ALTERED) {
        c->counts.altered++;
        if (!s || st.sequence != s->next)
            return (int)v; /* its number may be what was altered */
    } else if (!s && !(s = stream_add(c, key))) {
        return -ENOMEM;
    }
    int rc = see(c, s, st.sequence, offset);
    return rc ? rc : (int)v;
}

void check_broken_batch(struct check *c, uint64_t n)
{
    c->counts.records += n;
    c->counts.altered += n;
}

void check_expect(struct check *c, const struct check_stream *e)
{
    static const struct ranges none;
    struct key key = {e->run, e->client, e->partition};
    struct stream *s = stream_find(c, key);
    const struct ranges *seen = s ? &s->seen : &none;
    uint64_t lost = ranges_missing(e->acked, seen);
    c->counts.lost += lost;
    if (!s)
        return;
    s->expected = true;
    struct range sent = {0, e->issued};
    c->counts.altered += ranges_missing(seen, &(struct ranges){&sent, e->issued > 0, 1});
    /* What was sent but never acknowledged may be there too, at an offset nobody promised. */
    bool same = !lost && ranges_count(seen) == ranges_count(e->acked);
    if (e->placed && same && s->places != e->places)
        c->counts.altered++;
}

void check_gaps(struct check *c)
{
    for (struct stream *s = c->streams; s; s = s->hh.next)
        if (!s->expected &&
            s->seen.n) /* what lies below the first was perhaps never there to read */
            c->counts.lost += s->next - s->seen.v[0].from - ranges_count(&s->seen);
}

uint64_t check_place(uint64_t sequence, int64_t offset)
{
    /* Two rounds of multiply and fold, so that swapping two offsets changes the sum. */
    uint64_t x = (sequence + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)offset;
    x = (x ^ x >> 32) * UINT64_C(0xd6e8feb86659fd93);
    x = (x ^ x >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return x ^ x >> 32;
}

const struct check_counts *check_counts(const struct check *c)
{
    return &c->counts;
}

void check_counts_add(struct check_counts *into, const struct check_counts *from)
{
    into->records += from->records;
    into->lost += from->lost;
    into->duplicated += from->duplicated;
    into->reordered += from->reordered;
    into->altered += from->altered;
    into->foreign += from->foreign;
}

bool check_counts_clean(const struct check_counts *n)
{
    return !n->lost && !n->duplicated && !n->reordered && !n->altered;
}

#include "tests/unit/plog/compact_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch/records.h"

void kit_init(struct kit *k)
{
    *k = (struct kit){.now = KIT_NOW, .n_keys = 20};
    fixture_init(&k->f);
    k->rules = (struct plog_compact_rules){
        .leapt_ms = INT64_MIN,
        .max_lag_ms = INT64_MAX,
        .delete_retention_ms = KIT_DAY,
        .key_bytes = 1 << 20,
    };
}

void kit_release(struct kit *k)
{
    fixture_release(&k->f);
    free(k->records);
}

/* ---- writing */

static void add(struct kit *k, struct batch_builder *b, int key, int value)
{
    char key_text[16], value_text[16];
    int64_t timestamp = k->now++;
    snprintf(key_text, sizeof key_text, "k%d", key);
    snprintf(value_text, sizeof value_text, "v%d", value);
    batch_builder_add(b, timestamp, span_str(key_text),
                      value == KIT_TOMBSTONE ? span_of(NULL, 0) : span_str(value_text), NULL, 0);
    if (k->n % 256 == 0)
        k->records = realloc(k->records, (k->n + 256) * sizeof *k->records);
    k->records[k->n] = (struct kit_record){(int64_t)k->n, timestamp, key, value};
    k->n++;
}

static void append(struct kit *k, struct batch_builder *b, int64_t base)
{
    struct wr w;
    struct err e;
    wr_init(&w, 0);
    ck_assert_ok(batch_builder_finish(b, &w));
    batch_builder_release(b);
    batch_place(w.buf, base, (int32_t)(base / 1000));
    struct span bytes = span_of(w.buf, w.len);
    int rc = plog_append(k->f.log, &bytes, 1, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    plog_set_high_watermark(k->f.log, plog_log_end(k->f.log));
    wr_free(&w);
}

/* Every other batch is of one of the producers in `ends`. */
static void begin(struct kit *k, struct batch_builder *b, enum batch_codec codec, int n)
{
    batch_builder_init(b, codec);
    if (k->n_ends == 0 || fixture_random(&k->f, 2))
        return;
    struct plog_producer_end *end = &k->ends[fixture_random(&k->f, (uint32_t)k->n_ends)];
    b->producer_id = end->id;
    b->producer_epoch = 1;
    b->base_sequence = (int32_t)k->sequence;
    end->last_offset = (int64_t)k->n + n - 1;
}

void kit_append(struct kit *k, int n, enum batch_codec codec)
{
    struct batch_builder b;
    int64_t base = (int64_t)k->n;
    begin(k, &b, codec, n);
    for (int i = 0; i < n; i++) {
        int value = fixture_random(&k->f, 10) ? (int)k->n : KIT_TOMBSTONE;
        add(k, &b, (int)fixture_random(&k->f, (uint32_t)k->n_keys), value);
    }
    append(k, &b, base);
}

void kit_put(struct kit *k, int key, int value)
{
    struct batch_builder b;
    int64_t base = (int64_t)k->n;
    batch_builder_init(&b, BATCH_NONE);
    add(k, &b, key, value);
    append(k, &b, base);
}

void kit_fill(struct kit *k, int batches)
{
    for (int i = 0; i < batches; i++)
        kit_append(k, 1 + (int)fixture_random(&k->f, 8),
                   (enum batch_codec)fixture_random(&k->f, BATCH_CODECS));
}

void kit_seal(struct kit *k)
{
    struct plog_mark mark;
    ck_assert_ok(plog_roll(k->f.log, NULL));
    fixture_sync(&k->f, false);
    plog_mark(k->f.log, &mark);
    ck_assert_ok(plog_set_floor(k->f.log, mark.segment, NULL));
}

/* ---- compacting */

static int by_id(const void *a, const void *b)
{
    const struct plog_producer_end *p = a, *q = b;
    return p->id < q->id ? -1 : p->id > q->id;
}

struct plog_compaction *kit_begin(struct kit *k)
{
    struct plog_compaction *c;
    struct plog_compact_rules rules = k->rules;
    struct err e;
    rules.now_ms = k->now;
    memcpy(rules.seed, "0123456789abcdef", sizeof rules.seed);
    rules.n_ends = k->n_ends;
    if (k->n_ends) {
        rules.ends = malloc(k->n_ends * sizeof *rules.ends);
        memcpy(rules.ends, k->ends, k->n_ends * sizeof *rules.ends);
        qsort(rules.ends, k->n_ends, sizeof *rules.ends, by_id);
    }
    int rc = plog_compact_begin(k->f.log, &rules, &c, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    return c;
}

int kit_finish(struct kit *k, struct plog_compaction *c, struct err *e)
{
    int rc = PLOG_COMPACT_RUN;
    while (rc > 0) {
        if (rc == PLOG_COMPACT_RUN)
            plog_compact_run(c);
        rc = plog_compact_step(k->f.log, c, e);
    }
    plog_compact_stats(c, &k->stats);
    plog_compact_free(k->f.log, c);
    return rc;
}

void kit_compact(struct kit *k)
{
    struct err e;
    int rc = kit_finish(k, kit_begin(k), &e);
    ck_assert_msg(rc == 0, "%s", e.text);
}

void kit_reopen(struct kit *k)
{
    struct plog_mark mark;
    plog_mark(k->f.log, &mark);
    fixture_reopen(&k->f, &mark);
    ck_assert_ok(plog_set_floor(k->f.log, mark.segment, NULL));
}

/* ---- reading */

size_t kit_walk_all(struct kit *k, struct batch *out, size_t cap)
{
    int64_t offset = 0;
    size_t n = 0;
    while (offset < plog_log_end(k->f.log)) {
        struct plog_slice s;
        uint8_t header[BATCH_HEADER];
        ck_assert_ok(plog_read(k->f.log, offset, INT64_MAX, 1, true, &s, NULL));
        ck_assert_int_eq(io_pread(s.file, header, sizeof header, s.pos), sizeof header);
        ck_assert_uint_lt(n, cap);
        ck_assert_ok(batch_peek(span_of(header, sizeof header), &out[n++]));
        offset = s.next_offset;
        plog_slice_release(&s);
    }
    return n;
}

static struct kit_record take(const struct record *r)
{
    struct kit_record k = {r->offset, r->timestamp, -1, KIT_TOMBSTONE};
    char text[32] = {0};
    ck_assert_uint_lt(r->key.n, sizeof text);
    memcpy(text, r->key.p, r->key.n);
    ck_assert_int_eq(sscanf(text, "k%d", &k.key), 1);
    if (!r->value.p)
        return k;
    memset(text, 0, sizeof text);
    memcpy(text, r->value.p, r->value.n);
    ck_assert_int_eq(sscanf(text, "v%d", &k.value), 1);
    return k;
}

/* The records of a slice at or behind `from`. */
static size_t take_slice(const struct plog_slice *s, int64_t from, struct kit_record *to)
{
    uint8_t *buf = malloc(s->len);
    int64_t next = s->base_offset;
    size_t n = 0;
    ck_assert_int_eq(plog_slice_read(s, buf), s->len);
    for (size_t at = 0; at < s->len;) {
        struct records it;
        struct record r;
        struct batch b;
        struct err e;
        int rc = batch_verify(span_of(buf + at, s->len - at), &b, &e);
        ck_assert_msg(rc == 0, "%s", e.text);
        ck_assert_int_ge(b.base_offset, next);
        ck_assert_ok(records_init(&it, span_of(buf + at, batch_size(&b)), 1 << 20));
        while ((rc = records_next(&it, &r)) > 0) {
            if (r.offset >= from)
                to[n++] = take(&r);
        }
        ck_assert_int_eq(rc, 0);
        records_release(&it);
        at += batch_size(&b);
        next = batch_last_offset(&b) + 1;
    }
    ck_assert_int_le(next, s->next_offset);
    free(buf);
    return n;
}

struct kit_record *kit_read(struct kit *k, struct plog *log, size_t *n)
{
    struct kit_record *all = calloc(k->n + 1, sizeof *all);
    int64_t offset = plog_log_start(log), end = plog_high_watermark(log);
    *n = 0;
    while (offset < end) {
        struct plog_slice s;
        struct err e;
        int rc = plog_read(log, offset, end, 300 + fixture_random(&k->f, 1000), true, &s, &e);
        ck_assert_msg(rc == 0, "%s", e.text);
        ck_assert_uint_gt(s.len, 0);
        rc = plog_slice_verify(log, &s, &e);
        ck_assert_msg(rc == 0, "%s", e.text);
        *n += take_slice(&s, offset, all + *n);
        ck_assert_int_gt(s.next_offset, offset);
        offset = s.next_offset;
        plog_slice_release(&s);
    }
    return all;
}

/* ---- checking */

static bool is_last_of_key(const struct kit *k, size_t i, int64_t below)
{
    for (size_t j = i + 1; j < k->n && k->records[j].offset < below; j++) {
        if (k->records[j].key == k->records[i].key)
            return false;
    }
    return true;
}

void kit_check(struct kit *k, int64_t clean_to, int64_t gone_before)
{
    size_t n, at = 0;
    struct kit_record *is = kit_read(k, k->f.log, &n);
    for (size_t i = (size_t)plog_log_start(k->f.log); i < k->n; i++) {
        const struct kit_record *r = &k->records[i];
        if (r->offset < clean_to && !is_last_of_key(k, i, clean_to))
            continue;
        bool may_go =
            r->value == KIT_TOMBSTONE && r->offset < clean_to && r->timestamp < gone_before;
        if (may_go && (at == n || is[at].offset != r->offset))
            continue;
        ck_assert_msg(at < n, "offset %lld is missing at the end", (long long)r->offset);
        ck_assert_msg(is[at].offset == r->offset, "offset %lld where %lld is due",
                      (long long)is[at].offset, (long long)r->offset);
        ck_assert_int_eq(is[at].key, r->key);
        ck_assert_int_eq(is[at].value, r->value);
        ck_assert_int_eq(is[at].timestamp, r->timestamp);
        at++;
    }
    ck_assert_uint_eq(at, n);
    free(is);
}

static void check_time(struct kit *k, const struct kit_record *all, size_t n, int64_t ts,
                       int64_t limit)
{
    struct plog_time first, last;
    struct err e;
    int64_t offset = -1, largest = -1, at = -1;
    for (size_t i = 0; i < n && all[i].offset < limit; i++) {
        if (offset < 0 && all[i].timestamp >= ts)
            offset = all[i].offset;
        if (all[i].timestamp > largest) {
            largest = all[i].timestamp;
            at = all[i].offset;
        }
    }
    int rc = plog_find_time(k->f.log, ts, limit, &first, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    ck_assert_int_eq(first.offset, offset);
    rc = plog_find_max_time(k->f.log, limit, &last, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    ck_assert_int_eq(last.offset, at);
    ck_assert_int_eq(last.timestamp, largest);
}

/* The first record that a read at `offset` gives is the next one there is. */
static void check_offset(struct kit *k, const struct kit_record *all, size_t n, int64_t offset)
{
    struct kit_record *got = calloc(k->n + 1, sizeof *got);
    struct plog_slice s = {0};
    struct err e;
    size_t next = 0, found = 0;
    while (next < n && all[next].offset < offset)
        next++;
    for (int64_t at = offset; at < plog_log_end(k->f.log) && !found; at = s.next_offset) {
        plog_slice_release(&s);
        int rc = plog_read(k->f.log, at, INT64_MAX, 1 + fixture_random(&k->f, 500), true, &s, &e);
        ck_assert_msg(rc == 0, "%s", e.text);
        ck_assert_uint_gt(s.len, 0);
        found = take_slice(&s, offset, got);
    }
    ck_assert_int_eq(found > 0, next < n);
    if (found)
        ck_assert_int_eq(got[0].offset, all[next].offset);
    plog_slice_release(&s);
    free(got);
}

void kit_check_looking(struct kit *k)
{
    size_t n;
    struct kit_record *all = kit_read(k, k->f.log, &n);
    int64_t end = plog_log_end(k->f.log);
    for (int64_t offset = plog_log_start(k->f.log); offset < end; offset++)
        check_offset(k, all, n, offset);
    for (int i = 0; i < 300; i++) {
        int64_t limit = i % 3 ? end : fixture_random(&k->f, (uint32_t)end + 2);
        check_time(k, all, n,
                   KIT_NOW - 5 + fixture_random(&k->f, (uint32_t)(k->now - KIT_NOW) + 10), limit);
    }
    free(all);
}

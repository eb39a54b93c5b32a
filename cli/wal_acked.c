/* wal_acked.c - see wal_acked.h. */
#include "cli/wal_acked.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch/records.h"
#include "cli/bench_stamp.h"
#include "cli/meta_history.h"
#include "cli/meta_place.h"

enum { TOLD_MAX = 10, EXPANDED_MAX = 256 << 20 };

/* ---- the ack log, by partition */

static int by_partition(const void *pa, const void *pb)
{
    const struct acked_part *a = pa, *b = pb;
    int order = memcmp(&a->id, &b->id, sizeof a->id);
    return order ? order : a->partition < b->partition ? -1 : a->partition > b->partition;
}

static const char *topic_name(const struct acked_check *c, size_t i)
{
    return c->log.runs[c->log.v[i].run].topic;
}

static int deal(struct acked_check *c)
{
    size_t to;
    c->parts = calloc(c->log.n + 1, sizeof *c->parts);
    c->fates = calloc(c->log.n + 1, sizeof *c->fates);
    if (!c->parts || !c->fates)
        return -ENOMEM;
    for (size_t from = 0; from < c->log.n; from = to) {
        const char *name = topic_name(c, from);
        struct acked_part *p = &c->parts[c->n_parts++];
        for (to = from + 1; to < c->log.n && c->log.v[to].partition == c->log.v[from].partition &&
                            strcmp(topic_name(c, to), name) == 0;)
            to++;
        p->partition = c->log.v[from].partition;
        p->from = from;
        p->to = to;
        p->topic = meta_topic_by_name(c->image, span_str(name));
        if (p->topic)
            p->id = p->topic->id;
    }
    qsort(c->parts, c->n_parts, sizeof *c->parts, by_partition);
    return 0;
}

int acked_open(struct acked_check *c, const char *file, const char *dir, struct err *e)
{
    struct place place;
    *c = (struct acked_check){.dir = dir, .faults = json_new_array()};
    int rc = acklog_read(&c->log, file, e); /* before anything else: its records are there by now */
    if (rc == 0 && c->log.n_runs == 0)
        rc = err_set(e, ERR_MALFORMED, "%s: no run is in it", file);
    if (rc == 0)
        rc = place_find(&place, io_posix(), dir, e);
    if (rc == 0 && place.kind != PLACE_NODE)
        rc =
            err_set(e, ERR_NOTFOUND, "%s: not a broker's data directory, which --acked needs", dir);
    if (rc == 0)
        rc = node_read(io_posix(), dir, &c->node, e);
    if (rc == 0)
        rc = history_image(&place, HISTORY_LATEST, &c->image, e);
    if (rc != 0)
        return rc;
    acklog_sort(&c->log);
    rc = deal(c);
    return rc ? err_code(e, rc, "%s", file) : 0;
}

void acked_release(struct acked_check *c)
{
    acklog_release(&c->log);
    meta_image_unref(c->image);
    json_free(c->faults);
    free(c->fates);
    free(c->parts);
}

struct acked_part *acked_find(struct acked_check *c, const struct uuid *id, int32_t partition)
{
    struct acked_part key = {.id = *id, .partition = partition};
    return c->n_parts ? bsearch(&key, c->parts, c->n_parts, sizeof key, by_partition) : NULL;
}

/* ---- batches */

/* The broker has written the batch anew (append time, another codec, compaction): are the records
 * in it those that were sent? */
static bool same_stamps(const struct acked_check *c, const struct acked *a, struct span bytes)
{
    struct records it;
    struct record r;
    uint64_t next = a->sequence;
    int rc = records_init(&it, bytes, EXPANDED_MAX);
    while (rc >= 0 && (rc = records_next(&it, &r)) == 1) {
        struct stamp s;
        if (stamp_read(r.value, &s) != STAMP_GOOD || s.run != c->log.runs[a->run].id ||
            s.client != a->client || s.sequence != next++)
            break;
    }
    records_release(&it);
    return rc == 0 && next - a->sequence == (uint64_t)a->count;
}

static bool fulfils(const struct acked_check *c, const struct acked *a, struct span bytes,
                    const struct batch *b)
{
    return b->base_offset == a->base && b->count == a->count &&
           (b->crc == a->crc || same_stamps(c, a, bytes));
}

/* The first of a partition's lines that ends above an offset. They are sorted by base; an ack log
 * that contradicts itself is not to be trusted with more. */
static size_t first_above(const struct acked_check *c, const struct acked_part *p, int64_t offset)
{
    size_t lo = p->from, hi = p->to;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (c->log.v[mid].base + c->log.v[mid].count <= offset)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

void acked_batch(struct acked_check *c, const struct acked_part *p, struct span bytes,
                 const struct batch *b, enum acked_state where)
{
    int64_t last = batch_last_offset(b);
    for (size_t i = first_above(c, p, b->base_offset); i < p->to && c->log.v[i].base <= last; i++) {
        struct acked_fate *f = &c->fates[i];
        if (f->state == ACKED_IN_WAL || f->state == ACKED_IN_LOGS)
            continue;
        f->other = !fulfils(c, &c->log.v[i], bytes, b);
        f->state = f->other ? ACKED_UNSEEN : (uint8_t)where;
        f->walk = c->walk;
        f->index = c->last_index;
    }
}

/* ---- groups */

void acked_begin_log(struct acked_check *c)
{
    c->walk++;
    c->last_index = 0;
}

/* A group with an index discards what was written before it with that index or a higher one. */
static void discard(struct acked_check *c, uint64_t index)
{
    for (size_t i = 0; i < c->log.n; i++) {
        struct acked_fate *f = &c->fates[i];
        if (f->state == ACKED_IN_WAL && f->walk == c->walk && f->index >= index)
            *f = (struct acked_fate){.state = ACKED_UNSEEN};
    }
}

static void take_frame(struct acked_check *c, const struct wal_frame *f)
{
    struct wal_batch w;
    struct wal_trim t;
    struct batch b;
    struct acked_part *p;
    if (f->type == WAL_BATCH && wal_batch_decode(f->body, &w) == 0 &&
        batch_peek(w.batch, &b) == 0 && (p = acked_find(c, &w.topic_id, (int32_t)w.partition)))
        acked_batch(c, p, w.batch, &b, ACKED_IN_WAL);
    if (f->type == WAL_TRIM && wal_trim_decode(f->body, &t) == 0 &&
        (p = acked_find(c, &t.topic_id, (int32_t)t.partition)) && t.log_start > p->log_start)
        p->log_start = t.log_start;
}

void acked_group(struct acked_check *c, const struct wal_group *g)
{
    size_t at = WAL_PAYLOAD_HEADER;
    struct wal_frame f;
    if (g->index == 0)
        return;
    if (g->index <= c->last_index)
        discard(c, g->index);
    c->last_index = g->index;
    while (wal_frame_next(g->payload, &at, &f) == 1)
        take_frame(c, &f);
}

/* ---- the result */

static bool is_bad(const struct acked_fate *f)
{
    return f->state == ACKED_UNSEEN || f->state == ACKED_ALTERED;
}

bool acked_good(const struct acked_check *c)
{
    for (size_t i = 0; i < c->log.n; i++)
        if (is_bad(&c->fates[i]))
            return false;
    return json_len(c->faults) == 0;
}

void acked_again(struct acked_check *c)
{
    for (size_t i = 0; i < c->log.n; i++)
        if (is_bad(&c->fates[i]))
            c->fates[i] = (struct acked_fate){.state = ACKED_UNSEEN};
    json_free(c->faults);
    c->faults = json_new_array();
}

static const char *why_bad(const struct acked_check *c, const struct acked_part *p, size_t i)
{
    if (!p->topic)
        return "there is no such topic";
    if (p->partition >= p->topic->n_partitions)
        return "there is no such partition";
    return c->fates[i].state == ACKED_ALTERED ? "another batch stands there"
                                              : "neither in the WAL nor in the partition log";
}

static void tell(const struct acked_check *c, const struct acked_part *p, size_t i,
                 struct json *first)
{
    const struct acked *a = &c->log.v[i];
    const char *why = why_bad(c, p, i);
    cli_error("topic %s, partition %" PRId32 ", offset %" PRId64 ": %" PRId32
              " records of client %" PRIu32 " from sequence %" PRIu64 " on: %s",
              topic_name(c, i), a->partition, a->base, a->count, a->client, a->sequence, why);
    struct json *j = json_new_object();
    json_set_str(j, "topic", topic_name(c, i));
    json_set_int(j, "partition", a->partition);
    json_set_int(j, "offset", a->base);
    json_set_int(j, "records", a->count);
    json_set_int(j, "client", a->client);
    json_set_int(j, "sequence", (int64_t)a->sequence);
    json_set_str(j, "reason", why);
    json_push(first, j);
}

struct json *acked_result(struct acked_check *c, const char *file)
{
    static const char *const names[] = {
        [ACKED_UNSEEN] = "missing",  [ACKED_IN_WAL] = "in_wal",       [ACKED_IN_LOGS] = "in_logs",
        [ACKED_REMOVED] = "removed", [ACKED_COMPACTED] = "compacted", [ACKED_ALTERED] = "altered"};
    static const enum acked_state order[] = {ACKED_IN_WAL,    ACKED_IN_LOGS, ACKED_REMOVED,
                                             ACKED_COMPACTED, ACKED_UNSEEN,  ACKED_ALTERED};
    int64_t records[sizeof names / sizeof *names] = {0}, all = 0;
    struct json *j = json_new_object(), *first = json_new_array();
    for (size_t p = 0; p < c->n_parts; p++)
        for (size_t i = c->parts[p].from; i < c->parts[p].to; i++) {
            records[c->fates[i].state] += c->log.v[i].count;
            all += c->log.v[i].count;
            if (is_bad(&c->fates[i]) && json_len(first) < TOLD_MAX)
                tell(c, &c->parts[p], i, first);
        }
    json_set_str(j, "file", file);
    json_set_int(j, "runs", (int64_t)c->log.n_runs);
    json_set_int(j, "batches", (int64_t)c->log.n);
    json_set_int(j, "records", all);
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        json_set_int(j, names[order[i]], records[order[i]]);
    json_set_bool(j, "good", acked_good(c));
    json_set(j, "first", first);
    json_set(j, "faults", c->faults);
    c->faults = NULL;
    return j;
}

void acked_print(const struct json *r)
{
    static const struct {
        const char *name, *text;
        bool always;
    } parts[] = {{"in_wal", "in the WAL", true},
                 {"in_logs", "in the partition logs alone", true},
                 {"removed", "removed by retention or trims", false},
                 {"compacted", "of a compacted topic, not provable", false},
                 {"missing", "missing", true},
                 {"altered", "altered", true}};
    printf("%" PRId64 " acknowledged records:", json_int(json_get(r, "records"), 0));
    const char *before = " ";
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        int64_t n = json_int(json_get(r, parts[i].name), 0);
        if (n == 0 && !parts[i].always)
            continue;
        printf("%s%" PRId64 " %s", before, n, parts[i].text);
        before = ", ";
    }
    printf(": %s\n", json_bool(json_get(r, "good"), false) ? "all on disk" : "not all on disk");
}

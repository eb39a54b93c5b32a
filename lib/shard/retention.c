/* retention.c - old records go, by age and by size: whole segments from the oldest on, as in Kafka.
 *
 * A segment goes when its latest record is older than retention.ms, or when the log without it
 * still has retention.bytes. If that is true of the active segment too, a new one is begun first.
 * Nothing goes where cleanup.policy has no delete.
 *
 * Only the leader decides. It says so by a TRIM, like a client that deletes records: the log start
 * moves on every replica when that is committed, and files are unlinked only then, and only below
 * what the older checkpoint may need (plog_set_floor). So a crash leaves the log as it was before
 * or after, and a replay repeats no decision.
 *
 * Age is judged by the records' own timestamps against a time that does not jump (wall.h). Records
 * from the future keep their segment, and those behind it, until their time has come; it is logged.
 * Where no record of a segment has a timestamp it is as old as its file, as in Kafka; the active
 * one has no age then, and ends by its size alone. Timestamps that an earlier process left in files
 * are read as a task: a partition that needs some waits for them, the others do not.
 */
#include "shard/retention.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/mutant.h"
#include "shard/machine_data.h"

enum {
    FIRST_CHECK_MS = 30 * 1000, /* after the start, or sooner if checks are more frequent */
    TIMES_AT_ONCE = 64          /* segments of a partition whose times are read at a time */
};

/* ---- the decision */

/* What of a log may go. */
struct verdict {
    int64_t log_start; /* where it should begin */
    bool by_age;       /* the reason, of the last segment that goes */
    bool all;          /* the active segment goes too */
    bool unknown;      /* a segment's time has to be read before more can be said */
};

/* Bytes of the segments that hold anything that may be read. */
static uint64_t live_bytes(const struct plog *log)
{
    int64_t log_start = plog_log_start(log);
    uint64_t bytes = 0;
    for (size_t i = 0, n = plog_segments_count(log); i < n; i++) {
        struct plog_segment_info g = plog_segments_at(log, i);
        if (g.next > log_start)
            bytes += g.bytes;
    }
    return bytes;
}

/* By what age is judged. */
struct ages {
    int64_t now, leapt; /* wall.h */
};

/* What was written before the clock leapt may have been written by a clock in the past. */
static int64_t time_of(const struct plog_segment_info *g, const struct ages *t)
{
    if (g->max_timestamp >= 0)
        return g->max_timestamp;
    return g->written_ms > t->leapt || MUTANT(written_in_the_past) ? g->written_ms : t->leapt;
}

static bool too_old(const struct plog_segment_info *g, const struct meta_settings *set,
                    const struct ages *t)
{
    int64_t time = time_of(g, t);
    return set->retention_ms >= 0 && t->now > time && t->now - time > set->retention_ms;
}

static bool too_much(const struct plog_segment_info *g, const struct meta_settings *set,
                     uint64_t bytes)
{
    return set->retention_bytes >= 0 && bytes - g->bytes >= (uint64_t)set->retention_bytes;
}

static struct verdict judge(const struct plog *log, const struct meta_settings *set,
                            const struct ages *t)
{
    struct verdict v = {.log_start = plog_log_start(log)};
    uint64_t bytes = live_bytes(log);
    for (size_t i = 0, n = plog_segments_count(log); i < n; i++) {
        struct plog_segment_info g = plog_segments_at(log, i);
        if (g.next <= v.log_start) /* dead already, or active and empty */
            continue;
        if (g.next > plog_high_watermark(log))
            break;
        bool much = too_much(&g, set, bytes);
        if (!much && set->retention_ms >= 0 && !g.time_known)
            v.unknown = true;
        if (!much && (v.unknown || !too_old(&g, set, t)))
            break;
        bytes -= g.bytes;
        v.log_start = g.next;
        v.by_age = !much;
        v.all = g.active;
    }
    return v;
}

/* ---- carrying it out */

/* A trim of our own; a list holds those under way. */
struct expiry {
    struct shard_trim trim;
    struct shard *s;
    struct expiry *next, **link;
    bool by_age;
};

static void list_expiry(struct data_machine *m, struct expiry *x)
{
    x->next = m->expiries;
    x->link = &m->expiries;
    if (x->next)
        x->next->link = &x->next;
    m->expiries = x;
}

static void free_expiry(struct expiry *x)
{
    *x->link = x->next;
    if (x->next)
        x->next->link = x->link;
    free(x);
}

void retention_release(struct shard *s)
{
    while (s->data->expiries)
        free_expiry(s->data->expiries);
}

static void expired(struct shard_trim *t)
{
    struct expiry *x = t->arg;
    struct data_partition *p = data_find(x->s, &t->topic_id, t->partition);
    if (p)
        p->expiring = false;
    if (t->code == 0)
        x->s->stats.expirations++;
    if (p && t->code == 0)
        log_info(x->s->cfg.log, "retention",
                 "records removed partition=%s-%" PRId32 " log_start=%" PRId64 " reason=%s",
                 plog_topic(p->log), t->partition, t->log_start, x->by_age ? "age" : "size");
    free_expiry(x); /* whatever kept it from being done, the next check sees to it */
}

static void expire(struct shard *s, struct data_partition *p, const struct verdict *v)
{
    struct err e;
    if (v->all && data_roll(s, p, &e) < 0) {
        log_warn(s->cfg.log, "retention", "old records stay: %s", e.text);
        return;
    }
    struct expiry *x = calloc(1, sizeof *x);
    if (!x) {
        log_warn(s->cfg.log, "retention", "old records stay: out of memory");
        return;
    }
    x->s = s;
    x->by_age = v->by_age;
    x->trim = (struct shard_trim){.topic_id = p->key.topic_id,
                                  .partition = p->key.partition,
                                  .log_start = v->log_start,
                                  .done = expired,
                                  .arg = x};
    list_expiry(s->data, x);
    p->expiring = true;
    shard_trim(s, &x->trim);
}

/* ---- times that are in files */

struct times_read {
    struct data_key key; /* the partition may be gone by the time it is done */
    struct plog_times *times;
    struct err e;
    int rc;
};
/* A task: read those of some partitions. */
struct reading {
    struct shard_task task; /* first */
    size_t n, cap;
    struct times_read *parts;
};

static void free_reading(struct reading *r)
{
    for (size_t i = 0; i < r->n; i++)
        plog_times_free(r->parts[i].times);
    free(r->parts);
    free(r);
}

static void reading_run(struct shard_task *t)
{
    struct reading *r = (struct reading *)t;
    for (size_t i = 0; i < r->n; i++)
        r->parts[i].rc = plog_times_run(r->parts[i].times, &r->parts[i].e);
}

static void check(struct shard *s, struct data_partition *p, int64_t now, struct reading **reading);
static void start_reading(struct shard *s, struct reading *r);

/* What was waited for is known: look again at those partitions. One whose times cannot be read
 * loses what is known to be old and no more. */
static void reading_done(struct shard *s, struct shard_task *t)
{
    struct reading *r = (struct reading *)t, *more = NULL;
    int64_t now = wall_now(&s->data->wall, s->cfg.clock, s->cfg.log);
    s->data->reading = false;
    for (size_t i = 0; i < r->n && s->leading && !s->poisoned && !s->stopping; i++) {
        struct times_read *part = &r->parts[i];
        struct data_partition *p = data_find(s, &part->key.topic_id, part->key.partition);
        if (!p)
            continue;
        if (part->rc < 0)
            log_warn(s->cfg.log, "retention", "old records stay: %s", part->e.text);
        check(s, p, now, part->rc < 0 ? NULL : &more);
    }
    free_reading(r);
    start_reading(s, more);
}

static void start_reading(struct shard *s, struct reading *r)
{
    if (!r)
        return;
    r->task.run = reading_run;
    r->task.done = reading_done;
    if (shard_start_task(s, &r->task) == 0)
        s->data->reading = true;
    else
        free_reading(r); /* the next check asks again */
}

static int add_part(struct reading **reading, const struct data_partition *p,
                    struct plog_times *times)
{
    struct reading *r = *reading ? *reading : calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    *reading = r;
    if (r->n == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 16;
        struct times_read *parts = realloc(r->parts, cap * sizeof *parts);
        if (!parts)
            return -ENOMEM;
        r->parts = parts;
        r->cap = cap;
    }
    r->parts[r->n++] = (struct times_read){.key = p->key, .times = times};
    return 0;
}

static void want_times(struct shard *s, struct data_partition *p, struct reading **reading)
{
    struct plog_times *times = NULL;
    struct err e;
    int rc = plog_times_begin(p->log, TIMES_AT_ONCE, &times, &e);
    if (rc == 0 && times && (rc = add_part(reading, p, times)) < 0) {
        plog_times_free(times);
        err_code(&e, rc, "times of %s-%" PRId32, plog_topic(p->log), p->key.partition);
    }
    if (rc < 0)
        log_warn(s->cfg.log, "retention", "old records stay: %s", e.text);
}

/* ---- the check */

/* Once a segment. */
static void report_future(struct shard *s, struct data_partition *p, int64_t now)
{
    struct plog_segment_info g = plog_segments_at(p->log, 0);
    if (!g.time_known || g.max_timestamp <= now || p->from_future == g.base + 1)
        return;
    p->from_future = g.base + 1;
    log_warn(s->cfg.log, "retention",
             "records from the future stay until their time has come, and those behind them "
             "partition=%s-%" PRId32 " segment=%" PRId64 " timestamp=%" PRId64,
             plog_topic(p->log), p->key.partition, g.base, g.max_timestamp);
}

/* reading: gets what has to be read first; NULL: decide by what is known. */
static void check(struct shard *s, struct data_partition *p, int64_t now, struct reading **reading)
{
    const struct meta_settings *set = &p->topic->settings;
    if (p->expiring || plog_failed(p->log) || !(set->cleanup_policy & META_CLEANUP_DELETE))
        return;
    struct ages t = {now, wall_leapt(&s->data->wall)};
    struct verdict v = judge(p->log, set, &t);
    if (v.unknown && reading)
        want_times(s, p, reading);
    else if (v.log_start > plog_log_start(p->log))
        expire(s, p, &v);
    if (set->retention_ms >= 0)
        report_future(s, p, now);
}

/* Records were deleted up to the end: the file that held them is of no use any more. */
static void roll_dead(struct shard *s, struct data_partition *p)
{
    struct plog_segment_info g = plog_segments_at(p->log, plog_segments_count(p->log) - 1);
    struct err e;
    if (g.bytes == 0 || g.next > plog_log_start(p->log) || plog_failed(p->log))
        return;
    if (data_roll(s, p, &e) < 0)
        log_warn(s->cfg.log, "retention", "deleted records keep their file: %s", e.text);
    else
        s->data->dead = true;
}

static void check_all(struct shard *s)
{
    struct reading *reading = NULL;
    struct data_partition *p, *next;
    int64_t now = wall_now(&s->data->wall, s->cfg.clock, s->cfg.log);
    HASH_ITER(hh, s->data->partitions, p, next)
    {
        roll_dead(s, p);
        if (s->leading && !s->data->reading)
            check(s, p, now, &reading);
    }
    start_reading(s, reading);
}

int64_t retention_tick(struct shard *s, int64_t now)
{
    struct data_machine *m = s->data;
    if (s->cfg.retention_check_ms <= 0)
        return INT64_MAX;
    if (now < m->retention_at_ms)
        return m->retention_at_ms;
    m->retention_at_ms = clock_after(now, s->cfg.retention_check_ms);
    check_all(s);
    return m->retention_at_ms;
}

void retention_begin(struct shard *s)
{
    int64_t every = s->cfg.retention_check_ms;
    s->data->retention_at_ms = shard_now(s) + (every < FIRST_CHECK_MS ? every : FIRST_CHECK_MS);
}

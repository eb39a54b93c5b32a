#include "tests/silent/answers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/wr.h"
#include "shard/checkpoint.h"
#include "tests/shard/rig.h"
#include "tests/silent/disk.h"

enum { SLICE = 4096, TIMES = 5, PLACES = 7, SEGMENT_BYTES = 1 << 30 };

/* A batch of a partition, in its content. */
struct placed {
    int64_t base, last;
    size_t at;
};

struct part {
    char name[META_NAME_MAX + 16]; /* for people */
    struct uuid topic_id;
    int32_t partition;
    int64_t log_start, high_watermark;
    uint8_t *content; /* from the log start's batch to the high watermark */
    size_t size;
    struct placed *batches;
    size_t n_batches;
    int64_t times[TIMES]; /* asked for, */
    struct plog_time found[TIMES], latest;
    struct plog_epoch *epochs;
    size_t n_epochs;
};

struct answers {
    char *image; /* as text */
    struct part *parts;
    size_t n;
    struct wr state; /* of partitions, as a checkpoint of the running broker has it */
};

/* ---- reading */

struct reading {
    struct plog *log;
    int64_t offset;
    uint32_t max;
    struct plog_slice slice;
    uint8_t *bytes;
    struct err *e;
};

/* The bytes from an offset on, as a Fetch gets them; r->slice.len 0: none. */
static int read_slice(struct reading *r)
{
    int64_t hw = plog_high_watermark(r->log);
    r->bytes = NULL;
    int rc = plog_read(r->log, r->offset, hw, r->max, true, &r->slice, r->e);
    if (rc < 0 || r->slice.len == 0)
        return rc;
    rc = r->slice.verified ? 0 : plog_slice_verify(r->log, &r->slice, r->e);
    r->bytes = malloc(r->slice.len);
    if (rc == 0 && (!r->bytes || io_pread(r->slice.file, r->bytes, r->slice.len, r->slice.pos) !=
                                     (ssize_t)r->slice.len))
        disk_die("a slice cannot be read");
    struct plog_slice held = r->slice; /* what it was is still asked for */
    plog_slice_release(&held);
    return rc;
}

/* ---- the right answers */

static void keep_batches(struct part *p, const uint8_t *bytes, size_t n)
{
    p->content = realloc(p->content, p->size + n);
    if (!p->content)
        disk_die("out of memory");
    memcpy(p->content + p->size, bytes, n);
    for (size_t at = p->size; at < p->size + n;) {
        struct batch b;
        if (batch_peek(span_of(p->content + at, p->size + n - at), &b) < 0)
            disk_die("%s: a sound slice holds no batches", p->name);
        p->batches = reallocarray(p->batches, p->n_batches + 1, sizeof *p->batches);
        if (!p->batches)
            disk_die("out of memory");
        p->batches[p->n_batches++] = (struct placed){b.base_offset, batch_last_offset(&b), at};
        at += batch_size(&b);
    }
    p->size += n;
}

static void read_part(struct part *p, struct plog *log)
{
    struct err e = {.text = "nothing is there"};
    struct reading r = {.log = log, .offset = p->log_start, .max = 1 << 20, .e = &e};
    while (r.offset < p->high_watermark) {
        if (read_slice(&r) < 0 || r.slice.len == 0)
            disk_die("%s: offset %" PRId64 ": %s", p->name, r.offset, e.text);
        keep_batches(p, r.bytes, r.slice.len);
        r.offset = r.slice.next_offset;
        free(r.bytes);
    }
}

/* Times of batches here and there, so that all segments' indexes are asked. */
static void ask_times(struct part *p, struct plog *log)
{
    struct err e;
    for (size_t i = 0; i < TIMES && p->n_batches; i++) {
        struct batch b;
        const struct placed *at = &p->batches[i * (p->n_batches - 1) / (TIMES - 1)];
        batch_peek(span_of(p->content + at->at, p->size - at->at), &b);
        p->times[i] = b.max_timestamp;
        if (plog_find_time(log, p->times[i], p->high_watermark, &p->found[i], &e) < 0)
            disk_die("%s: %s", p->name, e.text);
    }
    if (plog_find_max_time(log, p->high_watermark, &p->latest, &e) < 0)
        disk_die("%s: %s", p->name, e.text);
}

static void ask_part(struct part *p, struct plog *log)
{
    p->log_start = plog_log_start(log);
    p->high_watermark = plog_high_watermark(log);
    const struct plog_epoch *epochs = plog_epochs(log, &p->n_epochs);
    p->epochs = calloc(p->n_epochs + 1, sizeof *p->epochs);
    if (p->n_epochs)
        memcpy(p->epochs, epochs, p->n_epochs * sizeof *epochs);
    read_part(p, log);
    ask_times(p, log);
}

static void ask_topic(struct answers *a, struct rig *rig, const struct meta_topic *t)
{
    for (int32_t i = 0; i < t->n_partitions; i++) {
        struct plog *log = shard_partition(rig->shard[1].s, &t->id, i);
        a->parts = reallocarray(a->parts, a->n + 1, sizeof *a->parts);
        if (!a->parts || !log)
            disk_die("%s-%" PRId32 " is not there", t->name, i);
        struct part *p = &a->parts[a->n++];
        *p = (struct part){.topic_id = t->id, .partition = i};
        snprintf(p->name, sizeof p->name, "%s-%" PRId32, t->name, i);
        ask_part(p, log);
    }
}

static char *image_text(struct rig *rig)
{
    struct json *j = meta_image_json(shard_image(rig->shard[0].s));
    json_set_int(j, "index", 0); /* every start adds an entry */
    json_set_int(j, "term", 0);
    char *text = json_text(j, 0);
    json_free(j);
    if (!text)
        disk_die("out of memory");
    return text;
}

static int by_partition(const void *a, const void *b)
{
    const struct checkpoint_partition *x = a, *y = b;
    int cmp = memcmp(&x->topic_id, &y->topic_id, sizeof x->topic_id);
    return cmp ? cmp : x->partition < y->partition ? -1 : x->partition > y->partition;
}

static int by_producer(const void *a, const void *b)
{
    const struct checkpoint_producer *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* What the start itself has written down of all partitions: ends, epochs, producers. */
static void read_state(struct rig *rig, struct wr *w)
{
    char dir[IO_PATH_MAX];
    struct checkpoint newest, older, only;
    bool bad;
    struct err e;
    node_wal_dir(dir, sizeof dir, RIG_DIR "/wal", 1);
    if (checkpoint_load(io_mem_io(rig->disk), dir, NULL, &newest, &older, &bad, &e) < 0)
        disk_die("the start left no checkpoint: %s", e.text);
    qsort(newest.partitions, newest.n_partitions, sizeof *newest.partitions, by_partition);
    for (uint32_t i = 0; i < newest.n_partitions; i++) {
        struct checkpoint_partition *p = &newest.partitions[i];
        if (p->n_producers)
            qsort(p->producers, p->n_producers, sizeof *p->producers, by_producer);
    }
    only =
        (struct checkpoint){.n_partitions = newest.n_partitions, .partitions = newest.partitions};
    wr_init(w, 0);
    checkpoint_encode(&only, w);
    checkpoint_release(&newest);
    checkpoint_release(&older);
}

static int open_rig(struct rig *rig, struct io_mem *disk, struct io_mem **left, struct err *e)
{
    rig_init(rig, disk);
    rig->any_cluster = true;
    rig->settings.segment_bytes =
        SEGMENT_BYTES; /* the broker's: what is replayed goes where it was */
    int rc = rig_open(rig, e);
    if (rc == 0)
        return 0;
    if (left) {
        *left = disk;
        rig->disk = NULL;
    }
    rig_release(rig);
    return rc;
}

struct answers *answers_new(struct io_mem *disk, struct err *e)
{
    struct rig rig;
    struct answers *a = calloc(1, sizeof *a);
    if (!a || open_rig(&rig, disk, NULL, e) < 0) {
        free(a);
        return NULL;
    }
    struct meta_image *image = shard_image(rig.shard[0].s);
    a->image = image_text(&rig);
    for (const struct meta_topic *t = NULL; (t = meta_topic_next(image, t));)
        ask_topic(a, &rig, t);
    read_state(&rig, &a->state);
    rig_release(&rig);
    return a;
}

void answers_free(struct answers *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->n; i++) {
        free(a->parts[i].content);
        free(a->parts[i].batches);
        free(a->parts[i].epochs);
    }
    free(a->parts);
    free(a->image);
    wr_free(&a->state);
    free(a);
}

size_t answers_batches(const struct answers *a)
{
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++)
        n += a->parts[i].n_batches;
    return n;
}

/* ---- comparing */

struct comparison {
    struct rig *rig;
    struct err *e;
    enum answers_verdict verdict;
};

static void wrong(struct comparison *c, const struct part *p, const char *what, int64_t offset)
{
    if (c->verdict == ANSWERS_WRONG)
        return;
    c->verdict = ANSWERS_WRONG;
    err_set(c->e, ERR_CHECK, "%s: %s at %" PRId64, p ? p->name : "cluster", what, offset);
}

/* A read that fails is an answer; it must say so for what it is. */
static void refused(struct comparison *c, const struct part *p, int rc, const struct err *e)
{
    if (rc != ERR_CORRUPT) {
        if (c->verdict != ANSWERS_WRONG)
            err_set(c->e, rc, "%s: a read fails with another error: %s", p->name, e->text);
        c->verdict = ANSWERS_WRONG;
        return;
    }
    if (c->verdict == ANSWERS_SAME) {
        c->verdict = ANSWERS_REFUSED_READ;
        *c->e = *e;
    }
}

static const struct placed *batch_at(const struct part *p, int64_t offset)
{
    size_t lo = 0, hi = p->n_batches;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (p->batches[mid].last < offset)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < p->n_batches ? &p->batches[lo] : NULL;
}

/* Is what was read at an offset what stands there? */
static void compare_slice(struct comparison *c, const struct part *p, const struct reading *r)
{
    const struct placed *b = batch_at(p, r->offset);
    if (!b || r->slice.len == 0)
        wrong(c, p, "nothing is read", r->offset);
    else if (r->slice.len > p->size - b->at ||
             memcmp(p->content + b->at, r->bytes, r->slice.len) != 0)
        wrong(c, p, "other bytes are read", r->offset);
}

static bool compare_read(struct comparison *c, const struct part *p, struct reading *r)
{
    struct err e = {.text = ""};
    r->e = &e;
    int rc = read_slice(r);
    if (rc < 0)
        refused(c, p, rc, &e);
    else
        compare_slice(c, p, r);
    free(r->bytes);
    return rc == 0 && c->verdict != ANSWERS_WRONG;
}

static bool same_time(const struct plog_time *a, const struct plog_time *b)
{
    return a->offset == b->offset && a->timestamp == b->timestamp &&
           a->leader_epoch == b->leader_epoch;
}

static bool same_epochs(const struct part *p, const struct plog_epoch *e, size_t n)
{
    if (n != p->n_epochs)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (e[i].epoch != p->epochs[i].epoch || e[i].start != p->epochs[i].start)
            return false;
    }
    return true;
}

/* Here and there first, as seldom readers do, then all of it from the start; when that stops, what
 * lies behind is still to be had right. */
static void compare_reads(struct comparison *c, const struct part *p, struct plog *log)
{
    int64_t n = p->high_watermark - p->log_start;
    for (int i = PLACES - 1; i >= 0 && n > 0; i--) {
        struct reading r = {
            .log = log, .offset = p->log_start + i * (n - 1) / (PLACES - 1), .max = SLICE / 4};
        compare_read(c, p, &r);
    }
    struct reading r = {.log = log, .offset = p->log_start, .max = SLICE};
    while (r.offset < p->high_watermark && compare_read(c, p, &r))
        r.offset = r.slice.next_offset;
}

static void compare_times(struct comparison *c, const struct part *p, struct plog *log)
{
    struct plog_time found;
    struct err e = {.text = ""};
    for (size_t i = 0; i < TIMES && p->n_batches; i++) {
        int rc = plog_find_time(log, p->times[i], p->high_watermark, &found, &e);
        if (rc < 0)
            refused(c, p, rc, &e);
        else if (!same_time(&found, &p->found[i]))
            wrong(c, p, "another offset is found by time", p->times[i]);
    }
    int rc = plog_find_max_time(log, p->high_watermark, &found, &e);
    if (rc < 0)
        refused(c, p, rc, &e);
    else if (!same_time(&found, &p->latest))
        wrong(c, p, "another record is the latest", found.timestamp);
}

static void compare_part(struct comparison *c, const struct part *p)
{
    struct plog *log = shard_partition(c->rig->shard[1].s, &p->topic_id, p->partition);
    size_t n = 0;
    const struct plog_epoch *epochs = log ? plog_epochs(log, &n) : NULL;
    if (!log)
        wrong(c, p, "is not there", -1);
    else if (plog_log_start(log) != p->log_start)
        wrong(c, p, "another log start", plog_log_start(log));
    else if (plog_high_watermark(log) != p->high_watermark)
        wrong(c, p, "another high watermark", plog_high_watermark(log));
    else if (!same_epochs(p, epochs, n))
        wrong(c, p, "other epochs", -1);
    if (c->verdict == ANSWERS_WRONG)
        return;
    compare_reads(c, p, log);
    compare_times(c, p, log);
}

static void compare_cluster(struct comparison *c, const struct answers *right)
{
    struct wr state;
    char *image = image_text(c->rig);
    read_state(c->rig, &state);
    if (strcmp(image, right->image) != 0)
        wrong(c, NULL, "other metadata", -1);
    else if (!span_eq(span_of(state.buf, state.len), span_of(right->state.buf, right->state.len)))
        wrong(c, NULL, "other ends, epochs or producers", -1);
    free(image);
    wr_free(&state);
}

enum answers_verdict answers_compare(const struct answers *right, struct io_mem *disk,
                                     struct io_mem **left, struct err *e)
{
    struct rig rig;
    struct comparison c = {&rig, e, ANSWERS_SAME};
    *e = (struct err){.text = ""};
    if (open_rig(&rig, disk, left, e) < 0)
        return ANSWERS_REFUSED_START;
    compare_cluster(&c, right);
    for (size_t i = 0; i < right->n && c.verdict != ANSWERS_WRONG; i++)
        compare_part(&c, &right->parts[i]);
    rig_release(&rig);
    return c.verdict;
}

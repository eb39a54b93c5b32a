#include "tests/shard/rig.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "batch/records.h"

struct rig_asked {
    struct shard_command c;
    bool done;
    struct rig_asked *next;
};

/* ---- host */

static void on_write(void *ctx, struct shard *s)
{
    struct rig_shard *rs = ctx;
    (void)s;
    rs->write_due = true;
}

static void on_job(void *ctx, struct shard *s, struct shard_job *job)
{
    struct rig_shard *rs = ctx;
    (void)s;
    assert(rs->n_jobs < RIG_JOBS);
    rs->jobs[rs->n_jobs++] = job;
}

static void on_image(void *ctx, struct shard *s, struct meta_image *image)
{
    struct rig_shard *rs = ctx;
    struct rig *r = rs->rig;
    (void)s;
    if (r->shard[1].s && !r->drop_apply)
        shard_set_image(r->shard[1].s, image);
}

static void on_advanced(void *ctx, struct shard *s, struct plog *log, int64_t hw)
{
    struct rig_shard *rs = ctx;
    (void)s, (void)log, (void)hw;
    rs->rig->advanced++;
}

/* ---- life */

void rig_init(struct rig *r, struct io_mem *disk)
{
    memset(r, 0, sizeof *r);
    static struct log loud;
    r->disk = disk ? disk : io_mem_new();
    r->phases = phases_new(r->disk);
    if (getenv("RIG_LOG")) { /* for whoever debugs a test */
        log_init(&loud, 2, LOG_DEBUG, clock_system());
        r->log = &loud;
    }
    clock_manual_init(&r->clock, 1000000000, 1800000000000);
    r->segment_bytes = RIG_SEGMENT;
    r->wal_max_bytes = 16 * RIG_SEGMENT;
    meta_settings_init(&r->settings);
    r->settings.segment_bytes = 16 * 1024;
    r->settings.index_interval_bytes = 512;
    r->settings.retention_ms = -1;
    r->group_records = 1 << 20;
    r->group_bytes = 32 * 1024;
}

static int open_shard(struct rig *r, uint32_t number, struct meta_image *image, struct err *e)
{
    char wal[IO_PATH_MAX], meta[IO_PATH_MAX], log[IO_PATH_MAX];
    struct rig_shard *rs = &r->shard[number];
    memset(rs, 0, sizeof *rs);
    rs->rig = r;
    rs->host = (struct shard_host){
        .ctx = rs, .write = on_write, .job = on_job, .image = on_image, .advanced = on_advanced};
    node_wal_dir(wal, sizeof wal, RIG_DIR "/wal", number);
    node_meta_dir(meta, sizeof meta, RIG_DIR);
    node_log_dir(log, sizeof log, RIG_DIR);
    struct shard_config cfg = {
        .io = &r->phases->io,
        .log = r->log,
        .clock = &r->clock.clock,
        .host = &rs->host,
        .owner = {r->node.meta.cluster_id, r->node.meta.node_id, number},
        .wal_dir = wal,
        .meta_dir = meta,
        .plog = {.io = &r->phases->io, .log = r->log, .dir = log},
        .settings = &r->settings,
        .segment_bytes = r->segment_bytes,
        .first_segment_bytes = r->first_segment_bytes,
        .wal_direct = r->wal_direct,
        .wal_max_bytes = r->wal_max_bytes,
        .checkpoint_bytes = r->checkpoint_bytes,
        .checkpoint_ms = r->checkpoint_ms,
        .retention_check_ms = r->retention_check_ms,
        .compact_backoff_ms = r->compact_backoff_ms,
        .compact_key_bytes = r->compact_key_bytes,
        .group_records = r->group_records,
        .group_bytes = r->group_bytes,
        .reserve_bytes = r->reserve_bytes,
        .linger_us = number ? r->linger_us : 0,
        .buffer_bytes = r->buffer_bytes,
        .write_back_bytes = r->write_back_bytes,
        .producer_expiry_ms = r->producer_expiry_ms,
        .image = image,
    };
    return shard_open(&rs->s, &cfg, e);
}

int rig_open(struct rig *r, struct err *e)
{
    struct node_config nc = {.io = &r->phases->io,
                             .log = r->log,
                             .dir = RIG_DIR,
                             .node_id = 1,
                             .cluster_id = r->any_cluster ? NULL : "AAECAwQFBgcICQoLDA0ODw",
                             .data_shards = 1,
                             .segment_bytes = r->segment_bytes,
                             .meta_segment_bytes = r->segment_bytes,
                             .clock = &r->clock.clock};
    r->phases->recovering = true;
    int rc = node_open(&r->node, &nc, e);
    r->node_open = rc == 0;
    if (rc == 0)
        rc = open_shard(r, 0, NULL, e);
    if (rc == 0)
        rc = open_shard(r, 1, shard_image(r->shard[0].s), e);
    r->phases->recovering = false;
    if (rc) {
        rig_drop(r);
        return rc;
    }
    rig_run(r);
    return 0;
}

static bool step_shard(struct rig *r, struct rig_shard *rs)
{
    if (rs->write_due) {
        rs->write_due = false;
        shard_write_run(rs->s);
        shard_written(rs->s);
        return true;
    }
    if (rs->n_jobs && !r->hold_jobs) {
        struct shard_job *job = rs->jobs[0];
        memmove(rs->jobs, rs->jobs + 1, --rs->n_jobs * sizeof(struct shard_job *));
        shard_job_run(job);
        shard_job_done(rs->s, job);
        return true;
    }
    return false;
}

bool rig_step(struct rig *r)
{
    return (r->shard[0].s && step_shard(r, &r->shard[0])) ||
           (r->shard[1].s && step_shard(r, &r->shard[1]));
}

void rig_run(struct rig *r)
{
    while (rig_step(r))
        continue;
}

void rig_flush(struct rig *r)
{
    shard_flush(r->shard[1].s);
}

void rig_pass(struct rig *r, int64_t ms)
{
    clock_manual_advance(&r->clock, ms);
    for (int i = 0; i < 2; i++) {
        shard_tick(r->shard[i].s);
        rig_run(r);
    }
}

static void fail_all(struct rig *r)
{
    for (int i = 1; i >= 0; i--) {
        struct rig_shard *rs = &r->shard[i];
        rs->s = NULL;
    }
}

/* A kill leaves the shard's memory to the system; here it has to be freed, without a byte reaching
 * the disk: jobs and writes under way are finished on a disk whose trace is no longer looked at. */
void rig_drop(struct rig *r)
{
    for (int i = 1; i >= 0; i--) {
        struct rig_shard *rs = &r->shard[i];
        if (!rs->s)
            continue;
        while (rs->write_due || rs->n_jobs) {
            bool hold = r->hold_jobs;
            r->hold_jobs = false;
            step_shard(r, rs);
            r->hold_jobs = hold;
        }
        shard_free(rs->s);
    }
    fail_all(r);
    if (r->node_open)
        node_release(&r->node);
    r->node_open = false;
}

int rig_stop(struct rig *r)
{
    int rc = 0;
    for (int i = 1; i >= 0; i--) {
        struct shard *s = r->shard[i].s;
        shard_stop(s);
        rig_run(r);
        if (!shard_stopped(s))
            rc = ERR_CHECK;
    }
    rig_drop(r);
    return rc;
}

void rig_release(struct rig *r)
{
    rig_drop(r);
    for (size_t i = 0; i < r->n_batches; i++) {
        free(r->batches[i]->bytes);
        free(r->batches[i]);
    }
    free(r->batches);
    for (struct rig_asked *a = r->asked, *next; a; a = next) {
        next = a->next;
        wr_free(&a->c.command);
        free(a);
    }
    for (struct rig_trim *t = r->trims, *next; t; t = next) {
        next = t->next;
        free(t);
    }
    phases_free(r->phases);
    io_mem_free(r->disk);
    memset(r, 0, sizeof *r);
}

/* ---- commands */

static void on_command(struct shard_command *c)
{
    ((struct rig_asked *)c->arg)->done = true;
}

static int ask(struct rig *r, enum meta_command_type type, const void *msg)
{
    struct rig_asked *a = calloc(1, sizeof *a);
    a->c.done = on_command;
    a->c.arg = a;
    a->next = r->asked;
    r->asked = a;
    wr_init(&a->c.command, 0);
    meta_command_encode(type, msg, &a->c.command);
    shard_propose(r->shard[0].s, &a->c);
    shard_flush(r->shard[0].s);
    while (!a->done && rig_step(r))
        continue;
    return !a->done ? ERR_UNKNOWN_OUTCOME : a->c.code ? a->c.code : a->c.result.code;
}

struct rig_topic *rig_topic(struct rig *r, const char *name)
{
    for (unsigned i = 0; i < r->n_topics; i++)
        if (!r->topics[i].deleted && strcmp(r->topics[i].name, name) == 0)
            return &r->topics[i];
    return NULL;
}

int rig_create_topic(struct rig *r, const char *name, int32_t partitions)
{
    static int32_t self = 1;
    struct meta_topic_create_partitions parts[64];
    struct rig_topic *t = &r->topics[r->n_topics++];
    assert(r->n_topics <= RIG_TOPICS && partitions <= 64);
    snprintf(t->name, sizeof t->name, "%s", name);
    t->partitions = partitions;
    t->deleted_at = t->delete_asked_at = SIZE_MAX;
    for (int i = 0; i < 16; i++)
        t->id.b[i] = (uint8_t)(r->n_topics * 17 + (unsigned)i * 3);
    for (int32_t i = 0; i < partitions; i++) {
        kp_init(&meta_topic_create_partitions_schema, &parts[i]);
        parts[i].partition = i;
        parts[i].shard = 1;
        parts[i].leader = 1;
        parts[i].n_replicas = 1;
        parts[i].replicas = &self;
    }
    struct meta_topic_create msg;
    kp_init(&meta_topic_create_schema, &msg);
    msg.name = kp_str(name);
    msg.topic_id = t->id;
    msg.n_partitions = partitions;
    msg.partitions = parts;
    int rc = ask(r, META_TOPIC_CREATE, &msg);
    t->created_at = rc ? SIZE_MAX : io_mem_trace_len(r->disk);
    t->deleted = rc != 0 && rc != ERR_UNKNOWN_OUTCOME;
    return rc;
}

int rig_set(struct rig *r, const struct rig_topic *t, const char *name, const char *value)
{
    struct meta_config_set msg;
    struct meta_config_set_configs set;
    kp_init(&meta_config_set_schema, &msg);
    kp_init(&meta_config_set_configs_schema, &set);
    set.name = kp_str(name);
    set.value = kp_str(value);
    msg.resource_type = t ? META_RESOURCE_TOPIC : META_RESOURCE_BROKER;
    msg.node_id = -1;
    if (t)
        msg.topic_id = t->id;
    msg.configs = &set;
    msg.n_configs = 1;
    return ask(r, META_CONFIG_SET, &msg);
}

int rig_delete_topic(struct rig *r, const char *name)
{
    struct rig_topic *t = rig_topic(r, name);
    struct meta_topic_delete msg;
    assert(t);
    kp_init(&meta_topic_delete_schema, &msg);
    msg.topic_id = t->id;
    t->delete_asked_at = io_mem_trace_len(r->disk);
    t->deleted = true;
    int rc = ask(r, META_TOPIC_DELETE, &msg);
    if (rc == 0)
        t->deleted_at = io_mem_trace_len(r->disk);
    return rc;
}

/* ---- records */

static void on_produced(struct shard_produce *p)
{
    struct rig_batch *b = p->arg;
    assert(!b->done); /* answered once */
    b->done = true;
    if (p->code == 0)
        b->acked_at = io_mem_trace_len(b->rig->disk);
}

static struct rig_batch *add_batch(struct rig *r)
{
    struct rig_batch *b = calloc(1, sizeof *b);
    if (r->n_batches == r->cap_batches) {
        r->cap_batches = r->cap_batches ? 2 * r->cap_batches : 64;
        r->batches = realloc(r->batches, r->cap_batches * sizeof(struct rig_batch *));
    }
    r->batches[r->n_batches++] = b;
    b->rig = r;
    return b;
}

static struct rig_batch *stage(struct rig *r, const struct uuid *topic_id, int32_t partition,
                               uint8_t *bytes, size_t n)
{
    struct rig_batch *b = add_batch(r);
    b->bytes = bytes;
    b->topic_id = *topic_id;
    b->acked_at = SIZE_MAX;
    b->produce = (struct shard_produce){.topic_id = *topic_id,
                                        .partition = partition,
                                        .bytes = bytes,
                                        .n = n,
                                        .done = on_produced,
                                        .arg = b};
    b->produce.meta_index = meta_index(shard_image(r->shard[0].s));
    int rc = batch_verify(span_of(bytes, n), &b->produce.batch, NULL);
    assert(rc == 0);
    b->crc = b->produce.batch.crc;
    (void)rc;
    shard_produce(r->shard[1].s, &b->produce);
    return b;
}

static uint64_t draw(uint64_t *seed)
{
    uint64_t x = *seed += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

struct rig_batch *rig_produce(struct rig *r, const struct rig_topic *t, int32_t partition, int n,
                              size_t size, int64_t pid, int16_t epoch, int32_t sequence)
{
    struct batch_builder bb;
    struct wr out;
    batch_builder_init(&bb, BATCH_NONE);
    bb.producer_id = pid;
    bb.producer_epoch = pid < 0 ? -1 : epoch;
    bb.base_sequence = pid < 0 ? -1 : sequence;
    for (int i = 0; i < n; i++) {
        uint8_t value[4096];
        assert(size <= sizeof value);
        for (size_t k = 0; k < size; k++)
            value[k] = (uint8_t)draw(&r->seed);
        int64_t timestamp = r->no_timestamps ? -1 : r->clock.wall;
        batch_builder_add(&bb, timestamp, span_of(NULL, 0), span_of(value, size), NULL, 0);
    }
    wr_init(&out, 0);
    int rc = batch_builder_finish(&bb, &out);
    assert(rc == 0);
    (void)rc;
    batch_builder_release(&bb);
    return stage(r, &t->id, partition, out.buf, out.len);
}

struct rig_batch *rig_put(struct rig *r, const struct rig_topic *t, int32_t partition,
                          const char *key, const char *value)
{
    struct batch_builder bb;
    struct wr out;
    wr_init(&out, 0);
    batch_builder_init(&bb, BATCH_NONE);
    batch_builder_add(&bb, r->clock.wall, span_str(key), span_str(value), NULL, 0);
    int rc = batch_builder_finish(&bb, &out);
    assert(rc == 0);
    (void)rc;
    batch_builder_release(&bb);
    struct rig_batch *b = stage(r, &t->id, partition, out.buf, out.len);
    snprintf(b->key, sizeof b->key, "%s", key);
    b->tombstone = value == NULL;
    return b;
}

struct rig_batch *rig_produce_again(struct rig *r, const struct rig_batch *b)
{
    uint8_t *bytes = malloc(b->produce.n);
    memcpy(bytes, b->bytes, b->produce.n);
    return stage(r, &b->topic_id, b->produce.partition, bytes, b->produce.n);
}

static void on_trimmed(struct shard_trim *t)
{
    struct rig_trim *rt = t->arg;
    assert(!rt->done);
    rt->done = true;
    if (t->code == 0)
        rt->acked_at = io_mem_trace_len(rt->rig->disk);
}

static struct rig_trim *add_trim(struct rig *r)
{
    struct rig_trim *rt = calloc(1, sizeof *rt);
    rt->rig = r;
    rt->next = r->trims;
    r->trims = rt;
    return rt;
}

struct rig_trim *rig_trim(struct rig *r, const struct rig_topic *t, int32_t partition,
                          int64_t log_start)
{
    struct rig_trim *rt = add_trim(r);
    rt->acked_at = SIZE_MAX;
    rt->trim = (struct shard_trim){.topic_id = t->id,
                                   .partition = partition,
                                   .log_start = log_start,
                                   .done = on_trimmed,
                                   .arg = rt};
    shard_trim(r->shard[1].s, &rt->trim);
    return rt;
}

/* ---- reading */

static int read_slice(struct plog *log, bool gaps, int64_t *offset, int64_t hw,
                      int (*each)(void *ctx, const struct batch *b), void *ctx, struct err *e)
{
    struct plog_slice sl;
    int rc = plog_read(log, *offset, hw, 8192, true, &sl, e);
    if (rc)
        return rc;
    if (sl.len == 0)
        return err_set(e, ERR_CHECK, "nothing at offset %lld below the high watermark %lld",
                       (long long)*offset, (long long)hw);
    rc = sl.verified ? 0 : plog_slice_verify(log, &sl, e);
    uint8_t *buf = malloc(sl.len);
    if (rc == 0 && plog_slice_read(&sl, buf) != (ssize_t)sl.len)
        rc = err_set(e, -EIO, "short read");
    for (size_t at = 0; rc == 0 && at < sl.len;) {
        struct batch b;
        rc = batch_verify(span_of(buf + at, sl.len - at), &b, e);
        if (rc)
            break;
        if ((b.base_offset > *offset && !gaps) || batch_last_offset(&b) < *offset)
            rc = err_set(e, ERR_CHECK, "batch %lld..%lld where offset %lld is next",
                         (long long)b.base_offset, (long long)batch_last_offset(&b),
                         (long long)*offset);
        *offset = batch_last_offset(&b) + 1;
        at += batch_size(&b);
        if (rc == 0)
            rc = each(ctx, &b);
    }
    free(buf);
    plog_slice_release(&sl);
    return rc;
}

/* Compaction leaves gaps between offsets. */
static bool is_compacted(const struct rig *r, const struct uuid *id)
{
    const struct meta_topic *t = meta_topic_by_id(shard_image(r->shard[0].s), id);
    const char *policy = t ? meta_config_get(t, "cleanup.policy") : NULL;
    return policy ? strstr(policy, "compact") != NULL
                  : (r->settings.cleanup_policy & META_CLEANUP_COMPACT) != 0;
}

int rig_read(struct rig *r, const struct uuid *topic_id, int32_t partition,
             int (*each)(void *ctx, const struct batch *b), void *ctx, struct err *e)
{
    struct plog *log = shard_partition(r->shard[1].s, topic_id, partition);
    if (!log)
        return err_set(e, ERR_NOTFOUND, "no such partition");
    int64_t offset = plog_log_start(log), hw = plog_high_watermark(log);
    while (offset < hw) {
        int rc = read_slice(log, is_compacted(r, topic_id), &offset, hw, each, ctx, e);
        if (rc)
            return rc;
    }
    return 0;
}

/* What a partition holds, by CRC (contents are random) in the order of offsets. */
struct content {
    struct {
        uint32_t crc;
        int32_t count;
        int64_t base;
        int64_t pid;
    } * b;
    size_t n, cap;
    uint64_t bytes;
};

static int note(void *ctx, const struct batch *b)
{
    struct content *c = ctx;
    if (c->n == c->cap) {
        c->cap = c->cap ? 2 * c->cap : 64;
        c->b = realloc(c->b, c->cap * sizeof *c->b);
    }
    c->b[c->n].crc = b->crc;
    c->b[c->n].pid = b->producer_id;
    c->b[c->n].count = b->count;
    c->bytes += batch_size(b);
    c->b[c->n++].base = b->base_offset;
    return 0;
}

/* May retention have moved the log start from `asked` to `is`? By age, if every batch between was
 * old in the end; by size, if enough is left. */
static bool may_expire(const struct rig *h, const struct rig_topic *t, int32_t partition,
                       int64_t asked, int64_t is, uint64_t bytes_left)
{
    const struct meta_settings *set = &h->settings;
    if (h->retention_check_ms == 0)
        return false;
    if (set->retention_bytes >= 0 && bytes_left >= (uint64_t)set->retention_bytes)
        return true;
    for (size_t i = 0; i < h->n_batches; i++) {
        const struct shard_produce *b = &h->batches[i]->produce;
        bool between = h->batches[i]->done && b->code == 0 && b->base_offset >= asked &&
                       b->base_offset < is && b->partition == partition &&
                       uuid_eq(&b->topic_id, &t->id);
        if (between &&
            (set->retention_ms < 0 || h->clock.wall - b->batch.max_timestamp <= set->retention_ms))
            return false;
    }
    return true;
}

/* Where the log start of a partition has to be, at least and at most. */
static int check_log_start(const struct rig *h, const struct rig_topic *t, int32_t partition,
                           size_t upto, int64_t is, uint64_t bytes_left, struct err *e)
{
    int64_t least = 0, most = 0;
    for (const struct rig_trim *rt = h->trims; rt; rt = rt->next) {
        if (!uuid_eq(&rt->trim.topic_id, &t->id) || rt->trim.partition != partition)
            continue;
        if (rt->acked_at <= upto && rt->trim.log_start > least)
            least = rt->trim.log_start;
        if (rt->trim.log_start > most)
            most = rt->trim.log_start;
    }
    return is >= least && (is <= most || may_expire(h, t, partition, most, is, bytes_left))
               ? 0
               : err_set(e, ERR_CHECK, "%s-%d: log start %lld, to %lld promised, to %lld asked",
                         t->name, partition, (long long)is, (long long)least, (long long)most);
}

/* Where a record stands, in or out of a compacted log: -1: nowhere. A tombstone whose outcome was
 * never told may have been anywhere, for compaction gives those another CRC. */
static int64_t place_of(const struct content *c, const struct rig_batch *b)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->b[i].crc == b->crc && (b->produce.base_offset < 0 || !b->tombstone))
            return c->b[i].base;
    if (b->tombstone)
        return b->produce.base_offset < 0 ? INT64_MAX : b->produce.base_offset;
    return -1;
}

/* May compaction have taken the record away? A later one of its key has to be there, or have been a
 * tombstone, which goes itself in the end. */
static bool superseded(const struct rig *h, const struct rig_batch *b, const struct content *c)
{
    for (size_t i = 0; i < h->n_batches && !b->tombstone; i++) {
        const struct rig_batch *x = h->batches[i];
        if (strcmp(x->key, b->key) == 0 && x->produce.partition == b->produce.partition &&
            uuid_eq(&x->topic_id, &b->topic_id) && place_of(c, x) > b->produce.base_offset)
            return true;
    }
    return b->tombstone;
}

/* Compaction notes in a tombstone when it may go, so that it has another CRC then. */
static bool is_marked(const struct rig_topic *t, const struct rig_batch *b, int32_t partition,
                      int64_t base)
{
    return t->compacted && b->tombstone && b->produce.partition == partition &&
           (b->produce.base_offset == base || b->produce.base_offset < 0);
}

static int check_partition(struct rig *r, const struct rig *h, const struct rig_topic *t,
                           int32_t partition, size_t upto, size_t *checked, struct err *e)
{
    struct content c = {0};
    int rc = rig_read(r, &t->id, partition, note, &c, e);
    int64_t start = rc ? 0 : plog_log_start(shard_partition(r->shard[1].s, &t->id, partition));
    if (rc == 0)
        rc = check_log_start(h, t, partition, upto, start, c.bytes, e);
    for (size_t i = 0; i < h->n_batches && rc == 0; i++) {
        const struct rig_batch *b = h->batches[i];
        if (!uuid_eq(&b->topic_id, &t->id) || b->produce.partition != partition)
            continue;
        size_t seen = 0, right = 0;
        for (size_t k = 0; k < c.n; k++) {
            seen += c.b[k].crc == b->crc;
            right += c.b[k].crc == b->crc && c.b[k].base == b->produce.base_offset;
        }
        bool trimmed = b->produce.base_offset + b->produce.batch.last_offset_delta < start;
        if (b->acked_at <= upto && !trimmed) {
            ++*checked;
            if (right != 1 && !(t->compacted && right == 0 && superseded(h, b, &c)))
                rc = err_set(e, ERR_CHECK, "%s-%d: batch acknowledged at offset %lld is %s",
                             t->name, partition, (long long)b->produce.base_offset,
                             seen ? "at another offset" : "lost");
        }
        if (rc == 0 && seen > 1 && b->produce.batch.producer_id >= 0)
            rc = err_set(e, ERR_CHECK, "%s-%d: idempotent batch is there %zu times", t->name,
                         partition, seen);
    }
    for (size_t k = 0; k < c.n && rc == 0; k++) {
        bool known = t->compacted && c.b[k].count == 0; /* what keeps a place */
        for (size_t i = 0; i < h->n_batches && !known; i++)
            known = uuid_eq(&h->batches[i]->topic_id, &t->id) &&
                    (h->batches[i]->crc == c.b[k].crc ||
                     is_marked(t, h->batches[i], partition, c.b[k].base));
        if (!known)
            rc = err_set(e, ERR_CHECK, "%s-%d: a batch nobody produced at offset %lld", t->name,
                         partition, (long long)c.b[k].base);
    }
    free(c.b);
    return rc;
}

int rig_check(struct rig *r, const struct rig *history, size_t upto, size_t *checked, struct err *e)
{
    size_t n = 0;
    for (unsigned i = 0; i < history->n_topics; i++) {
        const struct rig_topic *t = &history->topics[i];
        if (t->created_at > upto || t->delete_asked_at <= upto)
            continue; /* perhaps there, perhaps not */
        for (int32_t p = 0; p < t->partitions; p++) {
            int rc = check_partition(r, history, t, p, upto, &n, e);
            if (rc)
                return rc;
        }
    }
    for (unsigned i = 0; i < history->n_topics; i++) {
        const struct rig_topic *t = &history->topics[i];
        if (t->deleted_at <= upto && shard_partition(r->shard[1].s, &t->id, 0))
            return err_set(e, ERR_CHECK, "topic %s is back after its deletion was acknowledged",
                           t->name);
    }
    if (checked)
        *checked = n;
    return 0;
}

/* ---- a second life */

struct seen {
    struct rig *r;
    const struct rig_topic *t;
    int32_t partition;
};

static int keep(void *ctx, const struct batch *b)
{
    struct seen *w = ctx;
    for (size_t i = 0; i < w->r->n_batches; i++) {
        struct rig_batch *of = w->r->batches[i];
        if (of->crc != b->crc || of->acked_at == 0 || !uuid_eq(&of->topic_id, &w->t->id) ||
            of->produce.partition != w->partition)
            continue;
        /* Two tombstones of a key are the same bytes. */
        if (of->produce.base_offset >= 0 && of->produce.base_offset != b->base_offset)
            continue;
        of->acked_at = 0;
        of->produce.base_offset = b->base_offset;
    }
    return 0;
}

/* What was removed stays removed. */
static void keep_log_start(struct rig *r, const struct rig_topic *t, int32_t partition)
{
    struct plog *log = shard_partition(r->shard[1].s, &t->id, partition);
    struct rig_trim *rt = add_trim(r);
    rt->trim = (struct shard_trim){
        .topic_id = t->id, .partition = partition, .log_start = plog_log_start(log)};
}

static int inherit_topic(struct rig *r, struct rig_topic *t, struct err *e)
{
    struct seen w = {r, t, 0};
    bool there = shard_partition(r->shard[1].s, &t->id, 0) != NULL;
    t->deleted = !there;
    t->created_at = 0;
    t->delete_asked_at = t->deleted_at = there ? SIZE_MAX : 0;
    for (; there && w.partition < t->partitions; w.partition++) {
        int rc = rig_read(r, &t->id, w.partition, keep, &w, e);
        if (rc)
            return rc;
        keep_log_start(r, t, w.partition);
    }
    return 0;
}

static void copy_past(struct rig *r, const struct rig *history, size_t upto)
{
    for (size_t i = 0; i < history->n_batches; i++) {
        const struct rig_batch *from = history->batches[i];
        struct rig_batch *b = add_batch(r);
        *b = *from;
        b->rig = r;
        b->bytes = malloc(from->produce.n);
        memcpy(b->bytes, from->bytes, from->produce.n);
        b->acked_at = from->acked_at <= upto ? 0 : SIZE_MAX;
    }
    for (const struct rig_trim *t = history->trims; t; t = t->next) {
        struct rig_trim *to = add_trim(r);
        to->trim = t->trim;
        to->acked_at = t->acked_at <= upto ? 0 : SIZE_MAX;
    }
    r->n_topics = history->n_topics;
    memcpy(r->topics, history->topics, sizeof r->topics);
}

void rig_adopt(struct rig *r, const struct rig *history)
{
    copy_past(r, history, SIZE_MAX - 1);
    for (unsigned i = 0; i < r->n_topics; i++) {
        struct rig_topic *t = &r->topics[i];
        t->created_at = 0;
        t->delete_asked_at = t->deleted_at = t->deleted ? 0 : SIZE_MAX;
    }
}

int rig_inherit(struct rig *r, const struct rig *history, size_t upto, struct err *e)
{
    int rc = 0;
    copy_past(r, history, upto);
    for (unsigned i = 0; i < r->n_topics && rc == 0; i++)
        rc = inherit_topic(r, &r->topics[i], e);
    return rc;
}

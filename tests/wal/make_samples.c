/* make_samples.c - make the logs under samples/wal, the same bytes every time.
 *
 *     make_samples OUTPUT-DIRECTORY GOLDEN-BATCHES
 *
 * OUTPUT/wal/0 and OUTPUT/wal/1 are the logs of a metadata shard and of a data shard as a broker
 * leaves them; OUTPUT/torn, OUTPUT/corrupt and OUTPUT/lost are small logs with a torn tail, with a
 * wrong byte, and with what would be a torn tail if a checkpoint did not state that it was durable.
 * Compressed batches are taken from files, because compressors differ from one release to the next.
 * Ids, times and salts are made up. A test compares the result with what is committed: the format
 * must not change unnoticed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "batch/records.h"
#include "meta/meta.h"
#include "shard/checkpoint.h"
#include "wal/reader.h"
#include "wal/writer.h"

enum { SEGMENT = WAL_SEGMENT_MIN, NODE = 1, VOTER = 1 };

static const int64_t epoch_ms = 1700000000000;
static const struct uuid cluster = {{0xc1, 0x05, 0x7e, 0x12, 0x34, 0x56, 0x47, 0x89, 0x9a, 0xbc,
                                     0xde, 0xf0, 0x12, 0x34, 0x56, 0x78}};
static const struct uuid orders = {{0x0d, 0xe5, 1, 1, 1, 1, 0x41, 1, 0x81, 1, 1, 1, 1, 1, 1, 1}};
static const struct uuid metrics = {{0x3e, 0x71, 2, 2, 2, 2, 0x42, 2, 0x82, 2, 2, 2, 2, 2, 2, 2}};

/* One log being written. */
struct maker {
    char dir[IO_PATH_MAX];
    const char *golden;
    uint32_t shard;
    struct clock clock; /* every look at it takes 73 us, so that syncs have durations */
    int64_t mono;
    uint64_t salt, index, term, vote;
    struct wal_writer *w;
    struct wal_write wr;
    struct wal_payload p;
};

static void must(int rc, const char *what)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "make_samples: %s: %s\n", what, err_str(rc));
    exit(1);
}

static int64_t tick(struct clock *c)
{
    struct maker *m = (struct maker *)((char *)c - offsetof(struct maker, clock));
    return m->mono += 73000;
}

static uint64_t next_salt(void *ctx)
{
    struct maker *m = ctx;
    return m->salt += UINT64_C(0x9e3779b97f4a7c15);
}

static int64_t wall(const struct maker *m)
{
    return epoch_ms + (int64_t)m->index * 1000;
}

/* ---- the life of a log */

static void open_log(struct maker *m, struct wal_pos end, uint64_t last)
{
    struct wal_writer_config cfg = {.io = io_posix(),
                                    .dir = m->dir,
                                    .owner = {cluster, NODE, m->shard},
                                    .segment_bytes = SEGMENT,
                                    .random = next_salt,
                                    .random_ctx = m};
    struct err e;
    int rc = wal_writer_open(&m->w, &cfg, end, last, m->term, m->vote, wall(m), &e);
    must(rc, rc ? e.text : "");
    wal_write_init(&m->wr, m->w);
    must(wal_payload_init(&m->p, 0), "payload");
    wal_write_begin(&m->wr);
}

static void begin(struct maker *m, const char *dir, uint32_t shard, const char *golden)
{
    memset(m, 0, sizeof *m);
    snprintf(m->dir, sizeof m->dir, "%s", dir);
    m->golden = golden;
    m->shard = shard;
    m->clock.mono_ns = tick;
    m->salt = shard;
    m->term = 1;
    m->vote = NODE;
    must(io_mkdir(io_posix(), dir), dir);
    open_log(m, (struct wal_pos){0, 0}, 0);
}

static void stop(struct maker *m)
{
    wal_write_release(&m->wr);
    wal_payload_release(&m->p);
    wal_writer_free(m->w);
}

/* A start removes segments that are dead. The samples show one that a crash has spared. */
static void spare_dead(struct maker *m, uint64_t id, bool away)
{
    char path[IO_PATH_MAX], aside[IO_PATH_MAX];
    must(wal_segment_path(path, sizeof path, m->dir, id), m->dir);
    must(io_path(aside, sizeof aside, m->dir, "aside"), m->dir);
    int rc = io_rename(io_posix(), away ? path : aside, away ? aside : path);
    must(rc == -ENOENT ? 0 : rc, path);
}

static void restart(struct maker *m)
{
    struct wal_reader_config cfg = {.io = io_posix(), .path = m->dir};
    struct wal_reader *r;
    struct wal_group g;
    struct wal_end end;
    stop(m);
    must(wal_reader_open(&r, &cfg, NULL), m->dir);
    while (wal_reader_next(r, &g, NULL) == 1)
        ;
    wal_reader_end(r, &end);
    wal_reader_free(r);
    bool dead = end.last_segment > end.pos.segment;
    if (dead)
        spare_dead(m, end.last_segment, true);
    open_log(m, end.pos, end.last_segment);
    if (dead)
        spare_dead(m, end.last_segment, false);
}

/* Write what was added. */
static void commit(struct maker *m)
{
    int rc = wal_write_seal(&m->wr, m->term, m->vote, wall(m), NULL);
    if (rc == ERR_BUSY) {
        struct wal_prepare *p;
        must(wal_prepare_begin(m->w, wall(m), &p), m->dir);
        must(wal_prepare_done(m->w, p, wal_prepare_run(p, NULL)), m->dir);
        rc = wal_write_seal(&m->wr, m->term, m->vote, wall(m), NULL);
    }
    must(rc, m->dir);
    wal_write_run(&m->wr, &m->clock);
    must(wal_write_done(&m->wr, NULL), m->dir);
    wal_write_begin(&m->wr);
    wal_payload_reset(&m->p);
}

/* The payload is the next entry. */
static void entry(struct maker *m)
{
    m->index++;
    wal_payload_stamp(&m->p, m->shard ? 4 : m->index - 1, wall(m));
    must(wal_write_entry(&m->wr, &m->p, m->index, m->term), m->dir);
    commit(m);
}

static void local(struct maker *m, enum wal_frame_type type, const void *body, size_t n)
{
    must(wal_write_local(&m->wr, type, span_of(body, n)), m->dir);
}

/* ---- frames */

static uint8_t *frame(struct maker *m, enum wal_frame_type type, size_t n)
{
    uint8_t *body = wal_payload_frame(&m->p, type, 0, n);
    must(body ? 0 : -ENOMEM, "frame");
    return body;
}

static void first_entries(struct maker *m)
{
    uint8_t *change = frame(m, WAL_CHANGE, 4 + 9);
    put_le32(change, 1);
    put_le64(change + 4, NODE);
    change[12] = VOTER;
    entry(m);
    frame(m, WAL_NOOP, 0);
    entry(m);
}

static void hint(struct maker *m, const struct uuid *id, const char *name)
{
    uint8_t body[64];
    struct wal_topic t = {.topic_id = *id};
    wal_topic_encode(body, &t);
    memcpy(body + WAL_TOPIC_FIXED, name, strlen(name));
    local(m, WAL_TOPIC, body, WAL_TOPIC_FIXED + strlen(name));
}

static void put_batch(struct maker *m, const struct uuid *id, uint32_t partition, int64_t offset,
                      const uint8_t *bytes, size_t n)
{
    uint8_t *body = frame(m, WAL_BATCH, WAL_BATCH_FIXED + n);
    struct wal_batch b = {.topic_id = *id, .partition = partition};
    wal_batch_encode(body, &b);
    memcpy(body + WAL_BATCH_FIXED, bytes, n);
    batch_place(body + WAL_BATCH_FIXED, offset, (int32_t)m->term);
}

/* n records with keys, values, a null, an empty one, bytes that are no text, and headers. */
static void batch(struct maker *m, const struct uuid *id, uint32_t partition, int64_t offset, int n,
                  size_t value_size, int64_t producer)
{
    struct batch_builder b;
    struct wr out;
    char key[32], value[4096];
    batch_builder_init(&b, BATCH_NONE);
    b.producer_id = producer;
    b.producer_epoch = producer < 0 ? -1 : 0;
    b.base_sequence = producer < 0 ? -1 : (int32_t)offset;
    for (int i = 0; i < n; i++) {
        static const struct record_header header = {{(const uint8_t *)"trace", 5},
                                                    {(const uint8_t *)"\x01\xff", 2}};
        snprintf(key, sizeof key, "key-%d", i);
        memset(value, 'a' + (i + (int)offset) % 26, value_size);
        struct span k = i % 4 == 3 ? span_of(NULL, 0) : span_str(key);
        struct span v = i % 5 == 4 ? span_of("\xfe\xff\x00", 3) : span_of(value, value_size);
        batch_builder_add(&b, wall(m) + i, k, v, &header, i % 3 == 0 ? 1 : 0);
    }
    wr_init(&out, 0);
    must(batch_builder_finish(&b, &out), "batch");
    put_batch(m, id, partition, offset, out.buf, out.len);
    wr_free(&out);
    batch_builder_release(&b);
}

static void golden_batch(struct maker *m, const char *name, uint32_t partition, int64_t offset)
{
    char path[IO_PATH_MAX];
    uint8_t *bytes;
    size_t n;
    must(io_path(path, sizeof path, m->golden, "%s.batch", name), name);
    must(io_read_file(io_posix(), path, 1 << 20, &bytes, &n), path);
    put_batch(m, &metrics, partition, offset, bytes, n);
    free(bytes);
}

/* ---- the logs */

static void make_data(const char *dir, const char *golden)
{
    static const char *const codecs[] = {"gzip", "snappy-xerial", "lz4", "zstd"};
    struct maker m;
    uint8_t state[WAL_STATE_SIZE];
    begin(&m, dir, 1, golden);
    first_entries(&m);
    hint(&m, &orders, "orders");
    hint(&m, &metrics, "metrics");
    batch(&m, &orders, 0, 0, 3, 40, -1);
    batch(&m, &orders, 1, 0, 6, 10, 4000);
    batch(&m, &metrics, 0, 0, 1, 0, -1);
    entry(&m);
    for (uint32_t i = 0; i < 4; i++) {
        golden_batch(&m, codecs[i], 1 + i, 0);
        entry(&m);
    }
    for (int i = 0; i < 8; i++) {
        batch(&m, &orders, 1, 6 + 5 * i, 5, 900, 4000);
        entry(&m);
    }
    wal_trim_encode(frame(&m, WAL_TRIM, WAL_TRIM_SIZE),
                    &(struct wal_trim){.topic_id = orders, .partition = 1, .log_start = 11});
    entry(&m);
    local(&m, WAL_MARK, NULL, 0);
    commit(&m);
    /* Idle, killed, started again; then a new term. */
    struct wal_prepare *unused;
    must(wal_prepare_begin(m.w, wall(&m), &unused), m.dir);
    must(wal_prepare_done(m.w, unused, wal_prepare_run(unused, NULL)), m.dir);
    restart(&m);
    m.term = 2;
    wal_state_encode(state, &(struct wal_state){m.term, m.vote});
    local(&m, WAL_STATE, state, sizeof state);
    frame(&m, WAL_NOOP, 0);
    entry(&m);
    hint(&m, &orders, "orders");
    batch(&m, &orders, 0, 3, 4, 3000, -1);
    entry(&m);
    local(&m, WAL_MARK, NULL, 0);
    commit(&m);
    stop(&m);
}

static void command(struct maker *m, enum meta_command_type type, const void *msg)
{
    struct wr w;
    wr_init(&w, 0);
    meta_command_encode(type, msg, &w);
    must(w.err, "command");
    memcpy(frame(m, WAL_COMMAND, w.len), w.buf, w.len);
    wr_free(&w);
    entry(m);
}

static void create_topic(struct maker *m, const char *name, const struct uuid *id, int32_t n)
{
    int32_t replica = NODE;
    struct meta_topic_create_partitions parts[8];
    struct meta_topic_create t = {.name = {name, (int32_t)strlen(name)},
                                  .topic_id = *id,
                                  .created_ms = wall(m),
                                  .n_partitions = n,
                                  .partitions = parts};
    for (int32_t i = 0; i < n; i++)
        parts[i] = (struct meta_topic_create_partitions){
            .partition = i, .shard = 1, .leader = NODE, .n_replicas = 1, .replicas = &replica};
    command(m, META_TOPIC_CREATE, &t);
}

static void make_meta(const char *dir)
{
    struct maker m;
    begin(&m, dir, 0, NULL);
    first_entries(&m);
    create_topic(&m, "orders", &orders, 2);
    create_topic(&m, "metrics", &metrics, 5);
    local(&m, WAL_MARK, NULL, 0);
    commit(&m);
    stop(&m);
}

static void make_small(const char *dir)
{
    struct maker m;
    begin(&m, dir, 1, NULL);
    first_entries(&m);
    hint(&m, &orders, "orders");
    for (int i = 0; i < 4; i++) {
        batch(&m, &orders, 0, 3 * i, 3, 2000, -1);
        entry(&m);
    }
    stop(&m);
}

/* OUTPUT/large is a log of one batch of few bytes whose record expands to many, OUTPUT/00...0.log a
 * segment of the same: not committed, as compressors differ. */
static void make_large(const char *out)
{
    enum { LARGE = 64 << 20 };
    char dir[IO_PATH_MAX], log[IO_PATH_MAX];
    struct maker m;
    struct batch_builder b;
    struct wr bytes;
    struct io_file *f;
    uint8_t *value = calloc(1, LARGE);
    must(io_path(dir, sizeof dir, out, "large"), out);
    must(io_path(log, sizeof log, out, "%020d.log", 0), out);
    must(value ? 0 : -ENOMEM, "value");
    batch_builder_init(&b, BATCH_ZSTD);
    batch_builder_add(&b, epoch_ms, span_of(NULL, 0), span_of(value, LARGE), NULL, 0);
    wr_init(&bytes, 0);
    must(batch_builder_finish(&b, &bytes), "batch");
    begin(&m, dir, 1, NULL);
    first_entries(&m);
    put_batch(&m, &orders, 0, 0, bytes.buf, bytes.len);
    entry(&m);
    stop(&m);
    must(io_open(io_posix(), log, IO_WRITE | IO_CREATE, &f), log);
    must(io_pwrite(f, bytes.buf, bytes.len, 0), log);
    io_close(f);
    wr_free(&bytes);
    batch_builder_release(&b);
    free(value);
}

/* Replace one byte of a directory's first segment. */
static void set_byte(const char *dir, uint64_t at, uint8_t with)
{
    char path[IO_PATH_MAX];
    struct io_file *f;
    must(wal_segment_path(path, sizeof path, dir, 1), dir);
    must(io_open(io_posix(), path, IO_WRITE, &f), path);
    must(io_pwrite(f, &with, 1, at), path);
    io_close(f);
}

/* OUTPUT/newer is a log whose first segment is of the next format: not committed. */
static void make_newer(const char *dir)
{
    char path[IO_PATH_MAX];
    uint8_t block[WAL_BLOCK];
    struct io_file *f;
    make_small(dir);
    must(wal_segment_path(path, sizeof path, dir, 1), dir);
    must(io_open(io_posix(), path, IO_WRITE, &f), path);
    must((int)io_pread(f, block, sizeof block, 0), path);
    put_le32(block + 8, WAL_FORMAT + 1);
    put_le32(block + 12, 0);
    put_le32(block + 12, crc32c(0, block, sizeof block));
    must(io_pwrite(f, block, sizeof block, 0), path);
    io_close(f);
}

/* A checkpoint that says the log was durable up to its end. */
static void put_checkpoint(const char *dir, struct wal_pos end)
{
    struct checkpoint c = {.sequence = 2,
                           .owner = {cluster, NODE, 1},
                           .index = 1,
                           .term = 1,
                           .current_term = 1,
                           .vote = NODE,
                           .conf_index = 1,
                           .wall_ms = epoch_ms,
                           .live_segment = 1,
                           .replay = {1, WAL_BLOCK},
                           .synced = end};
    struct wr bytes;
    struct err e;
    wr_init(&bytes, 0);
    checkpoint_encode(&c, &bytes);
    must(checkpoint_save(io_posix(), dir, c.sequence, &bytes, &e), dir);
    wr_free(&bytes);
}

static const char *below(const char *dir, const char *name)
{
    static char path[IO_PATH_MAX];
    must(io_path(path, sizeof path, dir, "%s", name), dir);
    return path;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: make_samples OUTPUT-DIRECTORY GOLDEN-BATCHES\n");
        return 2;
    }
    const char *out = argv[1];
    must(io_mkdir(io_posix(), out), out);
    must(io_mkdir(io_posix(), below(out, "wal")), out);
    make_meta(below(out, "wal/0"));
    make_data(below(out, "wal/1"), argv[2]);
    make_small(below(out, "torn"));
    make_small(below(out, "corrupt"));
    make_small(below(out, "lost"));
    make_large(out);
    make_newer(below(out, "newer"));
    /* Groups of the small logs: OPEN, CHANGE, NOOP, TOPIC, a block each from 4096 on; then batches,
     * two each. */
    uint64_t second = (5 + 2) * WAL_BLOCK, last = second + 4 * WAL_BLOCK,
             end = last + 2 * WAL_BLOCK;
    set_byte(below(out, "torn"), last + WAL_BLOCK + 100, 0xee);
    set_byte(below(out, "corrupt"), second + 300, 0xee);
    set_byte(below(out, "lost"), last + WAL_BLOCK + 100, 0xee);
    put_checkpoint(below(out, "lost"), (struct wal_pos){1, end});
    return 0;
}

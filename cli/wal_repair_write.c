/* wal_repair_write.c - repair: the copy. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "batch/batch.h"
#include "cli/wal_repair.h"
#include "wal/writer.h"

enum { CHUNK = 1 << 20, GROUPS = 64, WRITE_BYTES = 4 << 20 };

/* ---- copying */

static int copy_bytes(struct io_file *in, struct io_file *out)
{
    uint8_t *buf = malloc(CHUNK);
    int rc = buf ? 0 : -ENOMEM;
    for (uint64_t at = 0; rc == 0;) {
        ssize_t n = io_pread(in, buf, CHUNK, at);
        if (n <= 0) {
            rc = (int)n;
            break;
        }
        rc = io_pwrite(out, buf, (size_t)n, at);
        at += (uint64_t)n;
    }
    free(buf);
    return rc ? rc : io_sync(out);
}

static int copy_file(const char *from, const char *to, struct err *e)
{
    struct io_file *in = NULL, *out = NULL;
    int rc = io_open(io_posix(), from, IO_READ, &in);
    if (rc == 0)
        rc = io_open(io_posix(), to, IO_WRITE | IO_CREATE | IO_EXCL, &out);
    if (rc == 0)
        rc = copy_bytes(in, out);
    io_close(in);
    io_close(out);
    return rc ? err_code(e, rc, "copy %s to %s", from, to) : 0;
}

static int copy_directory(const char *from, const char *to, bool (*leave)(const char *name),
                          struct err *e)
{
    char **names;
    size_t n;
    int rc = io_mkdir(io_posix(), to);
    if (rc == -EEXIST)
        rc = 0;
    if (rc == 0)
        rc = io_names(io_posix(), from, &names, &n);
    if (rc != 0)
        return err_code(e, rc, "copy %s to %s", from, to);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        char a[IO_PATH_MAX], b[IO_PATH_MAX];
        if (leave && leave(names[i]))
            continue;
        rc = io_path(a, sizeof a, from, "%s", names[i]);
        if (rc == 0)
            rc = io_path(b, sizeof b, to, "%s", names[i]);
        rc = rc ? err_code(e, rc, "%s", from) : repair_copy(a, b, leave, e);
    }
    io_names_free(names, n);
    if (rc == 0) {
        rc = io_sync_dir(io_posix(), to);
        if (rc != 0)
            err_code(e, rc, "sync directory %s", to);
    }
    return rc;
}

int repair_copy(const char *from, const char *to, bool (*leave)(const char *name), struct err *e)
{
    struct io_stat st;
    int rc = io_stat(io_posix(), from, &st);
    if (rc != 0)
        return err_code(e, rc, "%s", from);
    return st.is_dir ? copy_directory(from, to, leave, e) : copy_file(from, to, e);
}

bool repair_is_log_file(const char *name)
{
    uint64_t id;
    size_t n = strlen(name);
    return wal_segment_name(name, &id) || strncmp(name, "checkpoint.", 11) == 0 ||
           (n > 4 && strcmp(name + n - 4, ".tmp") == 0);
}

/* ---- payloads */

/* A batch without records, as compaction leaves them: it keeps the offsets. */
static void empty_batch(uint8_t b[BATCH_HEADER], int64_t base, int64_t last, int32_t epoch)
{
    memset(b, 0, BATCH_HEADER);
    put_be32(b + 8, BATCH_HEADER - BATCH_PREFIX);
    b[16] = BATCH_MAGIC;
    put_be32(b + 23, (uint32_t)(last - base));
    memset(b + 27, 0xff, 8 + 8 + 8 + 2 + 4); /* no timestamps, no producer */
    put_be32(b + 17, crc32c(0, b + BATCH_CRC_FROM, BATCH_HEADER - BATCH_CRC_FROM));
    batch_place(b, base, epoch);
}

/* What a partition's log is in just before an entry: its epochs must not go back. */
static int32_t epoch_before(const struct repair_log *l, const struct repair_part *p, uint64_t entry)
{
    int32_t epoch = p->epoch;
    for (size_t i = 0; i < p->n_batches && p->batches[i].entry < entry; i++)
        epoch = (int32_t)l->entries[p->batches[i].entry - l->checkpoint.index - 1].term;
    return epoch;
}

static int add_fill(const struct repair_log *l, const struct repair_part *p,
                    const struct repair_fill *f, struct wal_payload *out)
{
    size_t n = f->piece ? f->piece->n : BATCH_HEADER;
    uint8_t *body = wal_payload_frame(out, WAL_BATCH, 0, WAL_BATCH_FIXED + n);
    if (!body)
        return -ENOMEM;
    struct wal_batch w = {.topic_id = p->key.topic_id, .partition = (uint32_t)p->key.partition};
    wal_batch_encode(body, &w);
    if (f->piece)
        memcpy(body + WAL_BATCH_FIXED, f->piece->bytes, n);
    else
        empty_batch(body + WAL_BATCH_FIXED, f->base, f->last, epoch_before(l, p, f->entry));
    return 0;
}

static int fill_payload(const struct repair_log *l, uint64_t index, struct wal_payload *out)
{
    struct repair_part *p, *next;
    int rc = 0;
    HASH_ITER(hh, l->parts, p, next)
    {
        for (size_t i = 0; rc == 0 && i < p->n_fills; i++)
            if (p->fills[i].entry == index)
                rc = add_fill(l, p, &p->fills[i], out);
    }
    if (rc == 0 && wal_payload_empty(out))
        rc = wal_payload_frame(out, WAL_NOOP, 0, 0) ? 0 : -ENOMEM;
    return rc;
}

/* ---- the log */

struct writing {
    const struct repair_log *l;
    struct wal_writer *w;
    struct wal_write write;
    struct wal_payload payloads[GROUPS];
    size_t n, bytes;
    uint64_t meta_index; /* of the last whole entry, and its time: a lost one takes them over */
    int64_t wall_ms;
    struct wr buf;
};

static int prepare_segments(struct wal_writer *w, int64_t wall_ms, struct err *e)
{
    struct wal_prepare *p;
    int rc;
    while ((rc = wal_prepare_begin(w, wall_ms, &p)) > 0) {
        rc = wal_prepare_done(w, p, wal_prepare_run(p, e));
        if (rc != 0)
            return rc;
    }
    return rc < 0 ? err_code(e, rc, "a segment") : 0;
}

static int seal_and_run(struct writing *w, struct err *e)
{
    const struct repair_log *l = w->l;
    int rc = wal_write_seal(&w->write, l->term, l->vote, w->wall_ms, NULL);
    if (rc == ERR_BUSY) {
        rc = prepare_segments(w->w, w->wall_ms, e);
        if (rc != 0)
            return rc;
        rc = wal_write_seal(&w->write, l->term, l->vote, w->wall_ms, NULL);
    }
    if (rc != 0)
        return err_code(e, rc, "the repaired log");
    wal_write_run(&w->write, clock_system());
    return wal_write_done(&w->write, e);
}

static int flush(struct writing *w, struct err *e)
{
    int rc = seal_and_run(w, e);
    for (size_t i = 0; i < w->n; i++)
        wal_payload_release(&w->payloads[i]);
    w->n = w->bytes = 0;
    wal_write_begin(&w->write);
    return rc;
}

static int make_payload(struct writing *w, uint64_t index, const struct repair_entry *en,
                        struct wal_payload *p, struct err *e)
{
    int rc = wal_payload_init(p, 0);
    if (rc == 0 && en->kind == WAL_WHOLE) {
        rc = repair_payload(w->l, en, &w->buf, e);
        if (rc != 0)
            return rc;
        rc = wal_payload_set(p, span_of(w->buf.buf, w->buf.len));
        w->meta_index = en->meta_index;
        w->wall_ms = en->wall_ms;
    } else if (rc == 0) {
        rc = fill_payload(w->l, index, p);
        wal_payload_stamp(p, w->meta_index, w->wall_ms);
    }
    return rc ? err_code(e, rc, "entry %" PRIu64, index) : 0;
}

static int add_entry(struct writing *w, uint64_t index, const struct repair_entry *en,
                     struct err *e)
{
    struct wal_payload *p = &w->payloads[w->n];
    int rc = make_payload(w, index, en, p, e);
    if (rc != 0) {
        wal_payload_release(p);
        return rc;
    }
    w->n++;
    w->bytes += p->len;
    rc = wal_write_entry(&w->write, p, index, en->term);
    if (rc != 0)
        return err_code(e, rc, "entry %" PRIu64, index);
    return w->n == GROUPS || w->bytes >= WRITE_BYTES ? flush(w, e) : 0;
}

static int add_name(void *ctx, const struct wal_topic *t)
{
    struct writing *w = ctx;
    uint8_t body[WAL_TOPIC_FIXED + META_NAME_MAX];
    if (t->name.n > META_NAME_MAX)
        return 0;
    wal_topic_encode(body, t);
    memcpy(body + WAL_TOPIC_FIXED, t->name.p, t->name.n);
    return wal_write_local(&w->write, WAL_TOPIC, span_of(body, WAL_TOPIC_FIXED + t->name.n));
}

static int write_entries(struct writing *w, struct err *e)
{
    const struct repair_log *l = w->l;
    int rc = wal_topics_each(&l->names, add_name, w);
    if (rc != 0)
        return err_code(e, rc, "names of topics");
    for (size_t i = 0; rc == 0 && i < l->n; i++)
        rc = add_entry(w, l->checkpoint.index + 1 + i, &l->entries[i], e);
    return rc ? rc : flush(w, e);
}

static int write_checkpoint(const struct repair_log *l, const char *to, const struct wal_writer *w,
                            struct wal_pos replay, struct err *e)
{
    struct checkpoint c = l->checkpoint;
    struct wr bytes;
    c.replay = replay;
    c.synced = wal_writer_synced(w);
    c.live_segment = wal_writer_segment(w);
    c.flags &= ~(uint32_t)CHECKPOINT_CLEAN;
    wr_init(&bytes, 0);
    checkpoint_encode(&c, &bytes);
    int rc = bytes.err ? err_code(e, bytes.err, "checkpoint")
                       : checkpoint_save(io_posix(), to, c.sequence, &bytes, e);
    wr_free(&bytes);
    return rc;
}

/* Segments as large as the largest there was; what fits no smaller one was in one entry before, but
 * for the fills, which were in as many as are lost. */
static uint64_t segment_bytes(const struct repair_log *l)
{
    struct repair_part *p, *next;
    uint64_t fills = 4 * (uint64_t)WAL_BLOCK;
    HASH_ITER(hh, l->parts, p, next)
    {
        for (size_t i = 0; i < p->n_fills; i++)
            fills += WAL_FRAME_HEADER + WAL_BATCH_FIXED +
                     (p->fills[i].piece ? p->fills[i].piece->n : BATCH_HEADER);
    }
    fills = (fills / WAL_BLOCK + 2) * WAL_BLOCK;
    uint64_t size = l->end.segment_size > fills ? l->end.segment_size : fills;
    return size > WAL_SEGMENT_MIN ? size : WAL_SEGMENT_MIN;
}

int repair_write(const struct repair_log *l, const char *to, struct err *e)
{
    struct wal_writer_config cfg = {.io = io_posix(),
                                    .dir = to,
                                    .owner = l->checkpoint.owner,
                                    .segment_bytes = segment_bytes(l)};
    struct writing w = {
        .l = l, .meta_index = l->checkpoint.meta_index, .wall_ms = l->checkpoint.wall_ms};
    int rc = wal_writer_open(&w.w, &cfg, (struct wal_pos){0, 0}, l->end.last_segment, l->term,
                             l->vote, w.wall_ms, e);
    if (rc != 0)
        return rc;
    struct wal_pos replay = wal_writer_end(w.w);
    wr_init(&w.buf, 0);
    wal_write_init(&w.write, w.w);
    wal_write_begin(&w.write);
    rc = write_entries(&w, e);
    if (rc == 0)
        rc = write_checkpoint(l, to, w.w, replay, e);
    for (size_t i = 0; i < w.n; i++)
        wal_payload_release(&w.payloads[i]);
    wal_write_release(&w.write);
    wal_writer_free(w.w);
    wr_free(&w.buf);
    return rc;
}

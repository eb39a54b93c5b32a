/* fuzz_plog.c - a partition's directory as the broker finds it at a start: what it serves, it was
 * written.
 *
 *   u8 flags, i8 log end, i8 bytes (both as said by the mark, beside what is right), u8 log start,
 *   u8 largest slice; then segments: u8 what their index files are, and steps:
 *     BATCH   u8 records, u8 bytes of a value, i8 step of the time
 *     FLIP    u8 byte of the last batch, u8 what it is changed by
 *     JUNK    u8 how many, the bytes
 *     NEXT    the next segment
 *
 * With nothing damaged every offset can be read, with and without index files alike. With damage
 * there are errors; but a slice that checks holds the batches that were written there, whole, in
 * order, and the one that was asked for.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "batch/records.h"
#include "plog/index_file.h"
#include "plog/plog.h"
#include "tests/fuzz/disk.h"
#include "tests/fuzz/fuzz.h"

enum { MARKED_WRONG = 1, APPEND = 2, EXTRA_FILE = 4, UNINDEXED = 8 };
enum { BATCH, FLIP, JUNK, NEXT, STEPS };
enum { INDEX_NONE, INDEX_RIGHT, INDEX_HALF, INDEX_FOREIGN, INDEX_DAMAGED, INDEXES };
enum { SEGMENTS = 3, BATCHES = 16, INTERVAL = 100, START_TIME = 100000, READS = 8 };

struct made {
    int64_t base, next, max_timestamp;
    int segment;
    uint64_t pos;
    struct span bytes; /* as they were written, in `bytes` */
};
struct segment {
    int64_t base, end;
    uint8_t index;
    struct wr log; /* the file */
};

static struct model {
    struct segment segs[SEGMENTS];
    struct made made[BATCHES];
    struct wr bytes; /* of all batches, undamaged */
    size_t n_segs, n;
    bool damaged; /* some error is in order */
} model;

static const struct uuid topic_id = {{7}};

/* ---- the files */

static void make_batch(struct wr *out, int64_t base, int records, size_t value, int64_t time)
{
    static const uint8_t text[256];
    struct batch_builder b;
    size_t at = out->len;
    batch_builder_init(&b, BATCH_NONE);
    for (int i = 0; i < records; i++)
        batch_builder_add(&b, time + i, span_of(NULL, 0), span_of(text, value), NULL, 0);
    must(batch_builder_finish(&b, out) == 0);
    batch_place(out->buf + at, base, 1);
    batch_builder_release(&b);
}

static void add_batch(struct segment *s, struct rd *in, int64_t *time)
{
    if (model.n == BATCHES)
        return;
    struct made *m = &model.made[model.n];
    int records = 1 + rd_u8(in) % 4;
    size_t value = rd_u8(in);
    *time += (int8_t)rd_u8(in);
    *m = (struct made){.base = s->end,
                       .next = s->end + records,
                       .segment = (int)model.n_segs,
                       .pos = s->log.len,
                       .max_timestamp = *time + records - 1};
    make_batch(&s->log, s->end, records, value, *time);
    m->bytes.n = s->log.len - (size_t)m->pos;
    wr_bytes(&model.bytes, s->log.buf + m->pos, m->bytes.n);
    s->end = m->next;
    model.n++;
}

static void flip(struct segment *s, struct rd *in)
{
    uint8_t at = rd_u8(in), by = rd_u8(in);
    if (s->log.len == 0 || by == 0)
        return;
    const struct made *last = model.n ? &model.made[model.n - 1] : NULL;
    size_t pos = last && last->segment == (int)model.n_segs ? (size_t)last->pos : 0;
    s->log.buf[pos + at % (s->log.len - pos)] ^= by;
    model.damaged = true;
}

static void junk(struct segment *s, struct rd *in)
{
    struct span bytes = fuzz_some(in, rd_u8(in));
    wr_bytes(&s->log, bytes.p, bytes.n);
    model.damaged = model.damaged || bytes.n > 0;
}

static void read_segment(struct segment *s, struct rd *in, int64_t *time)
{
    s->index = rd_u8(in);
    if (s->index % INDEXES == INDEX_FOREIGN || s->index % INDEXES == INDEX_DAMAGED)
        model.damaged = true;
    while (rd_left(in)) {
        uint8_t step = rd_u8(in) % STEPS;
        if (step == NEXT)
            break;
        if (step == BATCH)
            add_batch(s, in, time);
        else if (step == FLIP)
            flip(s, in);
        else
            junk(s, in);
    }
}

static void read_model(struct rd *in)
{
    int64_t time = START_TIME, base = 0;
    for (size_t i = 0; i < SEGMENTS; i++)
        wr_reset(&model.segs[i].log);
    wr_reset(&model.bytes);
    model.n = model.n_segs = 0;
    model.damaged = false;
    for (; model.n_segs < SEGMENTS && rd_left(in); model.n_segs++) {
        struct segment *s = &model.segs[model.n_segs];
        s->base = s->end = base;
        read_segment(s, in, &time);
        if (s->end == base) { /* nothing follows an empty segment */
            model.damaged = model.damaged || s->log.len > 0;
            model.n_segs += s->log.len > 0 || model.n_segs == 0;
            break;
        }
        base = s->end;
    }
    size_t at = 0;
    for (size_t i = 0; i < model.n; i++) {
        model.made[i].bytes.p = model.bytes.buf + at;
        at += model.made[i].bytes.n;
    }
}

/* The index files that belong to the first `n` batches of a segment, or to another log's segment of
 * the same name. */
static void put_index(struct fuzz_disk *d, const char *log_path, int segment, size_t n,
                      bool foreign)
{
    const struct segment *s = &model.segs[segment];
    struct plog_index ix;
    struct plog_tally tally;
    struct plog_saved saved = {.valid = false};
    struct plog_to_save what = {.old = &ix, .id = {topic_id, 0, s->base}, .end = s->base};
    what.id.topic_id.b[0] += foreign;
    plog_index_init(&ix);
    plog_tally_init(&tally);
    for (size_t i = 0; i < model.n && n > 0; i++) {
        const struct made *m = &model.made[i];
        struct batch b;
        if (m->segment != segment)
            continue;
        must(batch_peek(m->bytes, &b) == 0);
        if (foreign)
            b.base_offset = s->base + (b.base_offset - s->base) * 2;
        plog_index_note(&ix, &tally, INTERVAL, s->base, &b, what.bytes);
        what.bytes += batch_size(&b);
        what.end = batch_last_offset(&b) + 1;
        n--;
    }
    what.last_sum = tally.sum;
    what.max_timestamp = tally.max_timestamp;
    what.max_timestamp_offset = tally.max_timestamp_offset;
    must(plog_index_save(&d->io, log_path, &what, &saved, NULL) == 0);
    plog_index_release(&ix);
}

static size_t batches_of(int segment)
{
    size_t n = 0;
    for (size_t i = 0; i < model.n; i++)
        n += model.made[i].segment == segment;
    return n;
}

static void damage_file(struct fuzz_disk *d, const char *log_path, uint8_t how)
{
    static const char *const endings[] = {".index", ".timeindex", ".check"};
    char path[FUZZ_PATH];
    must(plog_sibling(path, sizeof path, log_path, endings[how % 3]) == 0);
    struct fuzz_file *f = fuzz_disk_find(d, path);
    if (f && f->n)
        f->bytes[how % f->n] ^= (uint8_t)(1 + how / 8);
}

static struct fuzz_disk *put_files(bool with_indexes)
{
    struct fuzz_disk *d = fuzz_disk();
    char metadata[64], id[UUID_TEXT];
    uuid_text(&topic_id, id);
    snprintf(metadata, sizeof metadata, "version: 0\ntopic_id: %s\n", id);
    must(fuzz_disk_put(d, "/log/t-0/partition.metadata", span_str(metadata), 0));
    for (size_t i = 0; i < model.n_segs; i++) {
        const struct segment *s = &model.segs[i];
        char path[FUZZ_PATH];
        int which = s->index % INDEXES;
        snprintf(path, sizeof path, "/log/t-0/%020" PRId64 ".log", s->base);
        must(fuzz_disk_put(d, path, span_of(s->log.buf, s->log.len), 0));
        if (!with_indexes || which == INDEX_NONE)
            continue;
        size_t all = batches_of((int)i);
        put_index(d, path, (int)i, which == INDEX_HALF ? all / 2 : all, which == INDEX_FOREIGN);
        if (which == INDEX_DAMAGED)
            damage_file(d, path, s->index / INDEXES);
    }
    return d;
}

/* ---- what is read */

static const struct made *made_at(int64_t base)
{
    for (size_t i = 0; i < model.n; i++) {
        if (model.made[i].base == base)
            return &model.made[i];
    }
    return NULL;
}

static void slice_holds(const struct plog_slice *s, int64_t offset, int64_t limit)
{
    static uint8_t buf[BATCHES * 2048];
    must(s->len <= sizeof buf && s->base_offset <= offset && s->next_offset > offset);
    must(s->next_offset <= limit);
    must(plog_slice_read(s, buf) == (ssize_t)s->len);
    int64_t next = s->base_offset;
    for (size_t at = 0; at < s->len;) {
        const struct made *m = made_at(next);
        must(m && m->bytes.n <= s->len - at && memcmp(buf + at, m->bytes.p, m->bytes.n) == 0);
        must(at > 0 || m->next > offset);
        next = m->next;
        at += m->bytes.n;
    }
    must(next == s->next_offset);
}

struct limits {
    int64_t start, end;
    uint32_t max_bytes;
};

/* At most so many reads over the whole log, so that a long one costs no more than a short one; the
 * step is odd and moves over the offsets within batches. */
static int64_t step_of(const struct limits *l)
{
    return ((l->end - l->start) / READS) | 1;
}

static int reads_of(const struct limits *l)
{
    int64_t step = step_of(l);
    return (int)((l->end - l->start + step - 1) / step);
}

/* Gives how many could be read. */
static int read_all(struct plog *p, const struct limits *l)
{
    int read = 0;
    for (int64_t offset = l->start; offset < l->end; offset += step_of(l)) {
        struct plog_slice s;
        struct err e = {0};
        int rc = plog_read(p, offset, l->end, l->max_bytes, true, &s, &e);
        if (rc == 0 && s.len > 0)
            rc = plog_slice_verify(p, &s, &e);
        must(rc == 0 || (rc < 0 && e.text[0]));
        if (rc == 0 && s.len > 0) {
            slice_holds(&s, offset, l->end);
            must(s.len <= l->max_bytes || made_at(s.base_offset)->next == s.next_offset);
            read++;
        }
        plog_slice_release(&s);
    }
    return read;
}

/* By a plain look: the first record below the limit at or after that time. */
static struct plog_time plain_time(int64_t ts, const struct limits *l)
{
    for (size_t i = 0; i < model.n; i++) {
        const struct made *m = &model.made[i];
        int64_t first = m->max_timestamp - (m->next - m->base - 1);
        for (int64_t o = m->base; o < m->next; o++) {
            int64_t at = first + (o - m->base);
            if (o >= l->start && o < l->end && at >= ts)
                return (struct plog_time){o, at, 1};
        }
    }
    return (struct plog_time){-1, -1, -1};
}

static void find_times(struct plog *p, const struct limits *l)
{
    for (int64_t ts = START_TIME - 200; ts < START_TIME + 200; ts += 97) {
        struct plog_time found;
        struct err e = {0};
        int rc = plog_find_time(p, ts, l->end, &found, &e);
        must(rc == 0 ? found.offset < l->end : e.text[0]);
        if (model.damaged)
            continue;
        struct plog_time plain = plain_time(ts, l);
        must(rc == 0 && found.offset == plain.offset && found.timestamp == plain.timestamp);
    }
    struct plog_time latest;
    struct err e = {0};
    must(plog_find_max_time(p, l->end, &latest, &e) == 0 || e.text[0]);
}

static void append(struct plog *p, struct limits *l)
{
    struct err e = {0};
    struct plog_slice s;
    struct wr w;
    wr_init(&w, 0);
    make_batch(&w, l->end, 1, 10, START_TIME);
    struct span batch = span_of(w.buf, w.len);
    int rc = plog_append(p, &batch, 1, &e);
    must(rc == 0 || (rc < 0 && e.text[0] && plog_failed(p)));
    must(rc == 0 || model.damaged);
    if (rc == 0) {
        plog_set_high_watermark(p, l->end + 1);
        must(plog_read(p, l->end, l->end + 1, 1 << 20, true, &s, &e) == 0);
        must(s.len == w.len && s.verified && s.base_offset == l->end);
        plog_slice_release(&s);
    }
    wr_free(&w);
}

static struct plog_mark right_mark(void)
{
    struct plog_mark mark = {.max_timestamp = -1, .max_timestamp_offset = -1};
    if (!model.n_segs)
        return mark;
    const struct segment *s = &model.segs[model.n_segs - 1];
    mark.segment = s->base;
    mark.log_end = s->end;
    mark.bytes = s->log.len;
    for (size_t i = 0; i < model.n; i++) {
        const struct made *m = &model.made[i];
        if (m->segment == (int)model.n_segs - 1 && m->max_timestamp > mark.max_timestamp) {
            mark.max_timestamp = m->max_timestamp;
            mark.max_timestamp_offset = m->next - 1;
        }
    }
    return mark;
}

/* Gives how many offsets could be read, -1 if the log could not be opened. */
static int run(const struct plog_mark *mark, uint32_t max_bytes, uint8_t flags, bool with_indexes)
{
    struct fuzz_disk *d = put_files(with_indexes);
    struct plog_config cfg = {
        .io = &d->io,
        .dir = "/log",
        .settings = {.segment_bytes = 4096, .index_interval_bytes = INTERVAL}};
    struct plog *p;
    struct err e = {0};
    if (flags & EXTRA_FILE)
        must(fuzz_disk_put(d, "/log/t-0/00000000000000099999.log", span_str("x"), 0));
    int rc = plog_open(&p, &cfg, "t", 0, &topic_id, mark, &(struct plog_epoch){1, 0}, 1, &e);
    must(rc == 0 || (rc < 0 && e.text[0] && model.damaged));
    if (rc != 0)
        return -1;
    must(plog_log_end(p) == mark->log_end && plog_log_start(p) == mark->log_start);
    plog_set_high_watermark(p, mark->log_end);
    struct limits l = {mark->log_start, mark->log_end, max_bytes};
    int read = read_all(p, &l);
    must(model.damaged || read == reads_of(&l));
    find_times(p, &l);
    if (flags & APPEND && mark->log_end > 0) /* else it begins anew, directory and all */
        append(p, &l);
    plog_free(p);
    must(fuzz_disk_idle(d));
    return read;
}

static int count_batch(void *ctx, uint64_t pos, struct span bytes, const struct batch *b)
{
    int64_t *next = ctx;
    must(b->base_offset >= *next && bytes.n == batch_size(b));
    (void)pos;
    *next = batch_last_offset(b) + 1;
    return 0;
}

/* Each file by itself, as the offline tools read it. */
static void walk_files(void)
{
    struct fuzz_disk *d = put_files(false);
    for (size_t i = 0; i < model.n_segs; i++) {
        const struct segment *s = &model.segs[i];
        char path[FUZZ_PATH];
        struct err e = {0};
        int64_t next = 0;
        uint64_t valid;
        snprintf(path, sizeof path, "/log/t-0/%020" PRId64 ".log", s->base);
        int rc = plog_walk_file(&d->io, path, count_batch, &next, &valid, &e);
        must(valid <= s->log.len && (rc == 0) == (valid == s->log.len));
        must(rc == 0 ? model.damaged || next == s->end || s->log.len == 0 : e.text[0]);
        must(rc == 0 || model.damaged);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct rd in = rd_of(data, n);
    uint8_t flags = rd_u8(&in);
    int8_t end = (int8_t)rd_u8(&in), bytes = (int8_t)rd_u8(&in);
    uint8_t start = rd_u8(&in), max_bytes = rd_u8(&in);
    if (in.err)
        return 0;
    read_model(&in);
    struct plog_mark mark = right_mark();
    mark.log_start = mark.log_end ? start % (mark.log_end + 1) : 0;
    if (flags & MARKED_WRONG) {
        model.damaged = true;
        mark.log_end += end;
        mark.bytes += (uint64_t)(int64_t)bytes;
    }
    int with = run(&mark, 1u + max_bytes * 8u, flags, true);
    if (!model.damaged || flags & UNINDEXED) {
        int without = run(&mark, 1u + max_bytes * 8u, flags, false);
        must(model.damaged || with == without);
    }
    walk_files();
    return 0;
}

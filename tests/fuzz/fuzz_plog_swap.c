/* fuzz_plog_swap.c - a partition's directory in which a compaction was cut short, as a start finds
 * it.
 *
 *   u8 flags, u8 segments that are replaced (first, how many), u16 which of their batches stay, u8
 *   files that have their new names already, u8 replaced segments that are gone already, u8 changes
 *   after which the first start dies
 *   DAMAGED: u8 which file, u16 where, u8 what its byte is changed by; by 0: it ends there
 *   NAMED: u8 length, a name for a file that is none of ours
 *
 *   segments: u8 records of each batch, 0 ends one
 *
 * The start makes it the log of before, or that of after if the exchange had begun; one that dies
 * can be tried again. With damage it may refuse; but what the cleaned segment does not replace is
 * there all the same, and no batch is served that was not written.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "batch/records.h"
#include "plog/index_file.h"
#include "plog/plog_impl.h"
#include "plog/progress.h"
#include "plog/swap.h"
#include "tests/fuzz/disk.h"
#include "tests/fuzz/fuzz.h"

enum { COMMITTED = 1, DAMAGED = 2, NAMED = 4, DIES = 8, INDEXED = 16 };
enum { SEGMENTS = 4, BATCHES = 12, INTERVAL = 100, START_TIME = 100000, VALUE = 8 };

struct made {
    int64_t base, next, max_timestamp;
    size_t segment;
    struct span bytes;
    bool stays;
};
struct segment {
    int64_t base, end;
};

static struct model {
    struct segment segs[SEGMENTS];
    size_t n_segs; /* the last one is active */
    struct made made[BATCHES];
    size_t n;
    struct wr bytes;      /* of all batches */
    size_t first, behind; /* the segments that are replaced */
    bool committed;
    const struct fuzz_file *damaged;
} model;

static const struct uuid topic_id = {{7}};
static const char dir[] = "/log/t-0";

/* ---- what was written */

static void add_batch(int64_t base, int records)
{
    static const uint8_t text[VALUE];
    struct made *m = &model.made[model.n++];
    struct batch_builder b;
    size_t at = model.bytes.len;
    int64_t time = START_TIME + base;
    batch_builder_init(&b, BATCH_NONE);
    for (int i = 0; i < records; i++)
        batch_builder_add(&b, time + i, span_of(text, 1), span_of(text, VALUE), NULL, 0);
    must(batch_builder_finish(&b, &model.bytes) == 0);
    batch_place(model.bytes.buf + at, base, 1);
    batch_builder_release(&b);
    *m = (struct made){.base = base,
                       .next = base + records,
                       .max_timestamp = time + records - 1,
                       .segment = model.n_segs,
                       .bytes = span_of(NULL, model.bytes.len - at)};
}

static void read_batches(struct rd *in)
{
    int64_t next = 0;
    model.n = model.n_segs = 0;
    model.damaged = NULL;
    wr_reset(&model.bytes);
    while (model.n_segs < SEGMENTS && rd_left(in)) {
        struct segment *s = &model.segs[model.n_segs];
        s->base = next;
        for (uint8_t records; (records = rd_u8(in)) != 0 && model.n < BATCHES;) {
            add_batch(next, 1 + records % 4);
            next = model.made[model.n - 1].next;
        }
        s->end = next;
        if (s->end == s->base)
            break; /* nothing follows an empty segment */
        model.n_segs++;
    }
    size_t at = 0;
    for (size_t i = 0; i < model.n; i++) {
        model.made[i].bytes.p = model.bytes.buf + at;
        at += model.made[i].bytes.n;
    }
}

/* Which segments become one, and what it has of their batches: the last one in any case. */
static void choose(uint8_t which, uint16_t stay)
{
    size_t closed = model.n_segs - 1;
    model.first = which % closed;
    model.behind = model.first + 1 + which / 16 % (closed - model.first);
    for (size_t i = 0; i < model.n; i++) {
        struct made *m = &model.made[i];
        bool inside = m->segment >= model.first && m->segment < model.behind;
        bool last = i + 1 == model.n || model.made[i + 1].segment == model.behind;
        m->stays = !inside || last || stay >> i & 1;
    }
}

static struct segment cleaned(void)
{
    return (struct segment){model.segs[model.first].base, model.segs[model.behind - 1].end};
}

/* ---- the files */

/* The bytes of a segment, or of the one that was made of several. */
static void gather(struct wr *out, size_t from, size_t to, bool all)
{
    wr_reset(out);
    for (size_t i = 0; i < model.n; i++) {
        const struct made *m = &model.made[i];
        if (m->segment >= from && m->segment < to && (all || m->stays))
            wr_bytes(out, m->bytes.p, m->bytes.n);
    }
    must(!out->err);
}

static void put_derived(struct fuzz_disk *d, const char *log_path, struct segment of,
                        struct span bytes)
{
    struct plog_index ix;
    struct plog_tally tally;
    struct plog_saved saved = {.valid = false};
    struct plog_to_save what = {
        .old = &ix, .whole = true, .id = {topic_id, 0, of.base}, .end = of.end};
    struct batch b;
    plog_index_init(&ix);
    plog_tally_init(&tally);
    for (; what.bytes < bytes.n; what.bytes += batch_size(&b)) {
        must(batch_peek(span_of(bytes.p + what.bytes, bytes.n - what.bytes), &b) == 0);
        plog_index_note(&ix, &tally, INTERVAL, of.base, &b, what.bytes);
    }
    what.last_sum = tally.sum;
    what.max_timestamp = tally.max_timestamp;
    what.max_timestamp_offset = tally.max_timestamp_offset;
    must(plog_index_save(&d->io, log_path, &what, &saved, NULL) == 0);
    plog_index_release(&ix);
}

static void path_of(char *path, int64_t base, const char *ending)
{
    snprintf(path, FUZZ_PATH, "%s/%020" PRId64 "%s", dir, base, ending);
}

static void put_old(struct fuzz_disk *d, bool indexed, uint8_t gone)
{
    static struct wr bytes;
    char path[FUZZ_PATH];
    for (size_t i = 0; i < model.n_segs; i++) {
        bool replaced = i > model.first && i < model.behind;
        if (model.committed && replaced && gone >> i & 1)
            continue;
        gather(&bytes, i, i + 1, true);
        struct span s = span_of(bytes.buf, bytes.len);
        path_of(path, model.segs[i].base, ".log");
        must(fuzz_disk_put(d, path, s, 0));
        if (indexed && i + 1 < model.n_segs)
            put_derived(d, path, model.segs[i], s);
    }
}

static void rename_file(struct fuzz_disk *d, int64_t base, const char *from, const char *to)
{
    char a[FUZZ_PATH], b[FUZZ_PATH];
    path_of(a, base, from);
    path_of(b, base, to);
    must(io_rename(&d->io, a, b) == 0);
}

static void put_cleaned(struct fuzz_disk *d, uint8_t renamed)
{
    static const char *const endings[] = {".index", ".timeindex", ".check"};
    static struct wr bytes;
    char path[FUZZ_PATH], from[32];
    struct segment made = cleaned();
    gather(&bytes, model.first, model.behind, false);
    struct span s = span_of(bytes.buf, bytes.len);
    path_of(path, made.base, ".log.cleaned");
    must(fuzz_disk_put(d, path, s, 0));
    put_derived(d, path, made, s);
    if (!model.committed)
        return;
    rename_file(d, made.base, ".log.cleaned", ".log.swap");
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        snprintf(from, sizeof from, "%s.cleaned", endings[i]);
        if (renamed >> i & 1)
            rename_file(d, made.base, from, endings[i]);
    }
}

static struct fuzz_disk *put_files(uint8_t flags, uint8_t renamed, uint8_t gone)
{
    struct fuzz_disk *d = fuzz_disk();
    struct err e;
    struct plog_progress progress = {0, cleaned().end};
    must(plog_progress_save(&d->io, dir, &progress, &e) == 0);
    put_old(d, flags & INDEXED, gone);
    put_cleaned(d, renamed);
    return d;
}

/* ---- what else is wrong with it */

static void damage(struct fuzz_disk *d, uint8_t which, uint16_t where, uint8_t by)
{
    struct fuzz_file *f = &d->files[which % d->n_files];
    if (f->n == 0)
        return;
    model.damaged = f;
    if (by == 0)
        f->n = f->size = where % f->n;
    else
        f->bytes[where % f->n] ^= by;
}

/* Something that somebody put there. */
static void name_file(struct fuzz_disk *d, struct span name)
{
    char path[FUZZ_PATH];
    if (name.n == 0 || memchr(name.p, '/', name.n) || memchr(name.p, '\0', name.n))
        return;
    snprintf(path, sizeof path, "%s/%.*s", dir, (int)name.n, (const char *)name.p);
    if (!fuzz_disk_find(d, path))
        must(fuzz_disk_put(d, path, span_str("x"), 0));
}

/* ---- what a start makes of it */

static struct plog_mark mark_of(void)
{
    const struct segment *s = &model.segs[model.n_segs - 1];
    struct plog_mark mark = {.segment = s->base, .log_end = s->end};
    for (size_t i = 0; i < model.n; i++) {
        const struct made *m = &model.made[i];
        if (m->segment + 1 != model.n_segs)
            continue;
        mark.bytes += m->bytes.n;
        mark.max_timestamp = m->max_timestamp;
        mark.max_timestamp_offset = m->next - 1;
    }
    return mark;
}

static int start(struct fuzz_disk *d, struct plog **p)
{
    struct plog_config cfg = {
        .io = &d->io,
        .dir = "/log",
        .settings = {.segment_bytes = 4096, .index_interval_bytes = INTERVAL}};
    struct plog_mark mark = mark_of();
    struct err e = {0};
    int rc = plog_open(p, &cfg, "t", 0, &topic_id, &mark, &(struct plog_epoch){1, 0}, 1, &e);
    must(rc == 0 || (rc < 0 && e.text[0]));
    if (rc == 0)
        plog_set_high_watermark(*p, mark.log_end);
    return rc;
}

/* The batch that the log has to give for an offset. */
static const struct made *due(int64_t offset)
{
    for (size_t i = 0; i < model.n; i++) {
        const struct made *m = &model.made[i];
        if (m->next > offset && (!model.committed || m->stays))
            return m;
    }
    return NULL;
}

/* Whole batches as they were written, each the one that is due, from what `offset` asks for on. */
static void slice_holds(const struct plog_slice *s, int64_t offset)
{
    static uint8_t buf[BATCHES * 512];
    must(s->len <= sizeof buf && io_pread(s->file, buf, s->len, s->pos) == (ssize_t)s->len);
    must(s->base_offset == due(offset)->base);
    for (size_t at = 0; at < s->len;) {
        const struct made *m = due(offset);
        must(m && m->bytes.n <= s->len - at && memcmp(buf + at, m->bytes.p, m->bytes.n) == 0);
        at += m->bytes.n;
        offset = m->next;
    }
    /* Who reads on from the slice's end passes nothing over. */
    must(s->next_offset >= offset && due(s->next_offset) == due(offset));
}

static void read_one(struct plog *p, int64_t offset, uint32_t max_bytes, bool damaged)
{
    struct plog_slice s = {0};
    struct err e = {0};
    int rc = plog_read(p, offset, mark_of().log_end, max_bytes, true, &s, &e);
    if (rc == 0 && s.len > 0)
        rc = plog_slice_verify(p, &s, &e);
    must(rc == 0 ? s.len > 0 : damaged && e.text[0]);
    if (rc == 0)
        slice_holds(&s, offset);
    plog_slice_release(&s);
}

/* From batches that are verified to others: what a slice says of itself may come from both. */
static void log_holds(struct plog *p, bool damaged)
{
    for (size_t i = 0; i < model.n; i++)
        read_one(p, model.made[i].base, i % 2 ? 3 * INTERVAL : 1, damaged);
}

static void no_leftovers(const struct fuzz_disk *d)
{
    for (size_t i = 0; i < d->n_files; i++) {
        const char *name = strrchr(d->files[i].path, '/');
        struct segment made = cleaned();
        int64_t base;
        const char *ending;
        must(!name || !plog_parse_name(name + 1, &base, &ending) || base != made.base ||
             !(strstr(ending, ".cleaned") || strcmp(ending, ".log.swap") == 0));
    }
}

static bool is_there(struct fuzz_disk *d, size_t segment)
{
    char path[FUZZ_PATH];
    size_t n = 0;
    for (size_t i = 0; i < model.n; i++)
        n += model.made[i].segment == segment ? model.made[i].bytes.n : 0;
    path_of(path, model.segs[segment].base, ".log");
    const struct fuzz_file *f = fuzz_disk_find(d, path);
    return f && (f->n == n || f == model.damaged);
}

/* The cleaned segment's batches, but for what is under no CRC. */
static bool cleaned_is_there(struct fuzz_disk *d, const char *ending)
{
    enum { UNCHECKED = 16 };
    char path[FUZZ_PATH];
    size_t at = 0;
    path_of(path, cleaned().base, ending);
    const struct fuzz_file *f = fuzz_disk_find(d, path);
    for (size_t i = 0; f && i < model.n; i++) {
        const struct made *m = &model.made[i];
        if (!m->stays || m->segment < model.first || m->segment >= model.behind)
            continue;
        if (f->n - at < m->bytes.n ||
            memcmp(f->bytes + at + UNCHECKED, m->bytes.p + UNCHECKED, m->bytes.n - UNCHECKED) != 0)
            return false;
        at += m->bytes.n;
    }
    return f;
}

/* Segments go only if another is there for them. */
static void nothing_lost(struct fuzz_disk *d, uint8_t gone)
{
    bool replaced = true;
    for (size_t i = 0; i < model.n_segs; i++) {
        if (i < model.first || i >= model.behind)
            must(is_there(d, i));
        else if (i == model.first || !model.committed || !(gone >> i & 1))
            replaced = replaced && is_there(d, i);
    }
    must(replaced || cleaned_is_there(d, ".log") || cleaned_is_there(d, ".log.swap"));
}

static void run_damaged(struct fuzz_disk *d, uint8_t gone)
{
    struct plog *p;
    int rc = start(d, &p);
    nothing_lost(d, gone);
    if (rc == 0) {
        log_holds(p, true);
        plog_free(p);
    }
}

static void run_whole(struct fuzz_disk *d)
{
    struct plog *p;
    for (int i = 0; i < 2; i++) { /* and the start after that one */
        must(start(d, &p) == 0);
        no_leftovers(d);
        log_holds(p, false);
        plog_free(p);
    }
}

static void die_first(struct fuzz_disk *d, uint8_t changes)
{
    struct plog *p;
    fuzz_disk_fail(d, changes % 32);
    if (start(d, &p) == 0)
        plog_free(p);
    fuzz_disk_mend(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct rd in = rd_of(data, n), wrong;
    uint8_t flags = rd_u8(&in), which = rd_u8(&in);
    uint16_t stay = rd_be16(&in);
    uint8_t renamed = rd_u8(&in), gone = rd_u8(&in), changes = rd_u8(&in);
    struct span name = span_of(NULL, 0);
    wrong = in;
    if (flags & DAMAGED)
        rd_take(&in, 4);
    if (flags & NAMED)
        name = fuzz_some(&in, rd_u8(&in) % 64);
    if (in.err)
        return 0;
    read_batches(&in);
    if (model.n_segs < 2)
        return 0;
    choose(which, stay);
    model.committed = flags & COMMITTED;
    struct fuzz_disk *d = put_files(flags, renamed, gone);
    if (flags & DAMAGED) {
        uint8_t file = rd_u8(&wrong);
        uint16_t where = rd_be16(&wrong);
        damage(d, file, where, rd_u8(&wrong));
    }
    if (flags & NAMED)
        name_file(d, name);
    if (flags & DIES)
        die_first(d, changes);
    if (flags & (DAMAGED | NAMED))
        run_damaged(d, gone);
    else
        run_whole(d);
    must(fuzz_disk_idle(d));
    return 0;
}

/* fuzz_wal.c - a shard's log of a few segments, described by the input, as recovery reads it.
 *
 *   u8 reader: bit 0: one file, 1: live, 2: fresh, 3: a checkpoint knows of a durable place, 4: a
 *   segment comes or goes while it is read
 *   then, with bit 3, that place: u8 segment, u8 block; with bit 4: u8 which segment and when
 *
 *   segments, ids ascending: u8 step of the id and flags, u8 size, then what is in it:
 *
 *     GROUP   u8 flags, u8 index, u8 term, u8 synced segment, u8 synced block, u16 length, payload
 *     FRAME   as GROUP up to the synced block, u8 type; the body as long as the type wants it
 *     SKIP    u8 blocks
 *     FLIP    u16 place in the last block written, u8 what its byte is changed by
 *     BLOCK   u16 length, bytes as they are
 *     NEXT    the next segment
 *
 *   OPEN and ROLL are groups too; OPENED begins a segment with one that fits
 *
 * Checksums are right but where FLIP and BLOCK changed what was written. What the reader gives is
 * held against a plain look at the bytes, and against what it says itself when asked again.
 */
#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "tests/fuzz/disk.h"
#include "tests/fuzz/fuzz.h"
#include "wal/group.h"
#include "wal/reader.h"

enum { LONE = 1, LIVE = 2, FRESH = 4, KNOWN = 8, MOVES = 16 };
enum { OPENED = 0x80, RAW_HEADER = 0x40, SHORT_FILE = 0x20, OTHER_SALT = 0x10 };
enum { GROUP, FRAME, SKIP, FLIP, BLOCK, NEXT, STEPS };
enum { SEGMENTS = 4, BLOCKS = WAL_SEGMENT_MIN / WAL_BLOCK, MORE_BLOCKS = 4 };
enum { GROUPS = SEGMENTS * (BLOCKS + MORE_BLOCKS) };
enum { PAYLOAD_MAX = 3 * WAL_BLOCK };

static const char dir[] = "/wal";

struct segment {
    struct wal_segment_header header;
    uint8_t bytes[(BLOCKS + MORE_BLOCKS + 2) * WAL_BLOCK]; /* FLIP may reach behind the end */
    uint64_t size;                                         /* of the file */
    uint64_t end;                                          /* of what was written */
    uint64_t last;                                         /* begin of the last write */
};
static struct segment segs[SEGMENTS];
static size_t n_segs;

/* ---- the log */

static void put_group(struct segment *s, struct wal_group *g, struct span payload)
{
    uint64_t bytes = wal_group_bytes((uint32_t)payload.n);
    if (s->end + bytes > s->header.size)
        return;
    uint8_t *p = s->bytes + s->end;
    g->pos = (struct wal_pos){s->header.id, s->end};
    g->payload_len = (uint32_t)payload.n;
    memset(p, 0, bytes);
    wal_group_header_encode(p, g);
    memcpy(p + WAL_GROUP_HEADER, payload.p, payload.n);
    wal_group_seal(p, s->header.salt);
    s->last = s->end;
    s->end += bytes;
}

static void put_open(struct segment *s, struct wal_pos prev)
{
    uint8_t payload[WAL_PAYLOAD_HEADER + WAL_FRAME_HEADER + WAL_OPEN_SIZE] = {0};
    struct wal_group g = {.term = 1, .synced = prev};
    struct wal_open open = {.term = 1, .vote = 1, .prev = prev};
    payload[WAL_PAYLOAD_HEADER] = WAL_OPEN;
    put_le32(payload + WAL_PAYLOAD_HEADER + 4, WAL_OPEN_SIZE);
    wal_open_encode(payload + WAL_PAYLOAD_HEADER + WAL_FRAME_HEADER, &open);
    put_group(s, &g, span_of(payload, sizeof payload));
}

static struct wal_group read_header(struct rd *in, uint8_t *flags)
{
    *flags = rd_u8(in);
    struct wal_group g = {.index = rd_u8(in), .term = rd_u8(in)};
    g.synced.segment = rd_u8(in);
    g.synced.offset = (uint64_t)rd_u8(in) * WAL_BLOCK;
    return g;
}

/* One frame as it should be. */
static void read_frame(struct segment *s, struct rd *in)
{
    static const uint8_t sizes[] = {[WAL_BATCH] = 60,           [WAL_TRIM] = WAL_TRIM_SIZE,
                                    [WAL_CHANGE] = 13,          [WAL_COMMAND] = 20,
                                    [WAL_OPEN] = WAL_OPEN_SIZE, [WAL_STATE] = WAL_STATE_SIZE,
                                    [WAL_ROLL] = WAL_ROLL_SIZE, [WAL_TOPIC] = 20};
    uint8_t payload[WAL_PAYLOAD_HEADER + WAL_FRAME_HEADER + 60] = {0}, flags;
    struct wal_group g = read_header(in, &flags);
    uint8_t type = rd_u8(in) % sizeof sizes;
    struct span body = fuzz_some(in, sizes[type]);
    uint8_t *frame = payload + WAL_PAYLOAD_HEADER;
    frame[0] = type;
    put_le32(frame + 4, sizes[type]);
    if (body.n)
        memcpy(frame + WAL_FRAME_HEADER, body.p, body.n);
    put_group(s, &g, span_of(payload, WAL_PAYLOAD_HEADER + WAL_FRAME_HEADER + sizes[type]));
}

static void read_group(struct segment *s, struct rd *in)
{
    uint8_t payload[PAYLOAD_MAX] = {0}, flags;
    struct wal_group g = read_header(in, &flags);
    struct span said = fuzz_some(in, rd_be16(in) % PAYLOAD_MAX);
    size_t n = said.n < WAL_PAYLOAD_HEADER ? WAL_PAYLOAD_HEADER : said.n;
    if (said.n)
        memcpy(payload, said.p, said.n);
    if (flags & 1) /* a group that reaches over more blocks */
        n = n + WAL_BLOCK < PAYLOAD_MAX ? n + WAL_BLOCK : PAYLOAD_MAX;
    put_group(s, &g, span_of(payload, n));
}

static void read_step(struct segment *s, struct rd *in, uint8_t step)
{
    uint64_t at;
    struct span bytes;
    switch (step) {
    case GROUP:
        read_group(s, in);
        break;
    case FRAME:
        read_frame(s, in);
        break;
    case SKIP:
        s->end += (uint64_t)(rd_u8(in) % 4) * WAL_BLOCK;
        break;
    case FLIP:
        at = s->last + rd_be16(in) % (2 * WAL_BLOCK);
        s->bytes[at] ^= rd_u8(in);
        break;
    case BLOCK:
        bytes = fuzz_some(in, rd_be16(in) % WAL_BLOCK);
        if (bytes.n && s->end + WAL_BLOCK <= s->header.size)
            memcpy(s->bytes + s->end, bytes.p, bytes.n);
        s->last = s->end;
        s->end += WAL_BLOCK;
        break;
    }
    if (s->end > s->header.size)
        s->end = s->header.size;
}

static void begin_segment(struct segment *s, struct rd *in, uint64_t id)
{
    uint8_t flags = rd_u8(in);
    struct wal_pos prev = {0, 0};
    memset(s, 0, sizeof *s);
    s->header = (struct wal_segment_header){
        .id = id + (flags & 3), .size = WAL_SEGMENT_MIN, .salt = 77 * id, .owner = {.node_id = 1}};
    s->header.size += (uint64_t)(rd_u8(in) % (MORE_BLOCKS + 1)) * WAL_BLOCK;
    s->size = s->header.size - (flags & SHORT_FILE ? WAL_BLOCK : 0);
    wal_segment_header_encode(s->bytes, &s->header);
    s->last = 0;
    s->end = WAL_BLOCK;
    if (flags & RAW_HEADER)
        s->bytes[rd_u8(in) % 80] ^= rd_u8(in);
    if (flags & OTHER_SALT)
        s->header.salt++;
    if (n_segs > 0)
        prev = (struct wal_pos){s[-1].header.id, s[-1].end};
    if (flags & OPENED)
        put_open(s, prev);
}

static void read_log(struct rd *in)
{
    uint64_t id = 1;
    for (n_segs = 0; n_segs < SEGMENTS && rd_left(in); n_segs++) {
        struct segment *s = &segs[n_segs];
        begin_segment(s, in, id);
        id = s->header.id + 1;
        for (int i = 0; i < 40 && rd_left(in); i++) {
            uint8_t step = rd_u8(in) % STEPS;
            if (step == NEXT)
                break;
            read_step(s, in, step);
        }
    }
}

static void put_log(struct fuzz_disk *d)
{

    for (size_t i = 0; i < n_segs; i++) {
        char path[FUZZ_PATH];
        const struct segment *s = &segs[i];
        uint64_t n = s->end + 2 * WAL_BLOCK;
        must(wal_segment_path(path, sizeof path, dir, s->header.id) == 0);
        must(fuzz_disk_put(d, path, span_of(s->bytes, n < s->size ? n : s->size), s->size));
        fuzz_disk_find(d, path)->size = s->size;
    }
}

/* ---- a plain look */

static const struct segment *find(uint64_t id)
{
    for (size_t i = 0; i < n_segs; i++) {
        if (segs[i].header.id == id)
            return &segs[i];
    }
    return NULL;
}

static uint64_t salt_of(const struct segment *s)
{
    return get_le64(s->bytes + 64);
}

static bool header_is_whole(const struct segment *s, uint64_t at)
{
    const uint8_t *p = s->bytes + at;
    uint8_t salt[8];
    put_le64(salt, salt_of(s));
    return memcmp(p, "CKWG", 4) == 0 && get_le64(p + 16) == s->header.id &&
           get_le64(p + 24) == at && get_le32(p + 4) == crc32c(crc32c(0, salt, 8), p + 8, 72);
}

static void group_is_there(const struct wal_group *g)
{
    static const uint8_t zeros[WAL_BLOCK];
    const struct segment *s = find(g->pos.segment);
    must(s && g->pos.offset >= WAL_BLOCK && g->pos.offset % WAL_BLOCK == 0);
    must(g->pos.offset + wal_group_bytes(g->payload_len) <= s->size);
    const uint8_t *p = s->bytes + g->pos.offset;
    must(header_is_whole(s, g->pos.offset) && get_le32(p + 12) == g->payload_len);
    must(get_le32(p + 8) == crc32c(0, p + WAL_GROUP_HEADER, g->payload_len));
    must(g->payload.n == g->payload_len);
    must(memcmp(p + WAL_GROUP_HEADER, g->payload.p, g->payload.n) == 0);
    must(get_le64(p + 32) == g->index && get_le64(p + 40) == g->term);
    size_t used = WAL_GROUP_HEADER + g->payload_len;
    must(memcmp(p + used, zeros, (size_t)wal_group_bytes(g->payload_len) - used) == 0);
}

/* The largest position that headers from a place on state as durable. */
static struct wal_pos largest_stated(const struct segment *s, uint64_t from)
{
    struct wal_pos most = {0, 0};
    for (uint64_t at = from; at < s->size; at += WAL_BLOCK) {
        const uint8_t *p = s->bytes + at;
        struct wal_pos stated = {get_le64(p + 48), get_le64(p + 56)};
        if (header_is_whole(s, at) && wal_pos_cmp(stated, most) > 0)
            most = stated;
    }
    return most;
}

/* Behind the end of the log nothing states that more was durable; but that a younger segment was
 * there says nothing of what is in it. */
static void nothing_durable_behind(struct wal_pos end)
{
    for (size_t i = 0; i < n_segs; i++) {
        const struct segment *s = &segs[i];
        if (s->header.id < end.segment)
            continue;
        struct wal_pos stated =
            largest_stated(s, s->header.id == end.segment ? end.offset : WAL_BLOCK);
        must(wal_pos_cmp(stated, end) <= 0 ||
             (stated.segment != end.segment && stated.offset <= WAL_BLOCK));
    }
}

/* ---- the reader */

static void frames_hold(struct span payload)
{
    struct wal_frame f;
    struct wal_batch b;
    struct wal_trim t;
    struct wal_open o;
    struct wal_state s;
    struct wal_topic topic;
    uint64_t next;
    uint8_t again[WAL_OPEN_SIZE];
    size_t at = WAL_PAYLOAD_HEADER;
    while (wal_frame_next(payload, &at, &f) == 1) {
        must(fuzz_within(f.body, payload) && at <= payload.n);
        if (f.type == WAL_BATCH && wal_batch_decode(f.body, &b) == 0)
            must(fuzz_within(b.batch, f.body));
        if (f.type == WAL_TRIM && wal_trim_decode(f.body, &t) == 0) {
            wal_trim_encode(again, &t);
            must(memcmp(again, f.body.p, WAL_TRIM_SIZE) == 0);
        }
        if (f.type == WAL_OPEN && wal_open_decode(f.body, &o) == 0) {
            wal_open_encode(again, &o);
            must(memcmp(again, f.body.p, WAL_OPEN_SIZE) == 0);
        }
        if (f.type == WAL_STATE && wal_state_decode(f.body, &s) == 0) {
            wal_state_encode(again, &s);
            must(memcmp(again, f.body.p, WAL_STATE_SIZE) == 0);
        }
        if (f.type == WAL_ROLL && wal_roll_decode(f.body, &next) == 0) {
            wal_roll_encode(again, next);
            must(memcmp(again, f.body.p, WAL_ROLL_SIZE) == 0);
        }
        if (f.type == WAL_TOPIC && wal_topic_decode(f.body, &topic) == 0)
            must(topic.name.n > 0 && fuzz_within(topic.name, f.body));
    }
}

struct outcome {
    int rc;
    size_t n;
    struct wal_pos groups[GROUPS + 1]; /* and behind the last */
    struct wal_end end;
};

static void walk(const struct wal_reader_config *cfg, struct wal_reader *r, bool moving,
                 struct outcome *o)
{
    struct wal_group g;
    struct err e = {0};
    struct wal_pos behind = {0, 0};
    while ((o->rc = wal_reader_next(r, &g, &e)) == 1) {
        must(o->n < GROUPS);
        must(wal_pos_cmp(g.pos, behind) >= 0);
        group_is_there(&g);
        frames_hold(g.payload);
        behind = (struct wal_pos){g.pos.segment, g.pos.offset + wal_group_bytes(g.payload_len)};
        o->groups[o->n++] = g.pos;
    }
    if (o->rc == ERR_CORRUPT)
        must(e.text[0] && cfg->fault->reason && cfg->fault->file[0]);
    if (o->rc != 0)
        return;
    wal_reader_end(r, &o->end);
    must(wal_pos_cmp(behind, o->end.pos) <= 0 || o->end.pos.segment == 0);
    must(!o->end.torn || o->end.torn_bytes > 0);
    if (!cfg->live && !moving && o->end.pos.segment && !o->end.rolled)
        nothing_durable_behind(o->end.pos);
}

static void groups_again(struct wal_reader *r, const struct outcome *o)
{
    struct wal_group g;
    for (size_t i = 0; i < o->n; i++) {
        must(wal_reader_at(r, o->groups[i], &g, NULL) == 0);
        must(wal_pos_cmp(g.pos, o->groups[i]) == 0);
        group_is_there(&g);
    }
}

static void run(const struct wal_reader_config *cfg, bool moving, struct outcome *o)
{
    struct wal_reader *r;
    struct err e = {0};
    *o = (struct outcome){.n = 0};
    o->rc = wal_reader_open(&r, cfg, &e);
    must(o->rc == 0 || e.text[0]);
    must(o->rc != ERR_CORRUPT || cfg->fault->reason);
    if (o->rc)
        return;
    walk(cfg, r, moving, o);
    if (!moving)
        groups_again(r, o);
    wal_reader_free(r);
}

/* While it is read a broker takes a segment away, or gives a prepared one its name. What is read is
 * right all the same; on a live log neither is a fault. */
static void run_moving(struct fuzz_disk *d, const struct wal_reader_config *cfg, uint8_t how)
{
    char name[FUZZ_PATH];
    const char *elsewhere = "/elsewhere/a.wal";
    struct outcome o;
    must(wal_segment_path(name, sizeof name, dir, segs[how % n_segs].header.id) == 0);
    if (how & 0x80) {
        fuzz_disk_later(d, 1 + (how >> 2) % 16, name, elsewhere);
    } else {
        snprintf(fuzz_disk_find(d, name)->path, FUZZ_PATH, "%s", elsewhere);
        fuzz_disk_later(d, 1 + (how >> 2) % 16, elsewhere, name);
    }
    run(cfg, true, &o);
}

/* Begun in the middle, the log has the same rest. */
static void same_from(struct wal_reader_config cfg, const struct outcome *whole)
{
    struct outcome rest;
    if (whole->rc != 0 || whole->n < 2)
        return;
    size_t skip = whole->n / 2;
    cfg.from = whole->groups[skip];
    if (cfg.synced.segment < cfg.from.segment) /* no checkpoint knows less than where it begins */
        cfg.synced = (struct wal_pos){0, 0};
    run(&cfg, false, &rest);
    must(rest.rc == 0 && rest.n == whole->n - skip);
    must(memcmp(rest.groups, whole->groups + skip, rest.n * sizeof *rest.groups) == 0);
    must(wal_pos_cmp(rest.end.pos, whole->end.pos) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct rd in = rd_of(data, n);
    struct fuzz_disk *d = fuzz_disk();
    struct wal_fault fault = {.reason = NULL};
    char path[FUZZ_PATH];
    uint8_t how = rd_u8(&in);
    struct wal_reader_config cfg = {
        .io = &d->io, .path = dir, .live = how & LIVE, .fresh = how & FRESH, .fault = &fault};
    if (how & KNOWN) {
        cfg.synced.segment = rd_u8(&in);
        cfg.synced.offset = (uint64_t)rd_u8(&in) * WAL_BLOCK;
    }
    uint8_t moves = how & MOVES ? rd_u8(&in) : 0;
    read_log(&in);
    if (n_segs == 0)
        return 0;
    put_log(d);
    if (how & LONE) {
        must(wal_segment_path(path, sizeof path, dir, segs[n_segs - 1].header.id) == 0);
        cfg.path = path;
    }
    struct outcome whole, twice;
    if (how & MOVES) {
        run_moving(d, &cfg, moves);
        return 0;
    }
    run(&cfg, false, &whole);
    run(&cfg, false, &twice);
    must(whole.rc == twice.rc && whole.n == twice.n);
    must(memcmp(&whole.end, &twice.end, sizeof whole.end) == 0);
    if (!(how & (LIVE | LONE)))
        same_from(cfg, &whole);
    return 0;
}

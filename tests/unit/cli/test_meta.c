/* The insides of chronik-meta on data directories that a real shard made, whole and damaged:
 * history at any index, and that check finds what is wrong and where. */
#include <errno.h>
#include <stdlib.h>

#include "base/io_mem.h"
#include "cli/meta_check.h"
#include "cli/meta_history.h"
#include "tests/shard/rig.h"
#include "tests/unit/unit.h"
#include "wal/writer.h"

/* ---- a data directory: three rounds of topics, a checkpoint after each of the first two */

enum { ROUNDS = 3, PER_ROUND = 4 };

static struct rig rig;

static void checkpoint(void)
{
    shard_checkpoint(rig.shard[0].s);
    rig_run(&rig);
}

/* Topic i, by the order of creation. */
static const char *topic_name(int i)
{
    static char name[16];
    snprintf(name, sizeof name, "t%d", i);
    return name;
}

static void make_directory(void)
{
    struct err e = {0, ""};
    rig_init(&rig, io_mem_new());
    ck_assert_msg(rig_open(&rig, &e) == 0, "%s", e.text);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < PER_ROUND; i++)
            ck_assert_ok(rig_create_topic(&rig, topic_name(round * PER_ROUND + i), 1 + i % 2));
        if (round + 1 < ROUNDS)
            checkpoint();
    }
}

static struct io *disk(void)
{
    return io_mem_io(rig.disk);
}

static struct place find(struct io *io, const char *path)
{
    struct place p;
    struct err e = {0, ""};
    int rc = place_find(&p, io, path, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    return p;
}

/* The image at that index; its number of topics, or the error. */
static int topics_at(const char *path, uint64_t at)
{
    struct place p = find(disk(), path);
    struct meta_image *m = NULL;
    struct err e = {0, ""};
    int rc = history_image(&p, at, &m, &e);
    if (rc < 0) {
        ck_assert_int_ne(e.text[0], 0);
        return rc;
    }
    if (at != HISTORY_LATEST)
        ck_assert_uint_eq(meta_index(m), at);
    int n = (int)meta_n_topics(m);
    meta_image_unref(m);
    return n;
}

/* Snapshots there are, oldest first. */
static struct meta_snapshot_name snapshot(struct io *io, size_t i, char path[IO_PATH_MAX])
{
    struct meta_snapshot_name *list, s;
    char name[META_SNAPSHOT_NAME];
    size_t n;
    ck_assert_ok(meta_snapshot_list(io, RIG_DIR "/meta", &list, &n));
    ck_assert_uint_gt(n, i);
    s = list[i];
    free(list);
    meta_snapshot_format_name(name, s);
    ck_assert_ok(io_path(path, IO_PATH_MAX, RIG_DIR "/meta", "%s", name));
    return s;
}

static struct verdict check(struct io *io, const char *path)
{
    struct place p = find(io, path);
    struct verdict c;
    meta_check_run(&c, &p);
    return c;
}

static char *image_text(const struct meta_image *m)
{
    struct json *j = meta_image_json(m);
    char *text = json_text(j, 0);
    json_free(j);
    return text;
}

/* ---- history */

START_TEST(the_latest_is_what_the_shard_has)
{
    make_directory();
    struct place p = find(disk(), RIG_DIR);
    struct meta_image *m, *live = shard_image(rig.shard[0].s);
    struct err e;
    ck_assert_int_eq(p.kind, PLACE_NODE);
    ck_assert(p.owned);
    ck_assert_ok(history_image(&p, HISTORY_LATEST, &m, &e));
    char *have = image_text(m), *want = image_text(live);
    ck_assert_str_eq(have, want);
    size_t n;
    const struct meta_server *s = meta_servers(m, &n);
    ck_assert_uint_eq(n, 1);
    ck_assert_uint_eq(s[0].id, 1);
    ck_assert_uint_eq(s[0].role, META_VOTER);
    free(have);
    free(want);
    meta_image_unref(m);
    rig_release(&rig);
}
END_TEST

START_TEST(each_index_is_its_own_state)
{
    make_directory();
    char path[IO_PATH_MAX];
    uint64_t oldest = snapshot(disk(), 0, path).index;
    uint64_t last = meta_index(shard_image(rig.shard[0].s));
    /* Each command made one topic. */
    for (uint64_t at = oldest; at <= last; at++)
        ck_assert_int_eq(topics_at(RIG_DIR, at), ROUNDS * PER_ROUND - (int)(last - at));
    ck_assert_int_eq(topics_at(RIG_DIR, last + 1), ERR_NOTFOUND);
    ck_assert_int_eq(topics_at(RIG_DIR, oldest - 1), ERR_NOTFOUND);
    ck_assert_int_eq(topics_at(RIG_DIR, HISTORY_LATEST), ROUNDS * PER_ROUND);
    rig_release(&rig);
}
END_TEST

START_TEST(a_damaged_snapshot_is_made_up_for)
{
    make_directory();
    char path[IO_PATH_MAX];
    size_t n;
    uint64_t newest = snapshot(disk(), 1, path).index;
    io_mem_bytes(rig.disk, path, &n)[100] ^= 1;
    ck_assert_int_eq(topics_at(RIG_DIR, newest), 2 * PER_ROUND);
    ck_assert_int_eq(topics_at(RIG_DIR, HISTORY_LATEST), ROUNDS * PER_ROUND);
    snapshot(disk(), 0, path);
    io_mem_bytes(rig.disk, path, &n)[100] ^= 1;
    ck_assert_int_eq(topics_at(RIG_DIR, HISTORY_LATEST), ERR_CORRUPT);
    rig_release(&rig);
}
END_TEST

START_TEST(parts_of_a_directory)
{
    make_directory();
    char path[IO_PATH_MAX];
    snapshot(disk(), 1, path);
    ck_assert_int_eq(find(disk(), path).kind, PLACE_SNAPSHOT);
    ck_assert_int_eq(find(disk(), RIG_DIR "/meta").kind, PLACE_SNAPSHOTS);
    ck_assert_int_eq(find(disk(), RIG_DIR "/wal/0").kind, PLACE_LOG);
    ck_assert_int_eq(find(disk(), RIG_DIR "/wal/0/checkpoint.0").kind, PLACE_CHECKPOINT);
    ck_assert_int_eq(find(disk(), RIG_DIR "/wal/0/00000000000000000001.wal").kind, PLACE_SEGMENT);
    ck_assert_int_eq(topics_at(RIG_DIR "/meta", HISTORY_LATEST), 2 * PER_ROUND);
    /* The whole log is still there, so it needs no snapshot. */
    ck_assert_int_eq(topics_at(RIG_DIR "/wal/0", HISTORY_LATEST), ROUNDS * PER_ROUND);
    ck_assert_int_eq(topics_at(RIG_DIR "/wal/0", 2), 0);
    ck_assert_int_eq(topics_at(RIG_DIR "/wal/1", HISTORY_LATEST), ERR_INVALID);
    struct place p;
    struct err e;
    ck_assert_int_eq(place_find(&p, disk(), RIG_DIR "/log", &e), ERR_NOTFOUND);
    ck_assert_int_eq(place_find(&p, disk(), RIG_DIR "/node.meta", &e), ERR_NOTFOUND);
    ck_assert_int_eq(place_find(&p, disk(), RIG_DIR "/none", &e), -ENOENT);
    rig_release(&rig);
}
END_TEST

/* ---- a log whose end was written twice, as a follower's is when its leader changes */

static void append(struct wal_writer *w, struct clock *clock, uint64_t index, uint64_t term,
                   const char *name)
{
    struct meta_topic_create_partitions part = {0, 1, -1, 1, (int32_t[]){1}};
    struct meta_topic_create msg = {.name = kp_str(name), .n_partitions = 1, .partitions = &part};
    struct wal_payload p;
    struct wal_write write;
    struct wr body;
    msg.topic_id.b[0] = (uint8_t)name[0];
    wr_init(&body, 0);
    meta_command_encode(META_TOPIC_CREATE, &msg, &body);
    ck_assert_ok(wal_payload_init(&p, 4096));
    memcpy(wal_payload_frame(&p, WAL_COMMAND, 0, body.len), body.buf, body.len);
    wal_payload_stamp(&p, 0, 1);
    wal_write_init(&write, w);
    wal_write_begin(&write);
    ck_assert_ok(wal_write_entry(&write, &p, index, term));
    ck_assert_ok(wal_write_seal(&write, term, 0, 1, NULL));
    wal_write_run(&write, clock);
    ck_assert_ok(wal_write_done(&write, NULL));
    wal_write_release(&write);
    wal_payload_release(&p);
    wr_free(&body);
}

START_TEST(a_later_entry_discards_what_it_overwrites)
{
    struct clock_manual clock;
    struct wal_writer *w;
    struct err e = {0, ""};
    rig.disk = io_mem_new();
    clock_manual_init(&clock, 0, 1);
    ck_assert_ok(io_mkdir(disk(), "/w"));
    struct wal_writer_config cfg = {
        .io = disk(), .dir = "/w", .owner = {{{1}}, 1, 0}, .segment_bytes = WAL_SEGMENT_MIN};
    ck_assert_ok(wal_writer_open(&w, &cfg, (struct wal_pos){0, 0}, 0, 1, 0, 1, &e));
    append(w, &clock.clock, 1, 1, "a");
    append(w, &clock.clock, 2, 1, "b");
    append(w, &clock.clock, 3, 1, "c");
    append(w, &clock.clock, 2, 2, "d");
    wal_writer_free(w);

    struct place p = find(disk(), "/w");
    struct meta_image *m;
    ck_assert_msg(history_image(&p, HISTORY_LATEST, &m, &e) == 0, "%s", e.text);
    ck_assert_uint_eq(meta_index(m), 2);
    ck_assert_uint_eq(meta_term(m), 2);
    ck_assert_uint_eq(meta_n_topics(m), 2);
    ck_assert_ptr_nonnull(meta_topic_by_name(m, span_str("d")));
    ck_assert_ptr_null(meta_topic_by_name(m, span_str("b")));
    meta_image_unref(m);
    ck_assert_int_eq(topics_at("/w", 3), ERR_NOTFOUND);
    io_mem_free(rig.disk);
}
END_TEST

/* ---- check */

START_TEST(a_whole_directory_is_good)
{
    make_directory();
    struct verdict c = check(disk(), RIG_DIR);
    ck_assert_msg(c.faults.n == 0, "%s: %s", c.faults.v[0].file, c.faults.v[0].reason);
    ck_assert(!c.faults.failed);
    ck_assert_int_eq(c.faults.trouble, 0);
    ck_assert_uint_eq(c.records, meta_index(shard_image(rig.shard[0].s)));
    ck_assert_uint_gt(c.units, c.records);
    ck_assert_uint_ge(c.files, 6);
    /* And so is one that was stopped, and one of a first start. */
    ck_assert_ok(rig_stop(&rig));
    c = check(disk(), RIG_DIR);
    ck_assert_uint_eq(c.faults.n, 0);
    rig_release(&rig);
}
END_TEST

/* The check fails for that file, and there is no trouble but that. */
static void expect_fault(const char *file, const char *why)
{
    struct verdict c = check(disk(), RIG_DIR);
    bool named = false;
    for (size_t i = 0; i < c.faults.n; i++)
        named =
            named || (strcmp(c.faults.v[i].file, file) == 0 && c.faults.v[i].kind != FAULT_TORN);
    ck_assert_msg(c.faults.failed && named, "%s: %s", file, why);
    ck_assert_int_eq(c.faults.trouble, 0);
    faults_release(&c.faults);
}

/* Every byte of these counts. */
START_TEST(every_damaged_byte_of_small_files_is_found)
{
    make_directory();
    char snapshots[2][IO_PATH_MAX];
    snapshot(disk(), 0, snapshots[0]);
    snapshot(disk(), 1, snapshots[1]);
    const char *files[] = {snapshots[0], snapshots[1], RIG_DIR "/node.meta",
                           RIG_DIR "/wal/0/checkpoint.0", RIG_DIR "/wal/0/checkpoint.1"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        size_t n;
        uint8_t *p = io_mem_bytes(rig.disk, files[i], &n);
        for (size_t at = 0; at < n; at++) {
            char why[32];
            snprintf(why, sizeof why, "byte %zu", at);
            p[at] ^= (uint8_t)(1 << at % 8);
            expect_fault(files[i], why);
            p[at] ^= (uint8_t)(1 << at % 8);
        }
    }
    rig_release(&rig);
}
END_TEST

/* Damage in the log is a fault, or beyond what is known to be durable a torn tail; never a wrong
 * image, never a crash. */
START_TEST(damage_in_the_log)
{
    make_directory();
    static const char *const files[] = {RIG_DIR "/wal/0/00000000000000000001.wal",
                                        RIG_DIR "/wal/0/00000000000000000002.wal"};
    struct place place = find(disk(), RIG_DIR);
    size_t failed = 0;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        size_t n;
        uint8_t *p = io_mem_bytes(rig.disk, files[i], &n);
        for (size_t at = 0; at < n; at += at % WAL_BLOCK < 200 ? 3 : 509) {
            struct meta_image *m = NULL;
            struct err e;
            p[at] ^= 0x10;
            struct verdict c = check(disk(), RIG_DIR);
            ck_assert_int_eq(c.faults.trouble, 0);
            failed += c.faults.failed;
            if (history_image(&place, HISTORY_LATEST, &m, &e) == 0)
                ck_assert_int_ge((int)meta_n_topics(m), 2 * PER_ROUND);
            meta_image_unref(m);
            faults_release(&c.faults);
            p[at] ^= 0x10;
        }
    }
    ck_assert_uint_gt(failed, 100);
    rig_release(&rig);
}
END_TEST

START_TEST(truncated_files)
{
    make_directory();
    char path[IO_PATH_MAX];
    snapshot(disk(), 1, path);
    const char *files[] = {path, RIG_DIR "/wal/0/checkpoint.1", RIG_DIR "/node.meta",
                           RIG_DIR "/wal/0/00000000000000000002.wal"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct io_stat st;
        ck_assert_ok(io_stat(disk(), files[i], &st));
        for (uint64_t size = 0; size < st.size; size += 1 + st.size / 50) {
            struct io_mem *cut = io_mem_crash(rig.disk, io_mem_trace_len(rig.disk), IO_CUT_ALL, 0);
            struct io_mem *whole = rig.disk;
            struct io_file *f;
            rig.disk = cut;
            ck_assert_ok(io_open(disk(), files[i], IO_WRITE, &f));
            ck_assert_ok(io_truncate(f, size));
            io_close(f);
            expect_fault(files[i], "cut");
            rig.disk = whole;
            io_mem_free(cut);
        }
    }
    rig_release(&rig);
}
END_TEST

/* A snapshot with right checksums that the log does not lead to. */
START_TEST(a_forged_snapshot_is_found)
{
    make_directory();
    struct place p = find(disk(), RIG_DIR);
    struct meta_image *m;
    struct err e;
    char path[IO_PATH_MAX];
    struct meta_snapshot_name first = snapshot(disk(), 0, path), second = snapshot(disk(), 1, path);
    ck_assert_ok(history_image(&p, first.index, &m, &e));
    struct meta_image *forged = meta_advance(m, second.index, second.term);
    ck_assert_ok(meta_snapshot_save(disk(), RIG_DIR "/meta", forged, 1, &e));
    expect_fault(path, "forged");
    meta_image_unref(m);
    meta_image_unref(forged);
    rig_release(&rig);
}
END_TEST

START_TEST(missing_files)
{
    make_directory();
    char path[IO_PATH_MAX], moved[IO_PATH_MAX];
    snapshot(disk(), 1, path);
    ck_assert_ok(io_path(moved, sizeof moved, RIG_DIR, "elsewhere"));
    ck_assert_ok(io_rename(disk(), path, moved));
    struct verdict c = check(disk(), RIG_DIR);
    ck_assert(c.faults.failed);
    ck_assert_ptr_nonnull(strstr(c.faults.v[0].file, "checkpoint."));
    ck_assert_uint_eq(c.faults.v[0].position, 56);
    faults_release(&c.faults);
    ck_assert_ok(io_rename(disk(), moved, path));

    ck_assert_ok(io_rename(disk(), RIG_DIR "/wal/0/00000000000000000002.wal", moved));
    c = check(disk(), RIG_DIR);
    ck_assert(c.faults.failed);
    faults_release(&c.faults);
    rig_release(&rig);
}
END_TEST

START_TEST(another_clusters_files)
{
    make_directory();
    char path[IO_PATH_MAX];
    struct uuid other = {{9}};
    struct meta_image *m = meta_image_new(&other), *at;
    struct meta_snapshot_name s = snapshot(disk(), 1, path);
    struct err e;
    at = meta_advance(m, s.index, s.term);
    ck_assert_ok(meta_snapshot_save(disk(), RIG_DIR "/meta", at, 1, &e));
    expect_fault(path, "foreign");
    ck_assert_int_eq(topics_at(RIG_DIR, HISTORY_LATEST), ERR_FOREIGN);
    meta_image_unref(m);
    meta_image_unref(at);
    rig_release(&rig);
}
END_TEST

START_TEST(single_files)
{
    make_directory();
    char path[IO_PATH_MAX];
    size_t n;
    snapshot(disk(), 1, path);
    struct verdict c = check(disk(), path);
    ck_assert(!c.faults.failed);
    ck_assert_uint_eq(c.files, 1);
    uint8_t *p = io_mem_bytes(rig.disk, path, &n);
    p[n - 2] ^= 1;
    c = check(disk(), path);
    ck_assert(c.faults.failed);
    ck_assert_uint_eq(c.faults.v[0].position, n - 4);
    faults_release(&c.faults);
    c = check(disk(), RIG_DIR "/wal/0/checkpoint.1");
    ck_assert(!c.faults.failed);
    rig_release(&rig);
}
END_TEST

UNIT_MAIN(the_latest_is_what_the_shard_has, each_index_is_its_own_state,
          a_damaged_snapshot_is_made_up_for, parts_of_a_directory,
          a_later_entry_discards_what_it_overwrites, a_whole_directory_is_good,
          every_damaged_byte_of_small_files_is_found, damage_in_the_log, truncated_files,
          a_forged_snapshot_is_found, missing_files, another_clusters_files, single_files)

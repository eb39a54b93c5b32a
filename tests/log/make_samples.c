/* make_samples.c - make the partition directories under samples/log, the same bytes every time.
 *
 *     make_samples OUTPUT-DIRECTORY GOLDEN-BATCHES
 *
 * OUTPUT/events-0 is a partition as a broker leaves it: three segments, five codecs, two leader
 * epochs. OUTPUT/corrupt/events-0 is the same with a wrong byte in its second segment, and one in
 * an index, which does no harm. Batches are taken from files, because compressors differ from one
 * release to the next. A test compares the result with what is committed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "batch/records.h"
#include "plog/plog.h"

static const struct uuid events = {{0xe7, 0xe2, 3, 3, 3, 3, 0x43, 3, 0x83, 3, 3, 3, 3, 3, 3, 3}};
/* NULL: one made here, of a later time than those before it. */
static const char *const batches[] = {NULL,   "gzip", "snappy-raw",    "lz4", NULL, "zstd",
                                      "none", NULL,   "transactional", NULL,  NULL, NULL};
enum { BATCHES = sizeof batches / sizeof *batches, SEGMENT = 8 << 10, INTERVAL = 512 };

static void must(int rc, const struct err *e)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "make_samples: %s\n", e->text);
    exit(1);
}

static void must_io(int rc, const char *what)
{
    struct err e;
    if (rc < 0)
        must(err_code(&e, rc, "%s", what), &e);
}

static struct span read_batch(const char *dir, const char *name)
{
    char path[IO_PATH_MAX];
    uint8_t *bytes;
    size_t n;
    must_io(io_path(path, sizeof path, dir, "%s.batch", name), dir);
    must_io(io_read_file(io_posix(), path, 1 << 20, &bytes, &n), path);
    return span_of(bytes, n);
}

static struct span build_batch(int number)
{
    enum { RECORDS = 10 };
    struct batch_builder b;
    struct wr w;
    wr_init(&w, 0);
    batch_builder_init(&b, BATCH_NONE);
    for (int i = 0; i < RECORDS; i++) {
        char key[16], value[80];
        snprintf(key, sizeof key, "key-%d", i);
        snprintf(value, sizeof value, "value %d of batch %d, at rest in its segment", i, number);
        batch_builder_add(&b, INT64_C(1700000001000) + 1000 * number + i, span_str(key),
                          span_str(value), NULL, 0);
    }
    must_io(batch_builder_finish(&b, &w), "batch");
    batch_builder_release(&b);
    return span_of(w.buf, w.len);
}

static void append(struct plog *log, const char *dir, int i)
{
    struct err e;
    struct span batch = batches[i] ? read_batch(dir, batches[i]) : build_batch(i);
    batch_place((uint8_t *)batch.p, plog_log_end(log), i < BATCHES / 2 ? 1 : 4);
    must(plog_append(log, &batch, 1, &e), &e);
    free((void *)batch.p);
}

static void make(const char *out, const char *golden)
{
    struct plog_config cfg = {
        .io = io_posix(),
        .dir = out,
        .settings = {.segment_bytes = SEGMENT, .index_interval_bytes = INTERVAL}};
    struct plog_syncing *s;
    struct plog *log;
    struct err e;
    must_io(io_mkdir(io_posix(), out), out);
    must(plog_open(&log, &cfg, "events", 0, &events, NULL, NULL, 0, &e), &e);
    for (int i = 0; i < BATCHES; i++)
        append(log, golden, i);
    must(plog_sync_begin(log, &s, &e), &e);
    must(plog_syncing_run(s, false, &e), &e);
    plog_syncing_free(s);
    plog_free(log);
}

static void flip(const char *dir, const char *name, uint64_t at)
{
    char path[IO_PATH_MAX];
    struct io_file *f;
    uint8_t byte;
    must_io(io_path(path, sizeof path, dir, "events-0/%s", name), dir);
    must_io(io_open(io_posix(), path, IO_WRITE, &f), path);
    must_io((int)io_pread(f, &byte, 1, at), path);
    byte ^= 0x10;
    must_io(io_pwrite(f, &byte, 1, at), path);
    io_close(f);
}

int main(int argc, char **argv)
{
    char corrupt[IO_PATH_MAX];
    if (argc != 3) {
        fprintf(stderr, "usage: make_samples OUTPUT-DIRECTORY GOLDEN-BATCHES\n");
        return 2;
    }
    make(argv[1], argv[2]);
    must_io(io_path(corrupt, sizeof corrupt, argv[1], "corrupt"), argv[1]);
    make(corrupt, argv[2]);
    flip(corrupt, "00000000000000000100.log", 3000);
    flip(corrupt, "00000000000000000000.index", 5);
    return 0;
}

/* meta_list.c - the files there are. It says what headers and names say; checking them is verify's
 * job. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/meta_history.h"
#include "cli/meta_tool.h"
#include "shard/checkpoint.h"

static const struct out_column columns[] = {
    {"file", OUT_STR},
    {"kind", OUT_STR},
    {"index", OUT_INT},
    {"term", OUT_INT},
    {"size", OUT_INT},
    {"written", OUT_STR},
    {"wall_ms", OUT_INT, .data_only = true},
};

/* One file. index and term are of the last entry in it; has is false if it holds none, or if that
 * cannot be told. */
struct row {
    const char *path, *kind;
    bool has;
    uint64_t index, term, size;
    int64_t wall_ms;
};

static void put_row(struct out *out, const struct row *r)
{
    char time[CLOCK_TEXT];
    out_str(out, r->path);
    out_str(out, r->kind);
    if (r->has) {
        out_int(out, (int64_t)r->index);
        out_int(out, (int64_t)r->term);
    } else {
        out_null(out);
        out_null(out);
    }
    out_int(out, (int64_t)r->size);
    out_str(out, meta_time(r->wall_ms, time));
    out_int(out, r->wall_ms);
    out_row(out);
}

/* The size; false (and a warning, unless a running broker took it away) if the file cannot be
 * looked at. */
static bool file_size(struct io *io, const char *path, uint64_t *size)
{
    struct io_stat st;
    int rc = io_stat(io, path, &st);
    if (rc < 0 && rc != -ENOENT)
        cli_warn("%s: %s", path, err_str(rc));
    if (rc == 0)
        *size = st.size;
    return rc == 0;
}

static void list_snapshot(struct io *io, const char *path, struct out *out)
{
    struct row r = {.path = path, .kind = "snapshot"};
    struct meta_snapshot_header h;
    struct err e;
    uint8_t *buf = NULL;
    size_t n;
    if (!file_size(io, path, &r.size) || io_read_file(io, path, META_SNAPSHOT_MAX, &buf, &n) < 0)
        return;
    if (meta_snapshot_header_decode(span_of(buf, n), &h, &e) == 0) {
        r.has = true;
        r.index = h.index;
        r.term = h.term;
        r.wall_ms = h.wall_ms;
    } else {
        cli_warn("%s: %s", path, e.text);
    }
    free(buf);
    put_row(out, &r);
}

static void list_checkpoint(struct io *io, const char *path, struct out *out)
{
    struct row r = {.path = path, .kind = "checkpoint"};
    struct checkpoint c;
    struct err e;
    uint8_t *buf = NULL;
    size_t n;
    if (!file_size(io, path, &r.size) || io_read_file(io, path, META_SNAPSHOT_MAX, &buf, &n) < 0)
        return;
    if (checkpoint_decode(span_of(buf, n), &c, &e) == 0) {
        r.has = true;
        r.index = c.index;
        r.term = c.term;
        r.wall_ms = c.wall_ms;
        checkpoint_release(&c);
    } else {
        cli_warn("%s: %s", path, e.text);
    }
    free(buf);
    put_row(out, &r);
}

static void list_segments(const struct history *h, struct out *out)
{
    size_t n = 0;
    const struct wal_segment_header *s = h->log ? wal_reader_segments(h->log, &n) : NULL;
    for (size_t i = 0; i < n; i++) {
        char path[IO_PATH_MAX];
        struct row r = {.path = path, .kind = "log", .size = s[i].size, .wall_ms = s[i].created_ms};
        if (h->place->kind == PLACE_SEGMENT)
            r.path = h->place->log;
        else if (wal_segment_path(path, sizeof path, h->place->log, s[i].id) < 0)
            continue;
        for (size_t j = h->n_entries; j-- > 0 && !r.has;) {
            if (h->entries[j].pos.segment != s[i].id)
                continue;
            r.has = true;
            r.index = h->first + j;
            r.term = h->entries[j].term;
        }
        put_row(out, &r);
    }
}

static void list_snapshots(const struct history *h, struct out *out)
{
    for (size_t i = 0; i < h->n_snapshots; i++) {
        char path[IO_PATH_MAX], name[META_SNAPSHOT_NAME];
        meta_snapshot_format_name(name, h->snapshots[i]);
        if (io_path(path, sizeof path, h->place->snapshots, "%s", name) == 0)
            list_snapshot(h->place->io, path, out);
    }
}

static void list_checkpoints(const struct place *p, struct out *out)
{
    for (int i = 0; i < 2 && (p->kind == PLACE_NODE || p->kind == PLACE_LOG); i++) {
        char path[IO_PATH_MAX];
        if (io_path(path, sizeof path, p->log, "checkpoint.%d", i) == 0)
            list_checkpoint(p->io, path, out);
    }
}

int meta_list(void *values, const struct opt_args *args)
{
    const struct meta_options *o = values;
    struct place p;
    struct history h;
    struct history_fault fault;
    struct err e;
    if (place_find(&p, io_posix(), args->operands[0], &e) < 0)
        return (int)cli_fail(&e);
    struct out *out = meta_out(o, OUT_COLUMNS(columns));
    if (p.kind == PLACE_SNAPSHOT) {
        list_snapshot(p.io, p.path, out);
    } else if (p.kind == PLACE_CHECKPOINT) {
        list_checkpoint(p.io, p.path, out);
    } else {
        /* A log that is damaged is still a list of files, as far as it could be read. */
        int rc = history_open(&h, &p, &fault, &e);
        if (rc < 0 && rc != ERR_NOTFOUND)
            cli_warn("%s", e.text);
        list_snapshots(&h, out);
        list_checkpoints(&p, out);
        list_segments(&h, out);
        history_close(&h);
    }
    return out_free(out) < 0 ? CLI_FAILED : CLI_OK;
}

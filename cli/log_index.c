/* log_index.c - chronik-log dump --index: a row for each entry of the files beside the segments. */
#include <stdio.h>
#include <string.h>

#include "cli/log_derived.h"
#include "cli/log_dump.h"
#include "cli/log_filter.h"
#include "plog/progress.h"

static const struct out_column columns[] = {
    {"topic", OUT_STR, .width = 12},    {"topic_id", OUT_STR, .data_only = true},
    {"partition", OUT_INT, .width = 9}, {"type", OUT_STR, .width = 10},
    {"position", OUT_INT, .width = 8},  {"offset", OUT_INT, .width = 10},
    {"target", OUT_INT, .width = 10},   {"timestamp", OUT_INT, .width = 13},
    {"epoch", OUT_INT, .width = 5},     {"file", OUT_STR, .data_only = true},
    {"detail", OUT_VALUE, .width = 1},
};

/* -1: null. */
struct row {
    const char *type, *file;
    int64_t position, offset, target, timestamp, epoch;
    struct json *detail;
};
#define ROW(name, path)                                                                          \
    (struct row)                                                                                 \
    {                                                                                            \
        .type = (name), .file = (path), .offset = -1, .target = -1, .timestamp = -1, .epoch = -1 \
    }

static void put_number(struct out *out, int64_t v)
{
    if (v >= 0)
        out_int(out, v);
    else
        out_null(out);
}

static void put(struct log_dump *d, const struct row *r)
{
    if (log_dump_enough(d) || (r->offset >= 0 && !log_filter_offsets(d->o, r->offset, r->offset)) ||
        (r->timestamp >= 0 && !log_filter_time(d->o, r->timestamp, r->timestamp))) {
        json_free(r->detail);
        return;
    }
    log_dump_partition(d);
    out_str(d->out, r->type);
    out_int(d->out, r->position);
    put_number(d->out, r->offset);
    put_number(d->out, r->target);
    put_number(d->out, r->timestamp);
    put_number(d->out, r->epoch);
    out_str(d->out, r->file);
    if (r->detail)
        out_value(d->out, r->detail);
    else
        out_null(d->out);
    out_row(d->out);
    d->rows++;
}

/* ---- of a segment */

static void put_offsets(struct log_dump *d, const struct log_derived *is, const char *file)
{
    for (size_t i = 0; i < is->n_offsets; i++) {
        struct row r = ROW("index", file);
        r.position = (int64_t)(i * PLOG_OFFSET_ENTRY);
        r.offset = d->segment->base + is->offsets[i].last;
        r.target = is->offsets[i].pos;
        put(d, &r);
    }
}

static void put_times(struct log_dump *d, const struct log_derived *is, const char *file)
{
    for (size_t i = 0; i < is->n_times; i++) {
        struct row r = ROW("timeindex", file);
        r.position = (int64_t)(i * PLOG_TIME_ENTRY);
        r.offset = d->segment->base + is->times[i].last;
        r.timestamp = is->times[i].timestamp;
        put(d, &r);
    }
}

static void put_check(struct log_dump *d, const struct log_derived *is, const char *file)
{
    struct row r = ROW("check", file);
    struct json *j = json_new_object();
    char id[UUID_TEXT];
    uuid_text(&is->check.id.topic_id, id);
    json_set_str(j, "topic_id", id);
    json_set_int(j, "partition", is->check.id.partition);
    json_set_int(j, "base_offset", is->check.id.base);
    json_set_int(j, "bytes", (int64_t)is->check.bytes);
    json_set_int(j, "end_offset", is->check.end);
    json_set_int(j, "max_timestamp", is->check.max_timestamp);
    json_set_int(j, "max_timestamp_offset", is->check.max_timestamp_offset);
    json_set_int(j, "index_entries", is->check.n_offsets);
    json_set_int(j, "index_crc", is->check.offsets_crc);
    json_set_int(j, "time_entries", is->check.n_times);
    json_set_int(j, "time_crc", is->check.times_crc);
    json_set_int(j, "sums_crc", is->check.sums_crc);
    json_set_int(j, "last_sum", is->check.last_sum);
    r.detail = j;
    put(d, &r);
}

enum cli_exit log_dump_index(struct log_dump *d, struct io *io)
{
    struct log_derived is;
    struct err e;
    char file[IO_PATH_MAX];
    int rc = log_derived_read(&is, io, d->segment, &e);
    if (rc == 0 && plog_sibling(file, sizeof file, d->segment->path, ".index") == 0)
        put_offsets(d, &is, file);
    if (rc == 0 && plog_sibling(file, sizeof file, d->segment->path, ".timeindex") == 0)
        put_times(d, &is, file);
    if (rc == 0 && is.has_check &&
        plog_sibling(file, sizeof file, d->segment->path, ".check") == 0) {
        if (is.check_rc == 0)
            put_check(d, &is, file);
        else
            rc = err_set(&e, ERR_CORRUPT, "%s: %s", file, is.check_reason);
    }
    log_derived_release(&is);
    return rc < 0 ? cli_fail(&e) : CLI_OK;
}

/* ---- of a partition */

static void put_metadata(struct log_dump *d)
{
    char file[IO_PATH_MAX], id[UUID_TEXT];
    if (uuid_is_zero(&d->part->topic_id) ||
        io_path(file, sizeof file, d->part->dir, "partition.metadata") < 0)
        return;
    struct row r = ROW("metadata", file);
    uuid_text(&d->part->topic_id, id);
    r.detail = json_new_object();
    json_set_str(r.detail, "topic_id", id);
    put(d, &r);
}

static int put_progress(struct log_dump *d, struct io *io, struct err *e)
{
    struct plog_progress progress;
    char file[IO_PATH_MAX];
    int rc = plog_progress_load(io, d->part->dir, &progress, e);
    if (rc < 0 || io_path(file, sizeof file, d->part->dir, "%s", plog_progress_name) < 0)
        return rc == ERR_NOTFOUND ? 0 : rc;
    struct row r = ROW("compaction", file);
    r.detail = json_new_object();
    json_set_int(r.detail, "first_dirty", progress.first_dirty);
    json_set_int(r.detail, "gaps_below", progress.gaps_below);
    put(d, &r);
    return 0;
}

static int put_epochs(struct log_dump *d, struct io *io, struct err *e)
{
    struct log_epochs epochs;
    char file[IO_PATH_MAX];
    size_t at;
    int rc = io_path(file, sizeof file, d->part->dir, "leader-epoch-checkpoint");
    if (rc < 0)
        return err_code(e, rc, "%s", d->part->dir);
    rc = log_epochs_read(&epochs, io, file, &at, e);
    for (size_t i = 0; rc == 0 && i < epochs.n; i++) {
        struct row r = ROW("epoch", file);
        r.offset = epochs.v[i].start;
        r.epoch = epochs.v[i].epoch;
        r.position = (int64_t)epochs.at[i];
        put(d, &r);
    }
    log_epochs_release(&epochs);
    return rc == ERR_NOTFOUND ? 0 : rc;
}

enum cli_exit log_dump_partition_files(struct log_dump *d, struct io *io)
{
    struct err e;
    put_metadata(d);
    int epochs = put_epochs(d, io, &e);
    enum cli_exit status = epochs < 0 ? cli_fail(&e) : CLI_OK;
    int progress = put_progress(d, io, &e);
    return progress < 0 ? cli_fail(&e) : status;
}

struct out *log_dump_index_out(const struct log_options *o)
{
    return log_out(o, OUT_COLUMNS(columns));
}

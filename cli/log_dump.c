/* log_dump.c - chronik-log dump: a row a batch, or with --records a row a record. log_index.c has
 * --index. */
#include "cli/log_dump.h"

#include <errno.h>

#include "cli/log_filter.h"
#include "cli/record_row.h"

static const struct out_column batch_columns[] = {
    {"topic", OUT_STR, .width = 12},
    {"topic_id", OUT_STR, .data_only = true},
    {"partition", OUT_INT, .width = 9},
    {"base_offset", OUT_INT, .width = 11},
    {"last_offset", OUT_INT, .width = 11},
    {"records", OUT_INT, .width = 7},
    {"leader_epoch", OUT_INT, .width = 5},
    {"producer_id", OUT_INT, .width = 11},
    {"producer_epoch", OUT_INT, .data_only = true},
    {"base_sequence", OUT_INT, .width = 13},
    {"codec", OUT_STR, .width = 6},
    {"base_timestamp", OUT_INT, .data_only = true},
    {"max_timestamp", OUT_INT, .width = 13},
    {"timestamp_type", OUT_STR, .data_only = true},
    {"transactional", OUT_BOOL, .data_only = true},
    {"control", OUT_BOOL, .data_only = true},
    {"delete_horizon", OUT_BOOL, .data_only = true},
    {"size", OUT_INT, .width = 7},
    {"position", OUT_INT, .width = 10},
    {"file", OUT_STR, .data_only = true},
    {"crc", OUT_INT, .data_only = true},
};

static const struct out_column record_columns[] = {
    {"topic", OUT_STR, .width = 12},
    {"topic_id", OUT_STR, .data_only = true},
    {"partition", OUT_INT, .width = 9},
    {"offset", OUT_INT, .width = 10},
    {"timestamp", OUT_INT, .width = 13},
    {"timestamp_type", OUT_STR, .data_only = true},
    RECORD_ROW_SIZE_COLUMNS,
    {"crc", OUT_INT, .data_only = true},
    {"position", OUT_INT, .data_only = true},
    {"file", OUT_STR, .data_only = true},
    RECORD_ROW_PAYLOAD_COLUMNS,
};
enum { RECORD_COLUMNS = sizeof record_columns / sizeof *record_columns - RECORD_ROW_PAYLOAD };

/* ---- rows */

void log_dump_partition(struct log_dump *d)
{
    char id[UUID_TEXT];
    const struct log_partition *part = d->part;
    out_str(d->out, part->topic[0] ? part->topic : NULL);
    uuid_text(&part->topic_id, id);
    out_str(d->out, uuid_is_zero(&part->topic_id) ? NULL : id);
    if (part->topic[0])
        out_int(d->out, part->partition);
    else
        out_null(d->out);
}

bool log_dump_enough(const struct log_dump *d)
{
    return d->o->limit >= 0 && d->rows >= d->o->limit;
}

static const char *time_type(const struct batch *b)
{
    return b->attributes & BATCH_ATTR_APPEND_TIME ? "append" : "create";
}

static int batch_row(struct log_dump *d, uint64_t pos, const struct batch *b)
{
    struct out *out = d->out;
    log_dump_partition(d);
    out_int(out, b->base_offset);
    out_int(out, batch_last_offset(b));
    out_int(out, b->count);
    out_int(out, b->leader_epoch);
    out_int(out, b->producer_id);
    out_int(out, b->producer_epoch);
    out_int(out, b->base_sequence);
    out_str(out, batch_codec_name(batch_codec(b)));
    out_int(out, b->base_timestamp);
    out_int(out, b->max_timestamp);
    out_str(out, time_type(b));
    out_bool(out, b->attributes & BATCH_ATTR_TXN);
    out_bool(out, b->attributes & BATCH_ATTR_CONTROL);
    out_bool(out, b->attributes & BATCH_ATTR_DELETE_HORIZON);
    out_int(out, (int64_t)batch_size(b));
    out_int(out, (int64_t)pos);
    out_str(out, d->segment->path);
    out_int(out, b->crc);
    d->rows++;
    return out_row(out);
}

static int record_row(struct log_dump *d, uint64_t pos, const struct batch *b,
                      const struct record *r)
{
    struct out *out = d->out;
    log_dump_partition(d);
    out_int(out, r->offset);
    out_int(out, b->attributes & BATCH_ATTR_APPEND_TIME ? b->max_timestamp : r->timestamp);
    out_str(out, time_type(b));
    record_row_sizes(out, r);
    out_int(out, b->crc);
    out_int(out, (int64_t)pos);
    out_str(out, d->segment->path);
    if (d->o->payload)
        record_row_payload(out, (enum out_format)d->o->common.format, r);
    d->rows++;
    return out_row(out);
}

static int record_rows(struct log_dump *d, uint64_t pos, struct span bytes, const struct batch *b)
{
    struct records it;
    struct record r;
    int rc = records_init(&it, bytes, RECORD_ROW_EXPANDED_MAX), row = 0;
    while (rc >= 0 && row >= 0 && !log_dump_enough(d) && (rc = records_next(&it, &r)) == 1) {
        if (log_filter_offsets(d->o, r.offset, r.offset) &&
            log_filter_time(d->o, r.timestamp, r.timestamp))
            row = record_row(d, pos, b, &r);
    }
    records_release(&it);
    if (rc < 0) {
        cli_error("%s: byte %llu: the records of the batch cannot be read: %s", d->segment->path,
                  (unsigned long long)pos, err_str(rc));
        *(rc == -ENOMEM ? &d->starved : &d->unreadable) = true;
    }
    return row < 0 ? row : 0;
}

/* ---- the walk */

static int dump_batch(void *ctx, uint64_t pos, struct span bytes, const struct batch *b)
{
    struct log_dump *d = ctx;
    int rc = 0;
    if (log_filter_offsets(d->o, b->base_offset, batch_last_offset(b)) &&
        (d->o->records || log_filter_time(d->o, b->base_timestamp, b->max_timestamp)))
        rc = d->o->records ? record_rows(d, pos, bytes, b) : batch_row(d, pos, b);
    if (d->o->to_offset >= 0 && b->base_offset > d->o->to_offset)
        return LOG_WALK_STOP;
    return rc < 0 || log_dump_enough(d) ? LOG_WALK_STOP : 0;
}

/* Nothing of the segment is wanted, as the names of the files tell. */
static bool passed_over(const struct log_dump *d, size_t i)
{
    const struct log_segment *s = &d->part->segments[i];
    int64_t last = i + 1 < d->part->n ? s[1].base - 1 : INT64_MAX;
    return s->base >= 0 && !log_filter_offsets(d->o, s->base, last);
}

static enum cli_exit dump_partition(void *ctx, const struct log_place *p,
                                    const struct log_partition *part)
{
    struct log_dump *d = ctx;
    enum cli_exit status = CLI_OK;
    d->part = part;
    if (!log_filter_partition(d->o, part))
        return CLI_OK;
    if (d->o->index && !part->is_file)
        status = log_dump_partition_files(d, p->io);
    for (size_t i = 0; i < part->n && !log_dump_enough(d); i++) {
        d->segment = &part->segments[i];
        if (passed_over(d, i))
            continue;
        enum cli_exit one =
            d->o->index ? log_dump_index(d, p->io) : log_walk(p->io, d->segment, dump_batch, d);
        status = one == CLI_OK ? status : one;
    }
    if (d->unreadable)
        return CLI_CHECK;
    return d->starved && status == CLI_OK ? CLI_FAILED : status;
}

static struct out *dump_out(const struct log_options *o)
{
    if (o->index)
        return log_dump_index_out(o);
    if (o->records)
        return log_out(o, record_columns, RECORD_COLUMNS + (o->payload ? RECORD_ROW_PAYLOAD : 0));
    return log_out(o, OUT_COLUMNS(batch_columns));
}

int log_dump(void *values, const struct opt_args *args)
{
    struct log_options *o = values;
    struct log_dump d = {.o = o};
    o->records |= o->payload;
    if (o->index && o->records)
        return cli_misuse("--index: goes with neither --records nor --payload");
    if (!log_filter_times(o))
        return CLI_USAGE;
    d.out = dump_out(o);
    int status = log_each_partition(args, dump_partition, &d);
    out_free(d.out);
    return status;
}

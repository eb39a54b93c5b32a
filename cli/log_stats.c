/* log_stats.c - chronik-log stats: how a partition was written, partition by partition. */
#include <errno.h>
#include <stdlib.h>

#include "base/hdr.h"
#include "cli/figures.h"
#include "cli/log_derived.h"
#include "cli/log_filter.h"

struct stats {
    uint64_t segments, batches, records, bytes, index_bytes;
    int64_t first_offset, last_offset;    /* -1: none */
    int64_t min_timestamp, max_timestamp; /* -1: none */
    uint64_t missing;                     /* offsets without a record */
    uint64_t idempotent, transactional, control;
    struct {
        uint64_t batches, bytes;
    } codecs[BATCH_CODECS];
    struct hdr batch_bytes, batch_records;
};

static int count(void *ctx, uint64_t pos, struct span bytes, const struct batch *b)
{
    struct stats *s = ctx;
    (void)pos;
    if (s->first_offset < 0)
        s->first_offset = b->base_offset;
    else if (b->base_offset > s->last_offset)
        s->missing += (uint64_t)(b->base_offset - s->last_offset - 1);
    s->last_offset = batch_last_offset(b);
    s->missing += (uint64_t)(b->last_offset_delta + 1 - b->count);
    if (s->min_timestamp < 0 || b->base_timestamp < s->min_timestamp)
        s->min_timestamp = b->base_timestamp;
    if (b->max_timestamp > s->max_timestamp)
        s->max_timestamp = b->max_timestamp;
    s->batches++;
    s->records += (uint64_t)b->count;
    s->bytes += bytes.n;
    s->idempotent += b->producer_id >= 0;
    s->transactional += (b->attributes & BATCH_ATTR_TXN) != 0;
    s->control += (b->attributes & BATCH_ATTR_CONTROL) != 0;
    s->codecs[batch_codec(b)].batches++;
    s->codecs[batch_codec(b)].bytes += bytes.n;
    hdr_record(&s->batch_bytes, bytes.n);
    hdr_record(&s->batch_records, (uint64_t)b->count);
    return 0;
}

static struct json *codecs_json(const struct stats *s)
{
    struct json *all = json_new_object();
    for (int i = 0; i < BATCH_CODECS; i++) {
        if (!s->codecs[i].batches)
            continue;
        struct json *j = json_new_object();
        json_set_int(j, "batches", (int64_t)s->codecs[i].batches);
        json_set_int(j, "bytes", (int64_t)s->codecs[i].bytes);
        json_set(all, batch_codec_name((enum batch_codec)i), j);
    }
    return all;
}

static struct json *stats_json(const struct stats *s, const struct log_partition *part)
{
    struct json *j = json_new_object();
    json_set_str(j, "path", part->dir);
    json_set_str(j, "topic", part->topic[0] ? part->topic : NULL);
    json_set_int(j, "partition", part->partition);
    json_set_int(j, "segments", (int64_t)s->segments);
    json_set_int(j, "batches", (int64_t)s->batches);
    json_set_int(j, "records", (int64_t)s->records);
    json_set_int(j, "bytes", (int64_t)s->bytes);
    json_set_int(j, "index_bytes", (int64_t)s->index_bytes);
    json_set_int(j, "first_offset", s->first_offset);
    json_set_int(j, "last_offset", s->last_offset);
    json_set_int(j, "missing_offsets", (int64_t)s->missing);
    json_set_int(j, "min_timestamp", s->min_timestamp);
    json_set_int(j, "max_timestamp", s->max_timestamp);
    json_set_int(j, "idempotent_batches", (int64_t)s->idempotent);
    json_set_int(j, "transactional_batches", (int64_t)s->transactional);
    json_set_int(j, "control_batches", (int64_t)s->control);
    json_set(j, "codecs", codecs_json(s));
    json_set(j, "bytes_per_batch", figures_spread(&s->batch_bytes));
    json_set(j, "records_per_batch", figures_spread(&s->batch_records));
    return j;
}

struct reckoning {
    const struct log_options *o;
    struct out *out;
};

static enum cli_exit count_segment(struct stats *s, struct io *io, const struct log_segment *seg)
{
    struct log_derived d;
    struct err e;
    if (log_derived_read(&d, io, seg, &e) < 0)
        cli_warn("%s", e.text);
    s->segments++;
    s->index_bytes += d.offsets_size + d.times_size;
    log_derived_release(&d);
    return log_walk(io, seg, count, s);
}

static enum cli_exit stats_of(void *ctx, const struct log_place *p,
                              const struct log_partition *part)
{
    struct reckoning *r = ctx;
    enum cli_exit status = CLI_OK;
    if (!log_filter_partition(r->o, part))
        return CLI_OK;
    struct stats *s = calloc(1, sizeof *s);
    if (!s) {
        cli_error("%s: out of memory", part->dir);
        return CLI_FAILED;
    }
    s->first_offset = s->last_offset = s->min_timestamp = s->max_timestamp = -1;
    hdr_init(&s->batch_bytes);
    hdr_init(&s->batch_records);
    for (size_t i = 0; i < part->n; i++) {
        enum cli_exit one = count_segment(s, p->io, &part->segments[i]);
        status = one == CLI_OK ? status : one;
    }
    figures_put(r->out, (enum out_format)r->o->common.format, stats_json(s, part), part->dir);
    free(s);
    return status;
}

int log_stats(void *values, const struct opt_args *args)
{
    struct reckoning r = {.o = values};
    r.out = figures_out(&r.o->common);
    int status = log_each_partition(args, stats_of, &r);
    out_free(r.out);
    return status;
}

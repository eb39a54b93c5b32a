/* wal_stats.c - chronik-wal stats: how a log was written, log by log. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hdr.h"
#include "batch/batch.h"
#include "cli/figures.h"
#include "cli/wal_tool.h"

enum { FRAME_TYPES = 256 };

struct stats {
    struct wal_outcome outcome;
    uint64_t segments, segment; /* how many; the one being read */
    uint32_t shard;
    uint64_t entries, local, first_index, last_index, first_term, last_term;
    int64_t first_ms, last_ms; /* of entries */
    uint64_t payload_bytes, records, record_bytes;
    struct {
        uint64_t count, bytes;
    } frames[FRAME_TYPES];
    struct hdr group_blocks, entry_batches, entry_records, sync_us;
};

/* ---- counting */

static void count_frames(struct stats *s, const struct wal_group *g)
{
    size_t at = WAL_PAYLOAD_HEADER;
    uint64_t batches = 0, records = 0;
    struct wal_frame f;
    while (wal_frame_next(g->payload, &at, &f) == 1) {
        struct wal_batch w;
        struct batch b;
        s->frames[f.type].count++;
        s->frames[f.type].bytes += f.body.n;
        if (f.type != WAL_BATCH || wal_batch_decode(f.body, &w) != 0 ||
            batch_peek(w.batch, &b) != 0)
            continue;
        batches++;
        records += (uint64_t)(b.count > 0 ? b.count : 0);
        s->record_bytes += w.batch.n;
    }
    s->records += records;
    if (batches) {
        hdr_record(&s->entry_batches, batches);
        hdr_record(&s->entry_records, records);
    }
}

static void count_entry(struct stats *s, const struct wal_group *g)
{
    if (!s->entries++) {
        s->first_index = g->index;
        s->first_term = g->term;
        s->first_ms = g->wall_ms;
    }
    s->last_index = g->index;
    s->last_term = g->term;
    s->last_ms = g->wall_ms;
}

static int count_group(void *ctx, struct wal_visit *v)
{
    struct stats *s = ctx;
    const struct wal_group *g = v->group;
    s->shard = v->segment->owner.shard;
    if (s->segment != v->segment->id) {
        s->segment = v->segment->id;
        s->segments++;
    }
    if (g->index)
        count_entry(s, g);
    else
        s->local++;
    s->payload_bytes += g->payload_len;
    hdr_record(&s->group_blocks, wal_group_bytes(g->payload_len) / WAL_BLOCK);
    if (g->prev_sync_us)
        hdr_record(&s->sync_us, g->prev_sync_us);
    count_frames(s, g);
    return 0;
}

/* ---- as an object */

static struct json *frames_json(const struct stats *s)
{
    struct json *all = json_new_object();
    for (int t = 0; t < FRAME_TYPES; t++) {
        char number[16];
        const char *name = wal_frame_name(t);
        if (!s->frames[t].count)
            continue;
        snprintf(number, sizeof number, "%d", t);
        struct json *j = json_new_object();
        json_set_int(j, "count", (int64_t)s->frames[t].count);
        json_set_int(j, "bytes", (int64_t)s->frames[t].bytes);
        json_set(all, name[0] == '?' ? number : name, j);
    }
    return all;
}

static struct json *stats_json(const struct stats *s, const char *path)
{
    struct json *j = json_new_object();
    json_set_str(j, "path", path);
    json_set_int(j, "shard", s->shard);
    json_set_int(j, "segments", (int64_t)s->segments);
    json_set_int(j, "groups", (int64_t)s->outcome.groups);
    json_set_int(j, "entries", (int64_t)s->entries);
    json_set_int(j, "local_groups", (int64_t)s->local);
    json_set_int(j, "first_index", (int64_t)s->first_index);
    json_set_int(j, "last_index", (int64_t)s->last_index);
    json_set_int(j, "first_term", (int64_t)s->first_term);
    json_set_int(j, "last_term", (int64_t)s->last_term);
    json_set_int(j, "first_ms", s->first_ms);
    json_set_int(j, "last_ms", s->last_ms);
    json_set_int(j, "bytes", (int64_t)s->outcome.bytes);
    json_set_int(j, "payload_bytes", (int64_t)s->payload_bytes);
    json_set_int(j, "records", (int64_t)s->records);
    json_set_int(j, "record_bytes", (int64_t)s->record_bytes);
    json_set(j, "frames", frames_json(s));
    json_set(j, "blocks_per_group", figures_spread(&s->group_blocks));
    json_set(j, "batches_per_entry", figures_spread(&s->entry_batches));
    json_set(j, "records_per_entry", figures_spread(&s->entry_records));
    json_set(j, "sync_us", figures_spread(&s->sync_us));
    return j;
}

static enum cli_exit stats_of(struct out *out, enum out_format format, const struct wal_log *log)
{
    struct stats *s = calloc(1, sizeof *s);
    if (!s) {
        cli_error("%s: out of memory", log->path);
        return CLI_FAILED;
    }
    hdr_init(&s->group_blocks);
    hdr_init(&s->entry_batches);
    hdr_init(&s->entry_records);
    hdr_init(&s->sync_us);
    wal_walk(log, count_group, s, &s->outcome);
    figures_put(out, format, stats_json(s, log->path), log->path);
    enum cli_exit status = wal_outcome_report(&s->outcome);
    free(s);
    return status;
}

int wal_stats(void *values, const struct opt_args *args)
{
    const struct wal_options *o = values;
    enum out_format format = (enum out_format)o->common.format;
    struct wal_logs logs;
    struct err e;
    enum cli_exit status = CLI_OK;
    if (wal_logs_find(&logs, args, -1, &e) != 0) {
        wal_logs_release(&logs);
        return cli_fail(&e);
    }
    struct out *out = figures_out(&o->common);
    for (size_t i = 0; i < logs.n; i++)
        status = wal_worse(status, stats_of(out, format, &logs.v[i]));
    out_free(out);
    wal_logs_release(&logs);
    return status;
}

/* wal_dump.c - chronik-wal dump: a row a frame, or with --records a row a record. */
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "batch/records.h"
#include "cli/record_row.h"
#include "cli/wal_tool.h"

static const struct out_column frame_columns[] = {
    {"index", OUT_INT, .width = 7},
    {"term", OUT_INT, .width = 4},
    {"type", OUT_STR, .width = 7},
    {"topic", OUT_STR, .width = 12},
    {"topic_id", OUT_STR, .data_only = true},
    {"partition", OUT_INT, .width = 9},
    {"base_offset", OUT_INT, .width = 11},
    {"last_offset", OUT_INT, .width = 11},
    {"records", OUT_INT, .width = 7},
    {"producer_id", OUT_INT, .data_only = true},
    {"producer_epoch", OUT_INT, .data_only = true},
    {"base_sequence", OUT_INT, .data_only = true},
    {"codec", OUT_STR, .width = 6},
    {"size", OUT_INT, .width = 7},
    {"position", OUT_INT, .width = 9},
    {"file", OUT_STR, .data_only = true},
    {"crc", OUT_INT, .data_only = true},
    {"shard", OUT_INT, .data_only = true},
    {"segment", OUT_INT, .width = 7},
    {"group", OUT_INT, .data_only = true},
    {"meta_index", OUT_INT, .data_only = true},
    {"wall_ms", OUT_INT, .data_only = true},
    {"detail", OUT_VALUE, .width = 1},
};

static const struct out_column record_columns[] = {
    {"index", OUT_INT, .width = 7},
    {"term", OUT_INT, .width = 4},
    {"type", OUT_STR, .data_only = true},
    {"topic", OUT_STR, .width = 12},
    {"topic_id", OUT_STR, .data_only = true},
    {"partition", OUT_INT, .width = 9},
    {"offset", OUT_INT, .width = 10},
    {"timestamp", OUT_INT, .width = 13},
    RECORD_ROW_SIZE_COLUMNS,
    {"crc", OUT_INT, .data_only = true},
    {"position", OUT_INT, .data_only = true},
    {"file", OUT_STR, .data_only = true},
    {"shard", OUT_INT, .data_only = true},
    RECORD_ROW_PAYLOAD_COLUMNS,
};
enum {
    FRAME_COLUMNS = sizeof frame_columns / sizeof *frame_columns,
    RECORD_COLUMNS = sizeof record_columns / sizeof *record_columns - RECORD_ROW_PAYLOAD,
};

struct dump {
    const struct wal_options *o;
    int type; /* 0: all */
    struct uuid topic_id;
    bool by_id; /* --topic may be an id */
    struct wal_topics topics;
    struct out *out;
    int64_t rows;
    bool broken; /* standard output is: cli_main says so at the end */
};

/* What a frame is about: BATCH, TRIM and TOPIC name a topic. */
struct subject {
    bool named, placed, batched;
    struct uuid topic_id;
    struct span topic; /* its name, if known */
    uint32_t partition;
    struct batch batch;
    struct span bytes; /* the batch's */
};

static void get_batch(struct subject *s, const struct wal_frame *f)
{
    struct wal_batch b;
    if (wal_batch_decode(f->body, &b) != 0)
        return;
    s->named = s->placed = true;
    s->topic_id = b.topic_id;
    s->partition = b.partition;
    s->bytes = b.batch;
    s->batched = batch_peek(b.batch, &s->batch) == 0;
}

static void get_trim(struct subject *s, const struct wal_frame *f)
{
    struct wal_trim t;
    if (wal_trim_decode(f->body, &t) != 0)
        return;
    s->named = s->placed = true;
    s->topic_id = t.topic_id;
    s->partition = t.partition;
}

static void get_topic(struct subject *s, const struct wal_frame *f)
{
    struct wal_topic t;
    if (wal_topic_decode(f->body, &t) != 0)
        return;
    s->named = true;
    s->topic_id = t.topic_id;
    s->topic = t.name;
}

static struct subject subject_of(const struct dump *d, const struct wal_frame *f)
{
    struct subject s = {.named = false};
    if (f->type == WAL_BATCH)
        get_batch(&s, f);
    else if (f->type == WAL_TRIM)
        get_trim(&s, f);
    else if (f->type == WAL_TOPIC)
        get_topic(&s, f);
    if (s.named && !s.topic.p)
        s.topic = wal_topics_name(&d->topics, &s.topic_id);
    return s;
}

/* ---- filters */

static bool topic_wanted(const struct dump *d, const struct subject *s)
{
    if (!d->o->topic)
        return true;
    if (!s->named)
        return false;
    return span_eq(s->topic, span_str(d->o->topic)) ||
           (d->by_id && uuid_eq(&s->topic_id, &d->topic_id));
}

static bool offsets_wanted(const struct dump *d, int64_t first, int64_t last)
{
    return (d->o->from_offset < 0 || last >= d->o->from_offset) &&
           (d->o->to_offset < 0 || first <= d->o->to_offset);
}

static bool wanted(const struct dump *d, const struct wal_frame *f, const struct subject *s)
{
    if (d->type && f->type != d->type)
        return false;
    if (d->o->partition >= 0 && !(s->placed && s->partition == d->o->partition))
        return false;
    bool by_offset = d->o->from_offset >= 0 || d->o->to_offset >= 0;
    if (by_offset &&
        !(s->batched && offsets_wanted(d, s->batch.base_offset, batch_last_offset(&s->batch))))
        return false;
    return topic_wanted(d, s);
}

/* ---- rows */

static void put_topic(struct out *out, const struct subject *s)
{
    char text[UUID_TEXT];
    out_span(out, s->topic);
    if (s->named) {
        uuid_text(&s->topic_id, text);
        out_str(out, text);
    } else {
        out_null(out);
    }
    if (s->placed)
        out_int(out, s->partition);
    else
        out_null(out);
}

static void put_batch(struct out *out, const struct subject *s)
{
    const struct batch *b = &s->batch;
    if (!s->batched) {
        for (int i = 0; i < 7; i++)
            out_null(out);
        return;
    }
    out_int(out, b->base_offset);
    out_int(out, batch_last_offset(b));
    out_int(out, b->count);
    out_int(out, b->producer_id);
    out_int(out, b->producer_epoch);
    out_int(out, b->base_sequence);
    out_str(out, batch_codec_name(batch_codec(b)));
}

static void put_type(struct out *out, int type)
{
    char number[16];
    const char *name = wal_frame_name(type);
    snprintf(number, sizeof number, "%d", type);
    out_str(out, name[0] == '?' ? number : name);
}

static int row_done(struct dump *d)
{
    d->rows++;
    d->broken = out_row(d->out) < 0;
    return d->broken ? WALK_STOP : 0;
}

static int frame_row(struct dump *d, const struct wal_visit *v, const struct wal_frame *f,
                     const struct subject *s, size_t at)
{
    const struct wal_group *g = v->group;
    struct out *out = d->out;
    out_int(out, (int64_t)g->index);
    out_int(out, (int64_t)g->term);
    put_type(out, f->type);
    put_topic(out, s);
    put_batch(out, s);
    out_int(out, (int64_t)(f->type == WAL_BATCH ? s->bytes.n : f->body.n));
    out_int(out, (int64_t)wal_visit_position(v, at));
    out_str(out, v->file);
    if (s->batched)
        out_int(out, s->batch.crc);
    else
        out_null(out);
    out_int(out, v->segment->owner.shard);
    out_int(out, (int64_t)v->segment->id);
    out_int(out, (int64_t)g->pos.offset);
    out_int(out, (int64_t)g->meta_index);
    out_int(out, g->wall_ms);
    struct json *detail = wal_frame_json(f);
    if (detail)
        out_value(out, detail);
    else
        out_null(out);
    return row_done(d);
}

/* ---- records */

static int record_row(struct dump *d, const struct wal_visit *v, const struct subject *s,
                      const struct record *r, size_t at)
{
    struct out *out = d->out;
    out_int(out, (int64_t)v->group->index);
    out_int(out, (int64_t)v->group->term);
    put_type(out, WAL_BATCH);
    put_topic(out, s);
    out_int(out, r->offset);
    out_int(out, r->timestamp);
    record_row_sizes(out, r);
    out_int(out, s->batch.crc);
    out_int(out, (int64_t)wal_visit_position(v, at));
    out_str(out, v->file);
    out_int(out, v->segment->owner.shard);
    if (d->o->payload)
        record_row_payload(out, (enum out_format)d->o->common.format, r);
    return row_done(d);
}

static bool enough(const struct dump *d)
{
    return d->broken || (d->o->limit >= 0 && d->rows >= d->o->limit);
}

static int record_rows(struct dump *d, struct wal_visit *v, const struct subject *s, size_t at)
{
    struct records it;
    struct record r;
    int rc = records_init(&it, s->bytes, RECORD_ROW_EXPANDED_MAX), row = 0;
    while (rc >= 0 && !enough(d) && (rc = records_next(&it, &r)) == 1) {
        if (offsets_wanted(d, r.offset, r.offset))
            row = record_row(d, v, s, &r, at);
    }
    records_release(&it);
    if (rc >= 0)
        return row;
    v->at = at;
    v->why = "the records of the batch cannot be read";
    return rc == -ENOMEM ? rc : ERR_CORRUPT;
}

/* ---- the walk */

static int dump_frame(struct dump *d, struct wal_visit *v, const struct wal_frame *f, size_t at)
{
    struct subject s = subject_of(d, f);
    if (!wanted(d, f, &s))
        return 0;
    if (d->o->records)
        return s.batched ? record_rows(d, v, &s, at) : 0;
    return frame_row(d, v, f, &s, at);
}

/* One that came after all names were learned: the log is being followed. */
static int learn_name(struct dump *d, const struct wal_frame *f)
{
    struct wal_topic topic;
    if (f->type != WAL_TOPIC || wal_topic_decode(f->body, &topic) != 0)
        return 0;
    return wal_topics_add(&d->topics, &topic);
}

static int dump_group(void *ctx, struct wal_visit *v)
{
    struct dump *d = ctx;
    size_t at = WAL_PAYLOAD_HEADER, next = at;
    struct wal_frame f;
    int rc;
    if (d->o->shard >= 0 && v->segment->owner.shard != d->o->shard)
        return WALK_STOP;
    if (d->o->from_index >= 0 && v->group->index < (uint64_t)d->o->from_index)
        return 0;
    while ((rc = wal_frame_next(v->group->payload, &next, &f)) == 1) {
        rc = learn_name(d, &f);
        if (rc == 0)
            rc = dump_frame(d, v, &f, at);
        if (rc != 0)
            return rc;
        if (enough(d))
            return WALK_STOP;
        at = next;
    }
    v->at = at;
    v->why = "a frame does not fit its group";
    return rc == 0 ? 0 : ERR_CORRUPT;
}

/* Rows are complete: let them be seen. */
static void flush(void *ctx)
{
    const struct dump *d = ctx;
    out_flush(d->out);
}

static enum cli_exit dump_log(struct dump *d, const struct wal_log *log)
{
    struct wal_outcome outcome;
    if (wal_topics_learn(&d->topics, log) != 0) {
        cli_error("%s: out of memory", log->path);
        return CLI_FAILED;
    }
    if (d->o->follow)
        wal_follow(log, dump_group, flush, d, &outcome);
    else
        wal_walk(log, dump_group, d, &outcome);
    return wal_outcome_report(&outcome);
}

static int frame_type(const char *name)
{
    for (int i = 1; i <= UINT8_MAX; i++)
        if (strcasecmp(name, wal_frame_name(i)) == 0)
            return i;
    return 0;
}

int wal_dump(void *values, const struct opt_args *args)
{
    struct wal_options *o = values;
    struct dump d = {.o = o};
    struct wal_logs logs;
    struct err e;
    o->records |= o->payload;
    if (o->type && !(d.type = frame_type(o->type)))
        return cli_misuse("--type: no frame type '%s'", o->type);
    d.by_id = o->topic && uuid_parse(&d.topic_id, o->topic) == 0;
    if (wal_logs_find(&logs, args, o->shard, &e) != 0) {
        wal_logs_release(&logs);
        return cli_fail(&e);
    }
    enum cli_exit status = CLI_OK;
    if (o->follow && logs.n > 1) {
        wal_logs_release(&logs);
        return cli_misuse("--follow: one log at a time: choose it by --shard or its directory");
    }
    size_t n_record = RECORD_COLUMNS + (o->payload ? RECORD_ROW_PAYLOAD : 0);
    d.out = o->records ? wal_out(o, record_columns, n_record)
                       : wal_out(o, frame_columns, FRAME_COLUMNS);
    for (size_t i = 0; i < logs.n && !enough(&d); i++)
        status = wal_worse(status, dump_log(&d, &logs.v[i]));
    out_free(d.out);
    wal_topics_release(&d.topics);
    wal_logs_release(&logs);
    return status;
}

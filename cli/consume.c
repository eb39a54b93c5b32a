#include "cli/consume.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>

#include "batch/records.h"
#include "cli/interrupt.h"
#include "cli/record_json.h"
#include "client/error.h"
#include "client/offsets.h"
#include "kp/error.h"

enum {
    STOP = 1,                        /* count is reached, Ctrl-C, or output failed */
    MAX_WAIT = 500,                  /* ms that a broker may hold an answer back */
    FETCH_BYTES = 16 << 20,          /* of an answer */
    PARTITION_BYTES = 1 << 20,       /* of a partition in it */
    PARTITION_BYTES_MAX = 128 << 20, /* for brokers that cut the first batch */
    EXPANDED_MAX = 256 << 20,        /* of a compressed batch */
};

/* The offsets of all parts for one time, into v. */
static int ask_offsets(struct consumer *c, int64_t time, struct client_offset *v, struct err *e)
{
    memset(v, 0, c->n * sizeof *v);
    for (size_t i = 0; i < c->n; i++) {
        v[i].part.topic = c->o.topic;
        v[i].part.partition = c->parts[i].fetch.part.partition;
        v[i].time = time;
    }
    int rc = client_list_offsets(c->cluster, v, c->n, e);
    for (size_t i = 0; i < c->n && !rc; i++)
        if (v[i].part.error)
            rc = err_set(e, client_error_code(v[i].part.error), "%s: partition %" PRId32 ": %s",
                         c->o.topic, v[i].part.partition, v[i].part.text);
    return rc;
}

/* Where a partition begins and ends, and the offset of the time asked for (-1: none so late). */
static int place(const struct consumer_options *o, struct consumer_part *p, int64_t earliest,
                 int64_t latest, int64_t timed, struct err *e)
{
    p->end = o->exit_at_end ? latest : INT64_MAX;
    switch (o->start) {
    case CONSUME_END:
        p->fetch.offset = latest;
        break;
    case CONSUME_BEGINNING:
        p->fetch.offset = earliest;
        break;
    case CONSUME_LAST:
        p->fetch.offset = latest - earliest > o->at ? latest - o->at : earliest;
        break;
    case CONSUME_TIME:
        p->fetch.offset = timed >= 0 ? timed : latest;
        break;
    case CONSUME_OFFSET:
        if (o->at < earliest || o->at > latest)
            return err_set(e, ERR_OFFSET,
                           "%s: partition %" PRId32 ": offset %" PRId64
                           " is outside the log, which has %" PRId64 " to %" PRId64,
                           o->topic, p->fetch.part.partition, o->at, earliest, latest);
        p->fetch.offset = o->at;
        break;
    }
    return 0;
}

static int place_all(struct consumer *c, struct err *e)
{
    struct client_offset *v = calloc(3 * c->n + 1, sizeof *v);
    struct client_offset *earliest = v, *latest = v + c->n, *timed = v + 2 * c->n;
    if (!v)
        return err_code(e, -ENOMEM, "%s", c->o.topic);
    int rc = ask_offsets(c, CLIENT_EARLIEST, earliest, e);
    if (!rc)
        rc = ask_offsets(c, CLIENT_LATEST, latest, e);
    if (!rc && c->o.start == CONSUME_TIME)
        rc = ask_offsets(c, c->o.at, timed, e);
    for (size_t i = 0; i < c->n && !rc; i++)
        rc = place(&c->o, &c->parts[i], earliest[i].offset, latest[i].offset, timed[i].offset, e);
    free(v);
    return rc;
}

int consumer_init(struct consumer *c, const struct consumer_options *o,
                  struct client_cluster *cluster, struct err *e)
{
    *c = (struct consumer){.o = *o, .cluster = cluster, .partition_bytes = PARTITION_BYTES};
    int32_t n = client_partitions(cluster, o->topic, e);
    if (n < 0)
        return n;
    if (o->partition >= n)
        return err_set(e, ERR_NOTFOUND, "%s: no partition %" PRId32 " (there are %" PRId32 ")",
                       o->topic, o->partition, n);
    c->n = o->partition >= 0 ? 1 : (size_t)n;
    c->parts = calloc(c->n + 1, sizeof *c->parts);
    c->active = calloc(c->n + 1, sizeof *c->active);
    if (!c->parts || !c->active)
        return err_code(e, -ENOMEM, "%s", o->topic);
    for (size_t i = 0; i < c->n; i++) {
        c->parts[i].fetch.part.topic = o->topic;
        c->parts[i].fetch.part.partition = o->partition >= 0 ? o->partition : (int32_t)i;
    }
    return place_all(c, e);
}

void consumer_release(struct consumer *c)
{
    free(c->parts);
    free(c->active);
}

static void write_text(const struct consumer *c, const struct record *r)
{
    if (c->o.separator.p && r->key.p) {
        fwrite(r->key.p, 1, r->key.n, stdout);
        fwrite(c->o.separator.p, 1, c->o.separator.n, stdout);
    }
    fwrite(r->value.p, 1, r->value.n, stdout);
    putchar('\n');
}

/* Nothing may be written behind what could not be: it would be the rest of a record, or follow a
 * hole. stdio has thrown away what it held, and would go on as if nothing had been. */
static void output_failed(int number)
{
    __fpurge(stdout);
    cli_output_failed(number);
}

/* Write what the batch has from the position on. 0, STOP, or a negative code. */
static int write_records(struct consumer *c, struct consumer_part *p, struct records *it)
{
    const struct batch *b = &it->batch;
    struct record r;
    int rc;
    while ((rc = records_next(it, &r)) == 1) {
        if (r.offset < p->fetch.offset)
            continue;
        if (r.offset >= p->end)
            return 0;
        /* Slow output may take long over one answer: Ctrl-C is not to wait for the next. */
        if (cli_interrupted() || ferror(stdout))
            return STOP;
        if (c->o.jsonl)
            rc = record_json_write(stdout, c->o.topic, p->fetch.part.partition, &r,
                                   b->attributes & BATCH_ATTR_APPEND_TIME);
        else
            write_text(c, &r);
        if (ferror(stdout)) {
            output_failed(errno);
            return STOP;
        }
        if (rc < 0)
            return rc;
        p->fetch.offset = r.offset + 1;
        c->written++;
        if (c->o.count >= 0 && c->written >= (uint64_t)c->o.count) {
            c->stopped = true;
            return STOP;
        }
    }
    return rc;
}

static int take_batch(struct consumer *c, struct consumer_part *p, struct span s)
{
    struct batch b = {0};
    struct records it;
    int rc = batch_verify(s, &b, c->e);
    if (!rc && !(b.attributes & BATCH_ATTR_CONTROL)) {
        rc = records_init(&it, s, EXPANDED_MAX);
        if (!rc)
            rc = write_records(c, p, &it);
        records_release(&it);
        if (rc < 0)
            err_code(c->e, rc, "records");
    }
    if (rc < 0) {
        err_wrap(c->e, "%s: partition %" PRId32 ": batch at offset %" PRId64, c->o.topic,
                 p->fetch.part.partition, b.base_offset);
        return c->e->code = rc == ERR_TOOBIG || rc == -ENOMEM ? rc : ERR_CORRUPT;
    }
    if (!rc && p->fetch.offset <= batch_last_offset(&b))
        p->fetch.offset = batch_last_offset(&b) + 1; /* what compaction left out, too */
    return rc;
}

/* The first batch did not come whole: only brokers older than KIP-74 do that. Ask for more. */
static int ask_for_more(struct consumer *c, const struct consumer_part *p)
{
    if (c->partition_bytes >= PARTITION_BYTES_MAX)
        return err_set(c->e, ERR_TOOBIG, "%s: partition %" PRId32 ": a batch of more than %d bytes",
                       c->o.topic, p->fetch.part.partition, PARTITION_BYTES_MAX);
    c->partition_bytes *= 2;
    return 0;
}

static int take_records(struct consumer *c, struct consumer_part *p, struct span s)
{
    size_t at = 0;
    int rc = 0;
    while (!rc && p->fetch.offset < p->end) {
        struct span rest = span_of(s.p + at, s.n - at);
        struct batch b;
        rc = batch_peek(rest, &b);
        if (rc == ERR_SHORT || (!rc && batch_size(&b) > rest.n)) {
            rc = 0;
            break; /* the last one is cut off */
        }
        if (rc)
            return err_code(c->e, ERR_CORRUPT, "%s: partition %" PRId32 ": after offset %" PRId64,
                            c->o.topic, p->fetch.part.partition, p->fetch.offset);
        rc = take_batch(c, p, span_of(rest.p, batch_size(&b)));
        at += batch_size(&b);
    }
    return rc || at ? rc : ask_for_more(c, p);
}

/* client_fetch brings a partition's records or its error. */
static int take(void *ctx, struct client_fetch *f, struct span s)
{
    struct consumer *c = ctx;
    struct consumer_part *p = (struct consumer_part *)f;
    if (c->stopped)
        return STOP;
    if (f->part.error == KP_ERR_OFFSET_OUT_OF_RANGE) {
        p->lost = true;
        return 0;
    }
    if (f->part.error)
        return err_set(c->e, client_error_code(f->part.error), "%s: partition %" PRId32 ": %s",
                       c->o.topic, f->part.partition, f->part.text);
    return take_records(c, p, s);
}

/* Retention has overtaken the reader: go on with what is left, and say so. */
static int find_again(struct consumer *c, struct consumer_part *p)
{
    struct client_offset earliest = {
        .part = {.topic = c->o.topic, .partition = p->fetch.part.partition},
        .time = CLIENT_EARLIEST,
    };
    int rc = client_list_offsets(c->cluster, &earliest, 1, c->e);
    if (rc)
        return rc;
    if (earliest.part.error || earliest.offset <= p->fetch.offset)
        return err_set(c->e, ERR_OFFSET,
                       "%s: partition %" PRId32 ": offset %" PRId64 " is outside the log",
                       c->o.topic, p->fetch.part.partition, p->fetch.offset);
    cli_warn("%s: partition %" PRId32 ": offsets %" PRId64 " to %" PRId64 " are gone", c->o.topic,
             p->fetch.part.partition, p->fetch.offset, earliest.offset - 1);
    p->fetch.offset = earliest.offset;
    p->lost = false;
    return 0;
}

/* Gather what is to be fetched; each round begins with another partition, so that none starves. */
static void choose_active(struct consumer *c, size_t round)
{
    c->n_active = 0;
    for (size_t i = 0; i < c->n; i++) {
        struct consumer_part *p = &c->parts[(i + round) % c->n];
        if (p->fetch.offset < p->end)
            c->active[c->n_active++] = &p->fetch;
    }
}

static int fetch_round(struct consumer *c)
{
    struct client_fetch_options fo = {
        .max_wait_ms = c->o.timeout_ms / 2 < MAX_WAIT ? (int32_t)(c->o.timeout_ms / 2) : MAX_WAIT,
        .min_bytes = 1,
        .max_bytes = FETCH_BYTES,
        .partition_max_bytes = c->partition_bytes,
        .take = take,
        .ctx = c,
    };
    client_begin(c->cluster, c->o.timeout_ms);
    int rc = client_fetch(c->cluster, &fo, c->active, c->n_active, c->e);
    for (size_t i = 0; i < c->n && !rc; i++)
        if (c->parts[i].lost)
            rc = find_again(c, &c->parts[i]);
    if (!ferror(stdout) && fflush(stdout))
        output_failed(errno);
    return !rc && ferror(stdout) ? STOP : rc;
}

int consumer_run(struct consumer *c, struct err *e)
{
    struct clock *clock = c->cluster->o.clock;
    int64_t last = clock_mono_ms(clock);
    int rc = 0;
    c->e = e;
    choose_active(c, 0);
    for (size_t round = 1; c->n_active && !rc; round++) {
        uint64_t before = c->written;
        rc = fetch_round(c);
        int64_t now = clock_mono_ms(clock);
        if (c->written > before)
            last = now;
        else if (!rc && c->o.idle_ms >= 0 && now - last >= c->o.idle_ms)
            rc = err_set(e, ERR_TIMEOUT, "%s: no record came in time", c->o.topic);
        choose_active(c, round);
    }
    if (rc == STOP && cli_interrupted() && !c->stopped && !ferror(stdout))
        return err_set(e, ERR_INTERRUPTED, "interrupted");
    return rc == STOP ? 0 : rc;
}

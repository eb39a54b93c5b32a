#include "cli/produce.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "client/error.h"
#include "client/murmur2.h"
#include "kp/error.h"

enum {
    GATHER_MAX = 16 << 20,     /* bytes over all partitions that make a request due */
    RECORD_OVERHEAD = 32,      /* lengths, deltas and attributes of a record, roughly */
    EXPANDED_MAX = 1 << 30,    /* of a batch that we made ourselves */
    SEQUENCE_MASK = INT32_MAX, /* sequence numbers go round behind it */
};

struct producer_slot {
    struct batch_builder builder;
    struct wr batch; /* the finished batch while it is on its way */
    uint64_t *lines; /* where its records stand in the input */
    int32_t count, cap;
    int32_t sequence; /* of the next record the broker has not acknowledged */
};

/* A batch on its way: some records of a slot. */
struct sending {
    struct client_batch batch;
    struct producer_slot *slot;
    int32_t from, count; /* which of the slot's lines */
};

static int32_t random_below(int32_t n)
{
    uint32_t r = 0;
    if (getrandom(&r, sizeof r, GRND_NONBLOCK) < 0)
        r = 0; /* any partition will do */
    return (int32_t)(r % (uint32_t)n);
}

/* A producer id is worth having, but brokers without one are Kafka brokers too. */
static int get_producer_id(struct producer *p, struct err *e)
{
    p->producer_id = -1;
    p->producer_epoch = -1;
    if (p->o.acks != CLIENT_ACKS_ALL)
        return 0;
    int rc = client_producer_id(p->cluster, &p->producer_id, &p->producer_epoch, e);
    if (rc == ERR_UNSUPPORTED || rc == ERR_REFUSED || rc == ERR_UNAUTHORISED) {
        cli_say(1, "not idempotent: %s", e->text);
        rc = 0;
    }
    return rc;
}

int producer_init(struct producer *p, const struct producer_options *o, struct client_cluster *c,
                  struct err *e)
{
    *p = (struct producer){.o = *o, .cluster = c};
    client_begin(c, o->timeout_ms);
    int32_t n = client_partitions(c, o->topic, e);
    if (n < 0)
        return n;
    if (n == 0)
        return err_set(e, ERR_REFUSED, "%s: the topic has no partitions", o->topic);
    int rc = get_producer_id(p, e);
    if (rc)
        return rc;
    p->slots = calloc((size_t)n, sizeof *p->slots);
    if (!p->slots)
        return err_code(e, -ENOMEM, "%s", o->topic);
    p->n_slots = n;
    p->sticky = random_below(n);
    for (int32_t i = 0; i < n; i++) {
        batch_builder_init(&p->slots[i].builder, o->codec);
        wr_init(&p->slots[i].batch, 0);
    }
    return 0;
}

void producer_release(struct producer *p)
{
    for (int32_t i = 0; i < p->n_slots; i++) {
        batch_builder_release(&p->slots[i].builder);
        wr_free(&p->slots[i].batch);
        free(p->slots[i].lines);
    }
    free(p->slots);
    p->slots = NULL;
    p->n_slots = 0;
}

/* "line 7", or "lines 7-90 (12 records)" since those between may have gone to other partitions. */
static const char *name_lines(const struct sending *s, char *buf, size_t size)
{
    const uint64_t *l = s->slot->lines + s->from;
    if (s->count == 1)
        snprintf(buf, size, "line %" PRIu64, l[0]);
    else
        snprintf(buf, size, "lines %" PRIu64 "-%" PRIu64 " (%" PRId32 " records)", l[0],
                 l[s->count - 1], s->count);
    return buf;
}

static void report_good(struct producer *p, const struct sending *s)
{
    p->sent += (uint64_t)s->count;
    cli_tally_add(&p->tally, CLI_OK);
    if (!p->o.report)
        return;
    struct out *o = p->o.report;
    int64_t base = s->batch.base_offset;
    out_int(o, s->batch.part.partition);
    if (base >= 0) {
        out_int(o, base);
        out_int(o, base + s->count - 1);
    } else {
        out_null(o);
        out_null(o);
    }
    out_int(o, s->count);
    out_int(o, (int64_t)s->slot->lines[s->from]);
    out_int(o, (int64_t)s->slot->lines[s->from + s->count - 1]);
    out_row(o);
}

static void report_bad(struct producer *p, const struct sending *s)
{
    char where[80], culprit[40] = "";
    const struct client_batch *b = &s->batch;
    if (s->count > 1 && b->bad_record >= 0 && b->bad_record < s->count)
        snprintf(culprit, sizeof culprit, " (line %" PRIu64 ")",
                 s->slot->lines[s->from + b->bad_record]);
    cli_error("%s: partition %" PRId32 ": %s%s", name_lines(s, where, sizeof where),
              b->part.partition, b->part.text, culprit);
    cli_tally_add(&p->tally, cli_exit_of(client_error_code(b->part.error)));
}

/* The connection or the time ended before the broker's verdict. */
static void report_unknown(struct producer *p, const struct sending *s, const struct err *e)
{
    char where[80];
    cli_error("%s: partition %" PRId32 ": it is not known whether they were written",
              name_lines(s, where, sizeof where), s->batch.part.partition);
    cli_tally_add(&p->tally, cli_exit_of(e->code));
}

static void number_batch(const struct producer *p, const struct producer_slot *slot,
                         struct batch_builder *b)
{
    if (p->producer_id < 0)
        return;
    b->producer_id = p->producer_id;
    b->producer_epoch = p->producer_epoch;
    b->base_sequence = slot->sequence;
}

static void settle_good(struct producer *p, struct sending *s)
{
    s->slot->sequence =
        (int32_t)(((uint32_t)s->slot->sequence + (uint32_t)s->count) & SEQUENCE_MASK);
    report_good(p, s);
}

static int send_part(struct producer *p, const struct sending *whole, int32_t from, int32_t count,
                     struct err *e);

/* Too large for the topic: send it in two parts. */
static int send_halves(struct producer *p, const struct sending *whole, int32_t from, int32_t count,
                       struct err *e)
{
    int32_t half = count / 2;
    int rc = send_part(p, whole, from, half, e);
    return rc ? rc : send_part(p, whole, from + half, count - half, e);
}

/* Copy records from to from + count - 1 of the whole batch into a new one. */
static int copy_records(const struct sending *whole, int32_t from, int32_t count,
                        struct batch_builder *to)
{
    struct records it;
    struct record r;
    int rc = records_init(&it, whole->batch.records, EXPANDED_MAX);
    for (int32_t i = 0; !rc && i < from + count; i++) {
        rc = records_next(&it, &r) == 1 ? 0 : ERR_MALFORMED;
        if (rc || i < from)
            continue;
        struct rd rd = rd_of(r.headers.p, r.headers.n);
        struct record_header *h = calloc((size_t)r.n_headers + 1, sizeof *h);
        for (int32_t k = 0; h && k < r.n_headers; k++)
            record_header_next(&rd, &h[k]);
        if (h)
            batch_builder_add(to, r.timestamp, r.key, r.value, h, r.n_headers);
        else
            rc = -ENOMEM;
        free(h);
    }
    records_release(&it);
    return rc ? rc : to->records.err;
}

static int send_part(struct producer *p, const struct sending *whole, int32_t from, int32_t count,
                     struct err *e)
{
    struct batch_builder b;
    struct wr w;
    struct sending part = {.slot = whole->slot, .from = whole->from + from, .count = count};
    batch_builder_init(&b, p->o.codec);
    wr_init(&w, 0);
    number_batch(p, whole->slot, &b);
    int rc = copy_records(whole, from, count, &b);
    if (!rc)
        rc = batch_builder_finish(&b, &w);
    if (rc)
        err_code(e, rc, "batch");
    part.batch.part.topic = p->o.topic;
    part.batch.part.partition = whole->batch.part.partition;
    part.batch.records = span_of(w.buf, w.len);
    if (!rc)
        rc = client_produce(p->cluster, p->o.acks, &part.batch, 1, e);
    if (rc)
        report_unknown(p, &part, e);
    else if (!part.batch.part.error)
        settle_good(p, &part);
    else if (part.batch.part.error == KP_ERR_MESSAGE_TOO_LARGE && count > 1)
        rc = send_halves(p, whole, from, count, e);
    else
        report_bad(p, &part);
    batch_builder_release(&b);
    wr_free(&w);
    return rc;
}

/* Look at what came of a batch. */
static int settle(struct producer *p, struct sending *s, int failed, struct err *e)
{
    const struct client_part *part = &s->batch.part;
    int rc = 0;
    if (!part->done)
        report_unknown(p, s, e);
    else if (!part->error)
        settle_good(p, s);
    else if (part->error == KP_ERR_MESSAGE_TOO_LARGE && s->count > 1 && !failed)
        rc = send_halves(p, s, 0, s->count, e);
    else
        report_bad(p, s);
    return rc;
}

/* Finish the batches that hold something: how many there are in v, or a negative code. */
static int finish_batches(struct producer *p, struct sending *v, size_t *n, struct err *e)
{
    *n = 0;
    for (int32_t i = 0; i < p->n_slots; i++) {
        struct producer_slot *slot = &p->slots[i];
        if (!slot->count)
            continue;
        number_batch(p, slot, &slot->builder);
        wr_reset(&slot->batch);
        int rc = batch_builder_finish(&slot->builder, &slot->batch);
        if (rc)
            return err_code(e, rc, "batch for partition %d", i);
        struct sending *s = &v[(*n)++];
        s->slot = slot;
        s->count = slot->count;
        s->batch.part.topic = p->o.topic;
        s->batch.part.partition = i;
        s->batch.records = span_of(slot->batch.buf, slot->batch.len);
    }
    return 0;
}

static int send_all(struct producer *p, struct sending *v, size_t n, struct err *e)
{
    struct client_batch *batches = calloc(n + 1, sizeof *batches);
    if (!batches)
        return err_code(e, -ENOMEM, "request");
    for (size_t i = 0; i < n; i++)
        batches[i] = v[i].batch;
    client_begin(p->cluster, p->o.timeout_ms);
    int rc = client_produce(p->cluster, p->o.acks, batches, n, e);
    for (size_t i = 0; i < n; i++) {
        v[i].batch = batches[i];
        int again = settle(p, &v[i], rc, e);
        rc = rc ? rc : again;
    }
    free(batches);
    return rc;
}

int producer_flush(struct producer *p, struct err *e)
{
    if (!p->gathered)
        return 0;
    struct sending *v = calloc((size_t)p->n_slots, sizeof *v);
    if (!v)
        return err_code(e, -ENOMEM, "request");
    size_t n;
    int rc = finish_batches(p, v, &n, e);
    if (!rc)
        rc = send_all(p, v, n, e);
    for (int32_t i = 0; i < p->n_slots; i++)
        p->slots[i].count = 0;
    p->gathered = 0;
    p->sticky = (p->sticky + 1) % p->n_slots;
    free(v);
    return rc;
}

static int remember_line(struct producer_slot *slot, uint64_t line)
{
    if (slot->count == slot->cap) {
        int32_t cap = slot->cap ? 2 * slot->cap : 64;
        uint64_t *v = reallocarray(slot->lines, (size_t)cap, sizeof *v);
        if (!v)
            return -ENOMEM;
        slot->lines = v;
        slot->cap = cap;
    }
    slot->lines[slot->count++] = line;
    return 0;
}

static int32_t choose(const struct producer *p, int32_t partition, struct span key)
{
    return partition >= 0 ? partition : key.p ? client_partition_of(key, p->n_slots) : p->sticky;
}

static size_t size_of(struct span key, struct span value, const struct record_header *h, int32_t n)
{
    size_t size = RECORD_OVERHEAD + key.n + value.n;
    for (int32_t i = 0; i < n; i++)
        size += h[i].key.n + h[i].value.n + 10;
    return size;
}

int producer_add(struct producer *p, uint64_t line, int32_t partition, int64_t timestamp,
                 struct span key, struct span value, const struct record_header *headers,
                 int32_t n_headers, struct err *e)
{
    if (partition >= p->n_slots)
        return err_set(e, ERR_NOTFOUND, "line %" PRIu64 ": %s: no partition %d (there are %d)",
                       line, p->o.topic, partition, p->n_slots);
    struct producer_slot *slot = &p->slots[choose(p, partition, key)];
    size_t size = size_of(key, value, headers, n_headers);
    if (p->gathered + size > GATHER_MAX ||
        (slot->count && batch_builder_size(&slot->builder) + size > p->o.batch_bytes)) {
        int rc = producer_flush(p, e);
        if (rc) {
            err_wrap(e, "stopped before line %" PRIu64, line);
            return rc;
        }
        slot = &p->slots[choose(p, partition, key)];
    }
    if (!p->gathered)
        p->since_ms = clock_mono_ms(p->cluster->o.clock);
    batch_builder_add(&slot->builder, timestamp, key, value, headers, n_headers);
    int rc = slot->builder.records.err ? slot->builder.records.err : remember_line(slot, line);
    if (rc)
        return err_code(e, rc, "line %" PRIu64, line);
    p->gathered += size;
    return 0;
}

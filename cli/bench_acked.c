#include "cli/bench_acked.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench_fetch.h"
#include "cli/bench_setup.h"
#include "client/offsets.h"

enum { TOLD_MAX = 10 }; /* faults told in full */

static atomic_int told;

static void fault(const struct acked *a, uint64_t *count, const char *why)
{
    *count += (uint64_t)a->count;
    int n = atomic_fetch_add(&told, 1);
    if (n < TOLD_MAX)
        cli_error("partition %" PRId32 ", offset %" PRId64 ": %" PRId32
                  " records of client %" PRIu32 " from sequence %" PRIu64 " on: %s",
                  a->partition, a->base, a->count, a->client, a->sequence, why);
    else if (n == TOLD_MAX)
        cli_error("more of the kind is only counted");
}

void ack_cursor_batch(struct ack_cursor *c, const struct batch *b, bool crc_good)
{
    for (; c->at < c->n && c->v[c->at].base <= batch_last_offset(b); c->at++) {
        const struct acked *a = &c->v[c->at];
        if (a->base < b->base_offset)
            fault(a, &c->lost, "acknowledged, and not there");
        else if (a->base > b->base_offset)
            fault(a, &c->altered, "no batch begins there");
        else if (!crc_good)
            fault(a, &c->altered, "the checksum does not hold");
        else if (a->count != b->count || a->crc != b->crc)
            fault(a, &c->altered, "another batch stands there");
        else
            c->found += (uint64_t)a->count;
    }
}

void ack_cursor_end(struct ack_cursor *c)
{
    for (; c->at < c->n; c->at++)
        fault(&c->v[c->at], &c->lost, "acknowledged, and not there");
}

/* ---- reading the topic ---- */

static int on_batch(struct load *l, struct fetch_part *p, struct span bytes, const struct batch *b,
                    struct err *e)
{
    const struct fetch_plan *plan = l->w->run->plan.own;
    struct ack_cursor *c = &((struct ack_cursor *)plan->own)[p->part];
    struct batch whole;
    int rc = batch_verify(bytes, &whole, NULL);
    ack_cursor_batch(c, b, rc == 0);
    return fetch_check_batch(l, p, bytes, b, e);
}

static void on_ended(struct load *l, struct fetch_part *p)
{
    const struct fetch_plan *plan = l->w->run->plan.own;
    ack_cursor_end(&((struct ack_cursor *)plan->own)[p->part]);
}

/* Give each partition its slice of the log, and read from the first acknowledged offset on. */
static void deal(struct bench *b, const struct acklog *log, struct ack_cursor *cursors,
                 struct ack_verdict *v)
{
    size_t to;
    for (size_t at = 0; at < log->n; at = to) {
        int32_t partition = log->v[at].partition;
        for (to = at; to < log->n && log->v[to].partition == partition; to++)
            v->records += (uint64_t)log->v[to].count;
        struct ack_cursor c = {.v = log->v + at, .n = to - at};
        if ((size_t)partition >= b->n_parts) { /* the topic has fewer partitions than it had */
            ack_cursor_end(&c);
            v->lost += c.lost;
            continue;
        }
        struct bench_partition *p = &b->parts[partition];
        if (p->start < c.v[0].base)
            p->start = c.v[0].base;
        cursors[partition] = c;
    }
    for (size_t i = 0; i < b->n_parts; i++)
        if (!cursors[i].n)
            b->parts[i].start = b->parts[i].end; /* nothing to be read there */
}

static int read_topic(struct bench *b, struct ack_cursor *cursors, struct ack_verdict *v,
                      struct err *e)
{
    struct fetch_plan fetch = {.batch = on_batch, .ended = on_ended, .own = cursors};
    struct run_plan plan = {.kind = &fetch_whole_kind,
                            .clients = bench_readers(b),
                            .depth = 1,
                            .quiet = true,
                            .checked = true,
                            .own = &fetch};
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        return err_code(e, -ENOMEM, "run");
    int rc = run_execute(run, b, &plan);
    if (!rc && run->interrupted)
        rc = err_set(&run->err, ERR_INTERRUPTED, "interrupted: not everything was read");
    struct check_counts counts = {0};
    run_counts(run, &counts);
    v->duplicated = counts.duplicated;
    v->reordered = counts.reordered;
    if (rc)
        *e = run->err;
    run_release(run);
    free(run);
    return rc;
}

int bench_acked_check(const struct bench_options *o, const struct acklog *log,
                      struct ack_verdict *v, struct err *e)
{
    struct bench b;
    *v = (struct ack_verdict){.runs = log->n_runs, .batches = log->n};
    int rc = bench_setup(&b, o, true, e);
    struct ack_cursor *cursors = calloc(b.n_parts + 1, sizeof *cursors);
    if (!rc && !cursors)
        rc = err_code(e, -ENOMEM, "partitions");
    if (!rc)
        rc = bench_ask_start(&b, CLIENT_EARLIEST, e);
    if (!rc)
        rc = bench_ask_end(&b, CLIENT_LATEST, e);
    if (!rc) {
        deal(&b, log, cursors, v);
        rc = read_topic(&b, cursors, v, e);
    }
    for (size_t i = 0; !rc && i < b.n_parts; i++) {
        ack_cursor_end(&cursors[i]); /* partitions that had nothing to be read */
        v->found += cursors[i].found;
        v->lost += cursors[i].lost;
        v->altered += cursors[i].altered;
    }
    free(cursors);
    bench_release(&b);
    return rc;
}

#include "cli/bench_session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "cli/bench_assign.h"
#include "cli/bench_fetch.h"
#include "cli/bench_meta.h"
#include "cli/bench_produce.h"
#include "cli/bench_setup.h"
#include "client/offsets.h"

enum { CONSUMERS_MAX = 64, SPARE_DESCRIPTORS = 64, SETTLE_MS = 2000 };

/* Thousands of clients need thousands of descriptors; the soft limit is often 1,024. With --ceiling
 * there is a broker with its threads, and the other end of the connections, too. */
static int allow_descriptors(uint64_t clients, const struct bench_options *o, struct err *e)
{
    uint64_t ends = o->ceiling ? 2 : 1;
    uint64_t need = ends * (clients + (uint64_t)o->threads * 8) + SPARE_DESCRIPTORS;
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l))
        return err_code(e, -errno, "descriptors");
    if (l.rlim_cur >= need)
        return 0;
    l.rlim_cur = need;
    if (need > l.rlim_max || setrlimit(RLIMIT_NOFILE, &l))
        return err_set(
            e, -EMFILE, "%llu clients need %llu descriptors, and %llu are allowed (ulimit -n)",
            (unsigned long long)clients, (unsigned long long)need, (unsigned long long)l.rlim_max);
    return 0;
}

/* A client has one connection, hence one leader: with fewer clients than leaders some would have
 * none. */
static int enough_clients(const struct bench *b, uint32_t clients, struct err *e)
{
    uint32_t leaders = bench_leaders(b->leader_of, b->n_parts, (uint32_t)b->n_brokers);
    if (clients >= leaders)
        return 0;
    return err_set(e, ERR_INVALID, "topic %s has %u leaders, so it takes at least as many clients",
                   b->opt->topic, leaders);
}

static int execute(struct bench_session *s, const struct run_plan *plan, struct err *e)
{
    s->run = calloc(1, sizeof *s->run);
    if (!s->run)
        return err_code(e, -ENOMEM, "run");
    int rc = allow_descriptors((uint64_t)plan->clients + plan->sides, s->opt, e);
    if (rc)
        return rc;
    rc = run_execute(s->run, &s->b, plan);
    s->loaded = !rc;
    if (rc)
        *e = s->run->err;
    return rc;
}

static struct run_plan plan_of(const struct bench_options *o, const struct load_kind *kind)
{
    return (struct run_plan){
        .kind = kind,
        .clients = (uint32_t)o->clients,
        .depth = (uint32_t)o->in_flight,
        .rate = o->rate,
        .batch = bench_request_records(o),
        .warmup_ms = o->warmup_ms,
        .duration_ms = o->duration_ms,
        .count = o->count,
        .until_ns = o->until_ns,
    };
}

/* ---- produce and round trip ---- */

static int64_t records_there(const struct bench *b)
{
    int64_t n = 0;
    for (size_t i = 0; i < b->n_parts; i++)
        n += b->parts[i].end - b->parts[i].start;
    return n;
}

/* Where the partitions end. With acks=0 nobody says when the broker is done with what was sent: it
 * is when nothing has come for SETTLE_MS. */
static int ask_end(struct bench *b, struct err *e)
{
    static const struct timespec pause = {.tv_nsec = 50000000};
    struct clock *clock = clock_system();
    int64_t before = -1, since = 0;
    for (;;) {
        int rc = bench_ask_end(b, CLIENT_LATEST, e);
        if (rc || b->opt->acks != 0)
            return rc;
        if (records_there(b) != before) {
            before = records_there(b);
            since = clock_mono_ms(clock);
        } else if (clock_mono_ms(clock) - since >= SETTLE_MS) {
            return 0;
        }
        nanosleep(&pause, NULL);
    }
}

/* Read what lies between the partitions' start and end, and compare. */
static int read_back(struct bench_session *s, struct err *e)
{
    struct fetch_plan fetch = {.batch = fetch_check_batch};
    struct run_plan plan = {.kind = &fetch_whole_kind,
                            .clients = bench_readers(&s->b),
                            .depth = 1,
                            .quiet = true,
                            .checked = true,
                            .own = &fetch};
    struct run *r = calloc(1, sizeof *r);
    if (!r)
        return err_code(e, -ENOMEM, "run");
    int rc = ask_end(&s->b, &r->err);
    if (!rc)
        rc = run_execute(r, &s->b, &plan);
    if (r->interrupted) /* whatever came of that */
        rc = err_set(&r->err, ERR_INTERRUPTED, "interrupted: not everything was read back");
    if (rc) {
        *e = r->err;
    } else {
        produce_expect(s->run);
        run_counts(r, &s->counts);
        s->checked = true;
    }
    run_release(r);
    free(r);
    return rc;
}

static int open_ack_log(struct bench_session *s, struct err *e)
{
    const struct bench_options *o = s->opt;
    if (!o->ack_log)
        return 0;
    int rc = acklog_open(&s->b.acklog, o->ack_log, s->b.run_id, o->topic, e);
    s->b.acklogged = !rc;
    return rc;
}

static int produce(struct bench_session *s, struct run_plan *plan, struct err *e)
{
    const struct bench_options *o = s->opt;
    struct producer_id *ids = NULL;
    int rc = o->validate || plan->side ? bench_ask_start(&s->b, CLIENT_LATEST, e) : 0;
    if (!rc)
        rc = open_ack_log(s, e);
    if (!rc && o->idempotent)
        rc = bench_ask_producer_ids(&s->b, plan->clients, &ids, e);
    s->b.producer_ids = ids;
    if (!rc)
        rc = execute(s, plan, e);
    s->b.producer_ids = NULL;
    free(ids);
    return rc;
}

static int run_produce(struct bench_session *s, struct err *e)
{
    struct run_plan plan = plan_of(s->opt, &produce_kind);
    int rc = produce(s, &plan, e);
    return !rc && s->opt->validate ? read_back(s, e) : rc;
}

static int run_round_trip(struct bench_session *s, struct err *e)
{
    const struct bench_options *o = s->opt;
    struct fetch_plan fetch = {.follow = true, .batch = fetch_time_batch};
    struct run_plan plan = plan_of(o, &produce_kind);
    plan.side = &fetch_whole_kind;
    plan.sides = o->consumers ? (uint32_t)o->consumers : bench_readers(&s->b);
    if (plan.sides > s->b.n_parts)
        plan.sides = (uint32_t)s->b.n_parts;
    plan.checked = true;
    plan.own = &fetch;
    int rc = produce(s, &plan, e);
    if (rc)
        return rc;
    produce_expect(s->run);
    run_counts(s->run, &s->counts);
    s->checked = true;
    return 0;
}

/* ---- consume ---- */

static int run_consume(struct bench_session *s, struct err *e)
{
    const struct bench_options *o = s->opt;
    struct fetch_plan fetch = {.repeat = o->repeat,
                               .batch = o->validate ? fetch_check_batch : NULL};
    struct run_plan plan = plan_of(o, &fetch_kind);
    int rc = bench_ask_start(&s->b, CLIENT_EARLIEST, e);
    if (!rc)
        rc = bench_ask_end(&s->b, CLIENT_LATEST, e);
    plan.depth = 1;
    plan.rate = 0;
    plan.checked = o->validate;
    plan.own = &fetch;
    if (!rc)
        rc = execute(s, &plan, e);
    if (rc || !o->validate)
        return rc;
    run_gaps(s->run);
    run_counts(s->run, &s->counts);
    s->checked = true;
    return 0;
}

/* The end comes to most clients between making a topic and deleting it. */
static int delete_leftovers(struct bench_session *s, struct err *e)
{
    const char **names = calloc(s->run->plan.clients, sizeof *names);
    size_t n = 0;
    if (!names)
        return err_code(e, -ENOMEM, "topics");
    for (uint32_t i = 0; i < s->run->n_workers; i++)
        for (size_t j = 0; j < s->run->workers[i].n_loads; j++) {
            const char *name = meta_leftover(&s->run->workers[i].loads[j]);
            if (name)
                names[n++] = name;
        }
    int rc = n ? bench_delete_topics(&s->b, names, n, e) : 0;
    free(names);
    return rc;
}

static int run_metadata(struct bench_session *s, struct err *e)
{
    struct run_plan plan = plan_of(s->opt, &meta_kind);
    int rc = execute(s, &plan, e);
    return rc ? rc : delete_leftovers(s, e);
}

/* ---- a session ---- */

static int run_mode(struct bench_session *s, struct err *e)
{
    switch ((enum bench_mode)s->opt->mode) {
    case BENCH_PRODUCE:
        return run_produce(s, e);
    case BENCH_CONSUME:
        return run_consume(s, e);
    case BENCH_ROUND_TRIP:
        return run_round_trip(s, e);
    case BENCH_METADATA:
        return run_metadata(s, e);
    case BENCH_DISK:
    case BENCH_DURABILITY:
        break;
    }
    return err_set(e, ERR_INVALID, "not a mode for a broker");
}

int session_execute(struct bench_session *s, struct bench_options *o, struct err *e)
{
    *s = (struct bench_session){.opt = o};
    bool topic = o->mode != BENCH_METADATA || !o->create_topic;
    int rc = bench_setup(&s->b, o, topic, e);
    if (!rc && !o->clients) /* consume: one a partition */
        o->clients = s->b.n_parts < CONSUMERS_MAX ? (int64_t)s->b.n_parts : CONSUMERS_MAX;
    if (!rc && topic)
        rc = enough_clients(&s->b, (uint32_t)o->clients, e);
    if (!rc)
        rc = run_mode(s, e);
    if (!rc && o->delete_topic)
        rc = bench_delete_topics(&s->b, &o->topic, 1, e);
    return rc;
}

int session_delete_topic(const struct bench_options *o, struct err *e)
{
    struct bench b;
    int rc = bench_setup(&b, o, false, e);
    if (!rc)
        rc = bench_delete_topics(&b, &o->topic, 1, e);
    bench_release(&b);
    return rc;
}

void session_release(struct bench_session *s)
{
    if (s->run) {
        run_release(s->run);
        free(s->run);
    }
    if (s->b.acklogged)
        acklog_close(&s->b.acklog);
    bench_release(&s->b);
}

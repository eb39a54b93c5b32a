/* Three nodes, messages in memory, a disk each: elect, replicate, lose a leader, truncate a tail,
 * restart each, install a checkpoint. In the end the committed logs are equal, byte for byte. The
 * broker has one node; the formats and the state machine are made for three. */
#include <stdlib.h>
#include <string.h>

#include "base/io_mem.h"
#include "batch/records.h"
#include "shard/checkpoint.h"
#include "shard/message.h"
#include "shard/node.h"
#include "shard/shard.h"
#include "tests/unit/unit.h"
#include "wal/writer.h"

enum { NODES = 3, QUEUE = 4096, SEGMENT = 64 * 1024 };

struct peer {
    uint64_t id;
    struct io_mem *disk;
    struct clock_manual clock;
    struct shard_host host;
    struct shard *s;
    bool up, cut_off, write_due, leads, wants_install;
    uint64_t install_from;
    struct shard_job *jobs[8];
    unsigned n_jobs;
};

static struct peer peers[NODES];
static struct shard_message *queue[QUEUE];
static unsigned n_queue;
static struct meta_image *image;
static struct uuid cluster = {{1, 2, 3}}, topic_id = {{9, 9, 9}};
static unsigned truncations, installs;
static bool hold_installs; /* checkpoints are on their way for as long as this is set */
static bool lose_results;  /* nobody learns what the others have */
static uint64_t wal_max = 16 * SEGMENT;

/* ---- hosts */

static void on_write(void *ctx, struct shard *s)
{
    (void)s;
    ((struct peer *)ctx)->write_due = true;
}

static void on_job(void *ctx, struct shard *s, struct shard_job *job)
{
    struct peer *p = ctx;
    (void)s;
    ck_assert_uint_lt(p->n_jobs, 8);
    p->jobs[p->n_jobs++] = job;
}

static void on_send(void *ctx, struct shard *s, struct shard_message *m)
{
    (void)ctx, (void)s;
    ck_assert_uint_lt(n_queue, QUEUE);
    queue[n_queue++] = m;
}

static void on_lead(void *ctx, struct shard *s, bool leads)
{
    (void)s;
    ((struct peer *)ctx)->leads = leads;
}

static void on_install(void *ctx, struct shard *s, uint64_t from, uint64_t index)
{
    struct peer *p = ctx;
    (void)s, (void)index;
    p->wants_install = true;
    p->install_from = from;
}

static struct shard_config config(struct peer *p)
{
    return (struct shard_config){
        .io = io_mem_io(p->disk),
        .clock = &p->clock.clock,
        .host = &p->host,
        .owner = {cluster, (uint32_t)p->id, 1},
        .wal_dir = "/w",
        .plog =
            {
                .io = io_mem_io(p->disk),
                .dir = "/l",
            },
        .segment_bytes = SEGMENT,
        .wal_max_bytes = wal_max,
        .group_records = 1 << 20,
        .group_bytes = 32 * 1024,
        .image = image,
    };
}

static void start(struct peer *p)
{
    struct err e;
    p->host = (struct shard_host){.ctx = p,
                                  .write = on_write,
                                  .job = on_job,
                                  .send = on_send,
                                  .lead = on_lead,
                                  .install = on_install};
    struct shard_config cfg = config(p);
    p->write_due = p->leads = p->wants_install = false;
    p->n_jobs = 0;
    ck_assert_msg(shard_open(&p->s, &cfg, &e) == 0, "node %llu: %s", (unsigned long long)p->id,
                  e.text);
    p->up = true;
}

/* A power cut: only what was synced is left. */
static void power_off(struct peer *p)
{
    struct io_mem *left = io_mem_crash(p->disk, io_mem_trace_len(p->disk), IO_CUT_NONE, 0),
                  *old = p->disk;
    while (p->n_jobs || p->write_due) {
        if (p->write_due) {
            p->write_due = false;
            shard_write_run(p->s);
            shard_written(p->s);
        } else {
            struct shard_job *job = p->jobs[--p->n_jobs];
            shard_job_run(job);
            shard_job_done(p->s, job);
        }
    }
    shard_free(p->s);
    io_mem_free(old);
    p->disk = left;
    p->s = NULL;
    p->up = p->leads = false;
}

static void make_image(void)
{
    static int32_t nodes[NODES] = {1, 2, 3};
    struct meta_topic_create_partitions part;
    struct meta_topic_create msg;
    struct meta_image *empty = meta_image_new(&cluster);
    struct meta_result res;
    struct wr w;
    struct err e;
    kp_init(&meta_topic_create_partitions_schema, &part);
    part.shard = 1;
    part.leader = 1;
    part.n_replicas = NODES;
    part.replicas = nodes;
    kp_init(&meta_topic_create_schema, &msg);
    msg.name = kp_str("t");
    msg.topic_id = topic_id;
    msg.n_partitions = 1;
    msg.partitions = &part;
    wr_init(&w, 0);
    meta_command_encode(META_TOPIC_CREATE, &msg, &w);
    ck_assert_msg(meta_apply(empty, 1, 1, span_of(w.buf, w.len), &image, &res, &e) == 0, "%s",
                  e.text);
    ck_assert_int_eq(res.code, 0);
    wr_free(&w);
    meta_image_unref(empty);
}

static void build_cluster(void)
{
    uint64_t voters[NODES] = {1, 2, 3};
    make_image();
    for (int i = 0; i < NODES; i++) {
        struct peer *p = &peers[i];
        struct err e;
        p->id = (uint64_t)i + 1;
        p->disk = io_mem_new();
        clock_manual_init(&p->clock, (int64_t)(i + 1) * 1000003000, 1800000000000);
        ck_assert_ok(io_mkdir(io_mem_io(p->disk), "/w"));
        ck_assert_ok(io_mkdir(io_mem_io(p->disk), "/l"));
        ck_assert_ok(io_sync_dir(io_mem_io(p->disk), "/"));
        struct shard_config cfg = config(p);
        ck_assert_msg(shard_bootstrap(&cfg, voters, NODES, &e) == 0, "%s", e.text);
        start(p);
    }
}

/* ---- the network */

static bool reachable(const struct peer *a, const struct peer *b)
{
    return a->up && b->up && !a->cut_off && !b->cut_off;
}

static bool deliver(void)
{
    if (n_queue == 0)
        return false;
    struct shard_message *m = queue[0];
    memmove(queue, queue + 1, --n_queue * sizeof(struct shard_message *));
    struct peer *from = &peers[m->from - 1], *to = &peers[m->to - 1];
    bool lost = lose_results && m->type == SHARD_APPEND_RESULT;
    if (reachable(from, to) && to->s && !lost)
        shard_receive(to->s, m);
    else
        shard_message_free(m);
    return true;
}

static bool work(struct peer *p)
{
    if (p->s && p->write_due) {
        p->write_due = false;
        shard_write_run(p->s);
        shard_written(p->s);
        return true;
    }
    if (p->s && p->n_jobs) {
        struct shard_job *job = p->jobs[--p->n_jobs];
        shard_job_run(job);
        shard_job_done(p->s, job);
        return true;
    }
    return false;
}

static void copy_file(struct io *from, struct io *to, const char *path)
{
    uint8_t *buf;
    size_t n;
    struct io_file *f;
    ck_assert_ok(io_read_file(from, path, 64 << 20, &buf, &n));
    ck_assert_ok(io_open(to, path, IO_WRITE | IO_CREATE | IO_TRUNC, &f));
    ck_assert_ok(io_pwrite(f, buf, n, 0));
    ck_assert_ok(io_sync(f));
    io_close(f);
    free(buf);
}

/* What the broker will stream: the partition logs a checkpoint names, then the checkpoint. */
static void install(struct peer *p)
{
    struct peer *leader = &peers[p->install_from - 1];
    struct io *from = io_mem_io(leader->disk), *to = io_mem_io(p->disk);
    uint64_t term = shard_term(p->s), vote = shard_vote(p->s);
    struct checkpoint newest, older;
    struct err e;
    struct wr w;
    bool bad;
    while (work(p))
        continue;
    shard_free(p->s);
    p->s = NULL;
    ck_assert_ok(checkpoint_load(from, "/w", NULL, &newest, &older, &bad, &e));
    ck_assert_ok(io_remove_tree(to, "/l/t-0"));
    ck_assert_ok(io_mkdir(to, "/l/t-0"));
    char **names;
    size_t n;
    ck_assert_ok(io_names(from, "/l/t-0", &names, &n));
    for (size_t i = 0; i < n; i++) {
        char path[IO_PATH_MAX];
        ck_assert_ok(io_path(path, sizeof path, "/l/t-0", "%s", names[i]));
        copy_file(from, to, path);
    }
    io_names_free(names, n);
    ck_assert_ok(io_sync_dir(to, "/l/t-0"));
    ck_assert_ok(io_sync_dir(to, "/l"));
    wr_init(&w, 0);
    checkpoint_encode(&newest, &w);
    struct shard_config cfg = config(p);
    ck_assert_msg(shard_import(&cfg, span_of(w.buf, w.len), term, vote, &e) == 0, "%s", e.text);
    wr_free(&w);
    checkpoint_release(&newest);
    checkpoint_release(&older);
    installs++;
    start(p);
}

static void settle(void)
{
    bool busy = true;
    for (int i = 0; busy && i < 100000; i++) {
        busy = deliver();
        for (int k = 0; k < NODES; k++) {
            busy = work(&peers[k]) || busy;
            if (peers[k].wants_install && !hold_installs)
                install(&peers[k]);
        }
    }
}

static void pass(int64_t ms)
{
    for (int64_t t = 0; t < ms; t += 20) {
        for (int i = 0; i < NODES; i++) {
            clock_manual_advance(&peers[i].clock, 20);
            if (peers[i].s)
                shard_tick(peers[i].s);
        }
        settle();
    }
}

static struct peer *leader(void)
{
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < NODES; i++)
            if (peers[i].up && !peers[i].cut_off && peers[i].leads)
                return &peers[i];
        pass(200);
    }
    ck_abort_msg("no leader in 20 s");
    return NULL;
}

/* ---- records */

struct sent {
    struct shard_produce produce;
    struct wr bytes;
    bool done;
};

static void on_done(struct shard_produce *p)
{
    ((struct sent *)p->arg)->done = true;
}

static struct sent *produce(struct peer *p, const char *text)
{
    struct sent *m = calloc(1, sizeof *m);
    struct batch_builder b;
    batch_builder_init(&b, BATCH_NONE);
    batch_builder_add(&b, 1, span_of(NULL, 0), span_str(text), NULL, 0);
    wr_init(&m->bytes, 0);
    ck_assert_ok(batch_builder_finish(&b, &m->bytes));
    batch_builder_release(&b);
    m->produce = (struct shard_produce){.topic_id = topic_id,
                                        .bytes = m->bytes.buf,
                                        .n = m->bytes.len,
                                        .meta_index = 1,
                                        .done = on_done,
                                        .arg = m};
    ck_assert_ok(batch_peek(span_of(m->bytes.buf, m->bytes.len), &m->produce.batch));
    shard_produce(p->s, &m->produce);
    shard_flush(p->s);
    return m;
}

static void drop(struct sent *m)
{
    wr_free(&m->bytes);
    free(m);
}

static void produce_ok(int n)
{
    for (int i = 0; i < n; i++) {
        char text[500];
        memset(text, 'x', sizeof text - 1);
        text[sizeof text - 1] = 0;
        struct sent *m = produce(leader(), text);
        settle();
        for (int k = 0; !m->done && k < 50; k++)
            pass(100);
        ck_assert(m->done);
        ck_assert_int_eq(m->produce.code, 0);
        drop(m);
    }
}

/* The committed log of a node, byte for byte. */
static struct wr contents(struct peer *p)
{
    struct plog *log = shard_partition(p->s, &topic_id, 0);
    struct wr w;
    struct err e;
    wr_init(&w, 0);
    for (int64_t offset = 0; offset < plog_high_watermark(log);) {
        struct plog_slice sl;
        ck_assert_msg(plog_read(log, offset, plog_high_watermark(log), 1 << 20, true, &sl, &e) == 0,
                      "%s", e.text);
        uint8_t *to = wr_grow(&w, sl.len);
        ck_assert_int_eq(plog_slice_read(&sl, to), sl.len);
        offset = sl.next_offset;
        plog_slice_release(&sl);
    }
    return w;
}

static void all_equal(size_t least)
{
    pass(3000);
    struct wr first = contents(&peers[0]);
    ck_assert_uint_ge(first.len, least);
    for (int i = 1; i < NODES; i++) {
        struct wr w = contents(&peers[i]);
        ck_assert_msg(w.len == first.len && memcmp(w.buf, first.buf, w.len) == 0, "node %d differs",
                      i + 1);
        wr_free(&w);
    }
    wr_free(&first);
}

static void end_cluster(void)
{
    for (int i = 0; i < NODES; i++) {
        while (work(&peers[i]))
            continue;
        shard_free(peers[i].s);
        io_mem_free(peers[i].disk);
    }
    while (n_queue)
        shard_message_free(queue[--n_queue]);
    meta_image_unref(image);
}

START_TEST(three_nodes_elect_and_replicate)
{
    build_cluster();
    struct peer *l = leader();
    struct sent *m = produce(l, "hello");
    while (work(l)) /* durable on the leader alone: not committed */
        continue;
    ck_assert(!m->done);
    settle();
    ck_assert(m->done);
    ck_assert_int_eq(m->produce.code, 0);
    drop(m);
    produce_ok(10);
    all_equal(100);
    end_cluster();
}
END_TEST

START_TEST(a_lost_leaders_tail_is_truncated)
{
    build_cluster();
    produce_ok(5);
    struct peer *old = leader();
    old->cut_off = true;
    struct sent *lost = produce(old, "never committed");
    while (work(old))
        continue;
    ck_assert(!lost->done);
    uint64_t end = shard_applied_index(old->s) + 1;
    struct peer *fresh = leader();
    ck_assert_ptr_ne(fresh, old);
    produce_ok(3);
    ck_assert_uint_gt(shard_commit_index(fresh->s), end);
    old->cut_off = false;
    pass(3000);
    ck_assert(lost->done);
    ck_assert_int_ne(lost->produce.code, 0);
    truncations++;
    drop(lost);
    produce_ok(3);
    all_equal(100);
    end_cluster();
}
END_TEST

/* Whoever leads next but wanted stands still for a while, until wanted does. */
static void make_leader(struct peer *wanted)
{
    for (int i = 0; i < 100; i++) {
        struct peer *l = leader();
        if (l == wanted)
            return;
        l->cut_off = true;
        leader();
        l->cut_off = false;
        pass(1000);
    }
    ck_abort_msg("a node never leads");
}

START_TEST(offsets_staged_by_a_lost_leader_are_given_anew_when_it_leads_again)
{
    build_cluster();
    produce_ok(3);
    struct peer *old = leader();
    old->cut_off = true;
    struct sent *lost = produce(old, "never committed");
    struct sent *more = produce(old, "nor this");
    while (work(old))
        continue;
    leader();
    old->cut_off = false;
    pass(3000);
    ck_assert(lost->done && more->done);
    drop(lost);
    drop(more);
    make_leader(old);
    struct sent *next = produce(old, "kept");
    settle();
    ck_assert(next->done);
    ck_assert_int_eq(next->produce.code, 0);
    ck_assert_int_eq(next->produce.base_offset, 3);
    drop(next);
    produce_ok(2);
    all_equal(100);
    end_cluster();
}
END_TEST

START_TEST(each_node_restarts_from_what_was_synced)
{
    build_cluster();
    produce_ok(5);
    for (int i = 0; i < NODES; i++) {
        power_off(&peers[i]);
        produce_ok(3);
        start(&peers[i]);
        pass(500);
        produce_ok(2);
    }
    for (int i = 0; i < NODES; i++) /* and all at once */
        power_off(&peers[i]);
    for (int i = 0; i < NODES; i++)
        start(&peers[i]);
    produce_ok(2);
    all_equal(100);
    end_cluster();
}
END_TEST

START_TEST(a_leader_without_followers_can_stop)
{
    build_cluster();
    produce_ok(3);
    struct peer *l = leader();
    l->cut_off = true;
    struct sent *m = produce(l, "of an outcome that nobody knows");
    while (work(l))
        continue;
    ck_assert(!m->done);
    shard_stop(l->s);
    while (work(l))
        continue;
    ck_assert(shard_stopped(l->s));
    ck_assert(m->done);
    ck_assert_int_eq(m->produce.code, ERR_UNKNOWN_OUTCOME);
    drop(m);
    end_cluster();
}
END_TEST

static void checkpoint_all(void)
{
    for (int i = 0; i < NODES; i++) {
        if (!peers[i].up)
            continue;
        shard_checkpoint(peers[i].s);
        settle();
    }
}

/* Raft is told of a checkpoint once per index; what it was not told to forget it still offers. */
START_TEST(a_lagging_node_catches_up_across_checkpoints_of_one_index)
{
    build_cluster();
    produce_ok(3);
    checkpoint_all();
    produce_ok(1);
    struct peer *l = leader(), *behind = l == &peers[0] ? &peers[1] : &peers[0];
    power_off(behind);
    produce_ok(1);
    for (int i = 0; i < 2; i++)
        checkpoint_all();
    start(behind);
    all_equal(100);
    ck_assert_uint_eq(installs, 0);
    end_cluster();
}
END_TEST

START_TEST(a_node_too_far_behind_takes_a_checkpoint)
{
    build_cluster();
    produce_ok(3);
    struct peer *l = leader(), *behind = l == &peers[0] ? &peers[1] : &peers[0];
    power_off(behind);
    for (int round = 0; round < 4;
         round++) { /* two checkpoints release what lies before the first */
        produce_ok(100);
        checkpoint_all();
    }
    start(behind);
    pass(5000);
    ck_assert_uint_gt(installs, 0);
    produce_ok(3);
    all_equal(1000);
    power_off(behind);
    start(behind);
    all_equal(1000);
    end_cluster();
}
END_TEST

/* A cut off leader with an entry of its own, and others that went on and released what it lacks. */
static struct peer *strand(struct sent **own)
{
    produce_ok(2);
    struct peer *old = leader();
    old->cut_off = true;
    *own = produce(old, "of one node alone");
    while (work(old))
        continue;
    for (int round = 0; round < 4; round++) {
        produce_ok(100);
        checkpoint_all();
    }
    return old;
}

/* The leader's heartbeats go on meanwhile, and raft's commit index with them. */
START_TEST(nothing_is_applied_while_a_checkpoint_is_on_its_way)
{
    struct sent *own;
    build_cluster();
    struct peer *old = strand(&own);
    uint64_t applied = shard_applied_index(old->s);
    hold_installs = true;
    old->cut_off = false;
    pass(5000);
    ck_assert(old->wants_install);
    ck_assert_uint_eq(shard_applied_index(old->s), applied);
    ck_assert(!own->done || own->produce.code != 0);
    ck_assert(!shard_poisoned(old->s));
    hold_installs = false;
    pass(5000);
    ck_assert_uint_gt(installs, 0);
    all_equal(1000);
    end_cluster();
    drop(own);
}
END_TEST

START_TEST(a_node_stops_while_a_checkpoint_is_on_its_way)
{
    struct sent *own;
    build_cluster();
    struct peer *old = strand(&own);
    hold_installs = true;
    old->cut_off = false;
    pass(5000);
    ck_assert(old->wants_install);
    shard_stop(old->s);
    pass(1000);
    ck_assert(shard_stopped(old->s));
    ck_assert(own->done);
    ck_assert_int_eq(own->produce.code, ERR_UNKNOWN_OUTCOME);
    hold_installs = old->wants_install = false;
    end_cluster();
    drop(own);
}
END_TEST

static struct shard_message *append_of_noops(struct peer *from, struct peer *to, uint32_t n)
{
    struct shard_message *m = shard_message_new();
    m->type = SHARD_APPEND;
    m->from = from->id;
    m->to = to->id;
    m->term = shard_term(from->s);
    m->append.entries = calloc(n, sizeof *m->append.entries);
    m->append.n = n;
    for (uint32_t i = 0; i < n; i++) {
        struct wal_payload p;
        ck_assert_ok(wal_payload_init(&p, 64));
        ck_assert_ptr_nonnull(wal_payload_frame(&p, WAL_NOOP, 0, 0));
        wal_payload_stamp(&p, 0, 1);
        struct shard_message_entry *e = &m->append.entries[i];
        *e = (struct shard_message_entry){.term = 1, .payload = malloc(p.len), .n = p.len};
        memcpy(e->payload, wal_payload_span(&p).p, p.len);
        wal_payload_release(&p);
    }
    return m;
}

/* libraft compares nothing with entries that it has forgotten. */
START_TEST(a_message_from_before_the_checkpoint_changes_nothing)
{
    build_cluster();
    for (int round = 0; round < 4; round++) {
        produce_ok(10);
        checkpoint_all();
    }
    struct peer *l = leader(), *other = l == &peers[0] ? &peers[1] : &peers[0];
    pass(1000);
    uint64_t applied = shard_applied_index(other->s);
    for (uint32_t n = 0; n < 4; n++)
        shard_receive(other->s, append_of_noops(l, other, n));
    ck_assert(!shard_poisoned(other->s));
    ck_assert_uint_eq(shard_applied_index(other->s), applied);
    produce_ok(3);
    all_equal(100);
    ck_assert_uint_eq(installs, 0);
    end_cluster();
}
END_TEST

static struct shard_message *refusal(struct peer *from, struct peer *to, uint64_t rejected)
{
    struct shard_message *m = shard_message_new();
    m->type = SHARD_APPEND_RESULT;
    m->from = from->id;
    m->to = to->id;
    m->term = shard_term(to->s);
    m->append_result.rejected = rejected;
    m->append_result.last_index = rejected - 1;
    return m;
}

/* Of two refusals the second is from before the entry that it misses was confirmed. libraft alone
 * would send that node nothing but empty messages from then on. */
START_TEST(a_refusal_that_was_overtaken_is_none)
{
    build_cluster();
    produce_ok(3);
    pass(1000);
    struct peer *l = leader(), *other = l == &peers[0] ? &peers[1] : &peers[0];
    uint64_t confirmed = shard_applied_index(l->s);
    other->cut_off = true;
    produce_ok(1);
    shard_receive(l->s, refusal(other, l, confirmed + 1));
    shard_receive(l->s, refusal(other, l, confirmed));
    settle();
    other->cut_off = false;
    all_equal(100);
    end_cluster();
}
END_TEST

static unsigned beyond_the_bound(void)
{
    unsigned n = 0;
    for (int i = 0; i < NODES; i++) {
        struct shard_stats st;
        shard_stats(peers[i].s, &st);
        n += st.wal_bytes > wal_max;
    }
    return n;
}

/* Leader after leader writes its first entry, and nobody gets to know that the others have it. When
 * they do, nothing is committed yet of what fills the logs. */
START_TEST(logs_full_of_what_is_not_committed_go_on)
{
    wal_max = 4 * SEGMENT;
    build_cluster();
    produce_ok(3);
    lose_results = true;
    for (int i = 0; beyond_the_bound() < NODES && i < 100; i++)
        pass(10000);
    ck_assert_uint_eq(beyond_the_bound(), NODES);
    lose_results = false;
    produce_ok(3);
    checkpoint_all();
    checkpoint_all();
    ck_assert_uint_eq(beyond_the_bound(), 0);
    all_equal(100);
    end_cluster();
}
END_TEST

/* Its followers never heard of them, and the next leader has others. */
START_TEST(a_log_full_of_what_was_truncated_goes_on)
{
    enum { MANY = 60 };
    struct sent *lost[MANY];
    char text[8000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    wal_max = 4 * SEGMENT;
    build_cluster();
    produce_ok(3);
    struct peer *old = leader();
    old->cut_off = true;
    for (int i = 0; i < MANY; i++) {
        lost[i] = produce(old, text);
        while (work(old))
            continue;
    }
    ck_assert_ptr_ne(leader(), old);
    produce_ok(10);
    old->cut_off = false;
    all_equal(100);
    for (int i = 0; i < MANY; i++) {
        ck_assert(lost[i]->done);
        drop(lost[i]);
    }
    end_cluster();
}
END_TEST

UNIT_MAIN(three_nodes_elect_and_replicate, a_lost_leaders_tail_is_truncated,
          offsets_staged_by_a_lost_leader_are_given_anew_when_it_leads_again,
          each_node_restarts_from_what_was_synced, a_leader_without_followers_can_stop,
          a_lagging_node_catches_up_across_checkpoints_of_one_index,
          a_node_too_far_behind_takes_a_checkpoint,
          nothing_is_applied_while_a_checkpoint_is_on_its_way,
          a_node_stops_while_a_checkpoint_is_on_its_way,
          a_message_from_before_the_checkpoint_changes_nothing,
          a_refusal_that_was_overtaken_is_none, logs_full_of_what_is_not_committed_go_on,
          a_log_full_of_what_was_truncated_goes_on)

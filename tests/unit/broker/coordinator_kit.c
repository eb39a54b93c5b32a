#include "tests/unit/broker/coordinator_kit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/group_partition.h"

struct coordinator *c;
struct coordinator_config config;
struct clock_manual wall;
const char *live_topic;
bool (*topic_answer)(struct kp_str name);
int append_fails;
int64_t commit_retention_ms = -1;

static struct loop *loop;
static struct deadlines deadlines;

/* ---- the log */

enum { BATCHES = 4096 };
static struct kept {
    struct wr batch;
    int32_t partition;
    void (*done)(void *arg, int code);
    void *arg;
    bool applied;
} kept[BATCHES];
static int n_kept, next_kept; /* all; the oldest that waits */

static int append(void *ctx, struct kp_str group, struct wr *batch,
                  void (*done)(void *arg, int code), void *arg)
{
    (void)ctx;
    if (append_fails)
        return append_fails;
    ck_assert_int_lt(n_kept, BATCHES);
    kept[n_kept++] = (struct kept){
        .batch = *batch, .partition = group_partition(group, PARTITIONS), .done = done, .arg = arg};
    return 0;
}

int waiting(void)
{
    return n_kept - next_kept;
}

static void settle_next(int code)
{
    ck_assert_int_gt(waiting(), 0);
    struct kept *k = &kept[next_kept++];
    k->applied = !code;
    k->done(k->arg, code);
    settle();
}

void apply(void)
{
    settle_next(0);
}

void refuse(int code)
{
    settle_next(code);
}

static bool topic_lives(void *ctx, struct kp_str name, const struct uuid *id)
{
    (void)ctx;
    (void)id;
    if (topic_answer)
        return topic_answer(name);
    return !live_topic || kp_str_is(name, live_topic);
}

static const struct coordinator_host host = {NULL, append, topic_lives};

/* ---- life */

static void make(bool loaded)
{
    config.loop = loop;
    config.deadlines = &deadlines;
    config.empty = loaded;
    c = coordinator_new(&config);
    ck_assert_ptr_nonnull(c);
}

void configure(void)
{
    config = (struct coordinator_config){
        .host = &host,
        .clock = &wall.clock,
        .limits = {.min_session_ms = 6000, .max_session_ms = 1800000, .max_members = 10},
        .memory_bytes = 1 << 20,
        .commit_bytes = 1 << 16,
        .retention_ms = 7LL * DAY_MS,
        .sweep_ms = DAY_MS,
        .n_partitions = PARTITIONS};
}

void begin(bool loaded)
{
    clock_manual_init(&wall, 0, 1700000000000);
    loop = loop_new();
    ck_assert_ok(deadlines_init(&deadlines, loop));
    if (!config.host)
        configure();
    make(loaded);
}

void load(int32_t partition)
{
    struct group_replay r;
    struct err e = {0};
    group_replay_init(&r, coordinator_group_host(), coordinator_limits(c), NULL);
    for (int i = 0; i < n_kept; i++) {
        if (kept[i].applied && kept[i].partition == partition)
            ck_assert_ok(group_replay_add(&r, span_of(kept[i].batch.buf, kept[i].batch.len), &e));
    }
    ck_assert_ok(group_replay_finish(&r, &e));
    coordinator_loaded(c, partition, &r);
    group_replay_release(&r);
}

void restart(void)
{
    while (waiting())
        refuse(ERR_CLOSED);
    coordinator_free(c);
    make(false);
    for (int32_t i = 0; i < PARTITIONS; i++)
        load(i);
}

static char *ids[64];
static int n_ids;

void end(void)
{
    while (waiting())
        refuse(ERR_CLOSED);
    coordinator_free(c);
    deadlines_release(&deadlines);
    loop_free(loop);
    for (int i = 0; i < n_kept; i++)
        wr_free(&kept[i].batch);
    n_kept = next_kept = 0;
    while (n_ids)
        free(ids[--n_ids]);
}

void settle(void)
{
    ck_assert_ok(loop_virtual_advance(loop, 0));
}

void pass(int64_t ms)
{
    clock_manual_advance(&wall, ms);
    ck_assert_ok(loop_virtual_advance(loop, ms));
}

/* ---- calls */

static void on_done(struct group_call *call)
{
    struct ask *a = call->arg;
    ck_assert_msg(!a->answered, "answered twice");
    a->answered = true;
}

void prepare(struct ask *a, void *resp)
{
    a->answered = false;
    a->resp = resp;
    a->call = (struct group_call){.resp = resp,
                                  .arena = &a->arena,
                                  .client_id = kp_str("client"),
                                  .client_host = kp_str("/host"),
                                  .done = on_done,
                                  .arg = a};
}

void ask(struct ask *a, void (*run)(struct coordinator *c, struct group_call *call),
         int16_t version, const void *req, const struct kp_schema *resp)
{
    arena_init(&a->arena, 0);
    prepare(a, resp ? kp_array(resp, &a->arena, 1) : NULL);
    a->call.req = req;
    a->call.version = version;
    coordinator_call(c, &a->call, run);
    settle();
}

void forget(struct ask *a)
{
    ck_assert_msg(a->answered, "never answered");
    arena_free(&a->arena);
}

struct kp_join_group_resp *join(struct ask *a, const char *group, const char *member_id)
{
    static struct kp_join_group_req_protocols range;
    static struct kp_join_group_req req;
    kp_init(&kp_join_group_req_schema, &req);
    range = (struct kp_join_group_req_protocols){
        kp_str("range"), {(const uint8_t *)"\0\0\0\0\0\1\0\1t\xff\xff\xff\xff", 13}};
    req.group_id = kp_str(group);
    req.session_timeout_ms = 10000;
    req.rebalance_timeout_ms = 60000;
    req.member_id = kp_str(member_id);
    req.protocol_type = kp_str("consumer");
    req.n_protocols = 1;
    req.protocols = &range;
    ask(a, coordinator_join, 3, &req, &kp_join_group_resp_schema);
    return a->resp;
}

struct kp_sync_group_resp *sync_all(struct ask *a, const char *group, const char *member_id,
                                    int32_t generation)
{
    struct kp_sync_group_req req;
    kp_init(&kp_sync_group_req_schema, &req);
    req.group_id = kp_str(group);
    req.member_id = kp_str(member_id);
    req.generation_id = generation;
    ask(a, coordinator_sync, 0, &req, &kp_sync_group_resp_schema);
    return a->resp;
}

int16_t heartbeat(const char *group, const char *member_id, int32_t generation)
{
    struct ask a;
    struct kp_heartbeat_req req;
    kp_init(&kp_heartbeat_req_schema, &req);
    req.group_id = kp_str(group);
    req.member_id = kp_str(member_id);
    req.generation_id = generation;
    ask(&a, coordinator_heartbeat, 0, &req, &kp_heartbeat_resp_schema);
    int16_t error = ((struct kp_heartbeat_resp *)a.resp)->error_code;
    forget(&a);
    return error;
}

int16_t leave(const char *group, const char *member_id)
{
    struct ask a;
    struct kp_leave_group_req req;
    kp_init(&kp_leave_group_req_schema, &req);
    req.group_id = kp_str(group);
    req.member_id = kp_str(member_id);
    ask(&a, coordinator_leave, 0, &req, &kp_leave_group_resp_schema);
    int16_t error = ((struct kp_leave_group_resp *)a.resp)->error_code;
    forget(&a);
    return error;
}

const char *make_member(const char *group)
{
    struct ask j, s;
    struct kp_join_group_resp *joined = join(&j, group, "");
    ck_assert(j.answered);
    ck_assert_int_eq(joined->error_code, KP_ERR_NONE);
    char *id = strndup(joined->member_id.p, (size_t)joined->member_id.n);
    ids[n_ids++] = id;
    struct kp_sync_group_resp *synced = sync_all(&s, group, id, joined->generation_id);
    apply();
    ck_assert(s.answered);
    ck_assert_int_eq(synced->error_code, KP_ERR_NONE);
    forget(&j);
    forget(&s);
    return id;
}

void commit_as(struct commit *cm, const char *group, const char *member_id, int32_t generation,
               const char *topic, int32_t partition, int64_t offset)
{
    *cm = (struct commit){.error = 12345};
    cm->part = (struct group_commit_part){.offset = {.topic = kp_str(topic),
                                                     .partition = partition,
                                                     .offset = offset,
                                                     .leader_epoch = -1,
                                                     .metadata = kp_str("meta")},
                                          .error = &cm->error};
    cm->in = (struct group_commit){.group = kp_str(group),
                                   .who = {kp_str(member_id), kp_str(NULL), generation},
                                   .parts = &cm->part,
                                   .n = 1,
                                   .retention_ms = commit_retention_ms};
    ask(&cm->ask, coordinator_commit, 8, &cm->in, NULL);
}

void commit(struct commit *cm, const char *group, const char *topic, int32_t partition,
            int64_t offset)
{
    commit_as(cm, group, "", -1, topic, partition, offset);
}

void committed(const char *group, const char *topic, int32_t partition, int64_t offset)
{
    struct commit cm;
    commit(&cm, group, topic, partition, offset);
    ck_assert(!cm.ask.answered);
    apply();
    ck_assert(cm.ask.answered);
    ck_assert_int_eq(cm.error, KP_ERR_NONE);
    forget(&cm.ask);
}

void fetch_one(struct fetch_one *f, const char *group, const char *topic, int32_t partition)
{
    f->partition = partition;
    f->topic = (struct kp_offset_fetch_req_groups_topics){kp_str(topic), 1, &f->partition};
    f->group = (struct kp_offset_fetch_req_groups){
        .group_id = kp_str(group), .n_topics = 1, .topics = &f->topic};
    f->in = (struct group_fetch){&f->group, 1};
    ask(&f->ask, coordinator_fetch, 8, &f->in, &kp_offset_fetch_resp_groups_schema);
}

int64_t fetch_told(struct fetch_one *f)
{
    ck_assert_msg(f->ask.answered, "the offset is not told yet");
    struct kp_offset_fetch_resp_groups *r = f->ask.resp;
    int64_t offset = -r->error_code;
    if (!r->error_code) {
        ck_assert_int_eq(r->topics[0].partitions[0].partition_index, f->partition);
        offset = r->topics[0].partitions[0].committed_offset;
        ck_assert_int_eq(r->topics[0].partitions[0].metadata.n, offset < 0 ? 0 : 4);
    }
    forget(&f->ask);
    return offset;
}

int64_t fetched(const char *group, const char *topic, int32_t partition)
{
    struct fetch_one f;
    fetch_one(&f, group, topic, partition);
    return fetch_told(&f);
}

const char *listed(void)
{
    static char text[1024];
    struct ask a;
    struct kp_list_groups_req req;
    kp_init(&kp_list_groups_req_schema, &req);
    ask(&a, coordinator_list, 4, &req, &kp_list_groups_resp_schema);
    struct kp_list_groups_resp *r = a.resp;
    *text = 0;
    if (r->error_code)
        snprintf(text, sizeof text, "%s", kp_error_name(r->error_code));
    for (int32_t i = 0; i < r->n_groups; i++) {
        size_t at = strlen(text);
        snprintf(text + at, sizeof text - at, "%s%.*s:%.*s", i ? " " : "", r->groups[i].group_id.n,
                 r->groups[i].group_id.p, r->groups[i].group_state.n, r->groups[i].group_state.p);
    }
    forget(&a);
    return text;
}

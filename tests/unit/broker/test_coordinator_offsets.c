/* The coordinator: commits, what is deleted, what time takes away. */
#include <errno.h>
#include <stdio.h>

#include "batch/records.h"
#include "broker/group_partition.h"
#include "tests/unit/broker/coordinator_kit.h"

#define ck_error(got, want)                                                 \
    do {                                                                    \
        int16_t got_ = (got);                                               \
        ck_assert_msg(got_ == (want), "%s: %s", #got, kp_error_name(got_)); \
    } while (0)

/* ---- commits */

START_TEST(a_commit_is_answered_and_seen_when_it_is_durable)
{
    struct commit cm;
    begin(true);
    commit(&cm, "g", "t", 3, 42);
    ck_assert(!cm.ask.answered);
    apply();
    ck_assert(cm.ask.answered);
    ck_error(cm.error, KP_ERR_NONE);
    ck_assert_int_eq(fetched("g", "t", 3), 42);
    ck_assert_int_eq(fetched("g", "t", 4), -1);
    ck_assert_int_eq(fetched("other", "t", 3), -1);
    forget(&cm.ask);
    end();
}
END_TEST

START_TEST(a_commit_that_fails_is_not_seen)
{
    static const struct {
        int code;
        int16_t error;
    } all[] = {{ERR_POISONED, KP_ERR_NOT_COORDINATOR},
               {ERR_CLOSED, KP_ERR_NOT_COORDINATOR},
               {ERR_NOTLEADER, KP_ERR_NOT_COORDINATOR},
               {-ENOSPC, KP_ERR_COORDINATOR_NOT_AVAILABLE},
               {ERR_NOTFOUND, KP_ERR_COORDINATOR_NOT_AVAILABLE}};
    begin(true);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct commit cm;
        commit(&cm, "g", "t", 0, 42);
        refuse(all[i].code);
        ck_assert(cm.ask.answered);
        ck_error(cm.error, all[i].error);
        forget(&cm.ask);
        ck_assert_int_eq(fetched("g", "t", 0), -1);
        ck_assert_str_eq(listed(), ""); /* nothing of the group is left */
    }
    append_fails = -ENOMEM;
    struct commit cm;
    commit(&cm, "g", "t", 0, 42);
    ck_error(cm.error, KP_ERR_COORDINATOR_NOT_AVAILABLE);
    forget(&cm.ask);
    end();
}
END_TEST

START_TEST(the_later_of_two_commits_stays)
{
    struct commit a, b;
    begin(true);
    commit(&a, "g", "t", 0, 1);
    commit(&b, "g", "t", 0, 2);
    apply();
    ck_assert(a.ask.answered);
    ck_assert(!b.ask.answered);
    apply();
    ck_assert_int_eq(fetched("g", "t", 0), 2);
    forget(&a.ask);
    forget(&b.ask);
    restart();
    ck_assert_int_eq(fetched("g", "t", 0), 2);
    end();
}
END_TEST

START_TEST(only_members_of_the_generation_commit)
{
    struct commit cm;
    begin(true);
    const char *id = make_member("g");
    commit(&cm, "g", "t", 0, 1);
    ck_error(cm.error, KP_ERR_UNKNOWN_MEMBER_ID);
    forget(&cm.ask);
    commit_as(&cm, "g", id, 7, "t", 0, 1);
    ck_error(cm.error, KP_ERR_ILLEGAL_GENERATION);
    forget(&cm.ask);
    commit_as(&cm, "nobody", id, 1, "t", 0, 1);
    ck_error(cm.error, KP_ERR_ILLEGAL_GENERATION); /* of a group that is gone */
    forget(&cm.ask);
    ck_assert_str_eq(listed(), "g:Stable");
    commit_as(&cm, "g", id, 1, "t", 0, 1);
    apply();
    ck_error(cm.error, KP_ERR_NONE);
    forget(&cm.ask);
    end();
}
END_TEST

START_TEST(a_commit_of_nothing_is_answered_at_once)
{
    begin(true);
    struct ask a;
    struct group_commit in = {
        .group = kp_str("g"), .who = {kp_str(""), kp_str(NULL), -1}, .retention_ms = -1};
    ask(&a, coordinator_commit, 8, &in, NULL);
    forget(&a);
    ck_assert_int_eq(waiting(), 0);
    ck_assert_str_eq(listed(), "");
    end();
}
END_TEST

START_TEST(a_commit_has_a_size)
{
    begin(true);
    enum { N = 2000 };
    static struct group_commit_part parts[N];
    static int16_t errors[N];
    struct ask a;
    for (int32_t i = 0; i < N; i++)
        parts[i] = (struct group_commit_part){
            .offset = {.topic = kp_str("t"), .partition = i, .metadata = kp_str("")},
            .error = &errors[i]};
    struct group_commit in = {kp_str("g"), {kp_str(""), kp_str(NULL), -1}, parts, N, -1};
    ask(&a, coordinator_commit, 8, &in, NULL);
    ck_error(errors[0], KP_ERR_INVALID_COMMIT_OFFSET_SIZE);
    ck_error(errors[N - 1], KP_ERR_INVALID_COMMIT_OFFSET_SIZE);
    forget(&a);
    end();
}
END_TEST

START_TEST(memory_is_bounded)
{
    configure();
    config.memory_bytes = 1 << 18;
    begin(true);
    struct commit cm;
    int64_t taken = 0;
    for (;; taken++) {
        commit(&cm, "g", "t", (int32_t)taken, 1);
        if (cm.ask.answered)
            break;
        apply();
        forget(&cm.ask);
    }
    ck_error(cm.error, KP_ERR_COORDINATOR_NOT_AVAILABLE);
    forget(&cm.ask);
    ck_assert_int_gt(taken, 1000);
    ck_assert_int_lt(taken, config.memory_bytes / 100);
    ck_assert_int_eq(fetched("g", "t", 0), 1);
    end();
}
END_TEST

/* ---- OffsetFetch */

START_TEST(all_offsets_of_a_group_are_fetched)
{
    begin(true);
    committed("g", "b", 1, 4);
    committed("g", "a", 10, 2);
    committed("g", "a", 9, 1);
    committed("g", "b", 0, 3);
    committed("h", "a", 0, 9);
    struct ask a;
    struct kp_offset_fetch_req_groups g = {.group_id = kp_str("g"), .n_topics = -1};
    struct group_fetch in = {&g, 1};
    ask(&a, coordinator_fetch, 8, &in, &kp_offset_fetch_resp_groups_schema);
    struct kp_offset_fetch_resp_groups *r = a.resp;
    ck_assert_int_eq(r->n_topics, 2);
    ck_assert(kp_str_is(r->topics[0].name, "a"));
    ck_assert_int_eq(r->topics[0].n_partitions, 2);
    ck_assert_int_eq(r->topics[0].partitions[0].partition_index, 9);
    ck_assert_int_eq(r->topics[0].partitions[1].committed_offset, 2);
    ck_assert_int_eq(r->topics[1].n_partitions, 2);
    ck_assert_int_eq(r->topics[1].partitions[0].committed_offset, 3);
    ck_assert_int_eq(r->topics[1].partitions[1].committed_offset, 4);
    forget(&a);
    g.group_id = kp_str("nobody");
    ask(&a, coordinator_fetch, 8, &in, &kp_offset_fetch_resp_groups_schema);
    ck_assert_int_eq(((struct kp_offset_fetch_resp_groups *)a.resp)->n_topics, 0);
    forget(&a);
    live_topic = "b";
    g.group_id = kp_str("g");
    ask(&a, coordinator_fetch, 8, &in, &kp_offset_fetch_resp_groups_schema);
    r = a.resp;
    ck_assert_int_eq(r->n_topics, 1);
    ck_assert(kp_str_is(r->topics[0].name, "b"));
    forget(&a);
    end();
}
END_TEST

START_TEST(a_fetch_sees_the_commits_before_it)
{
    struct commit a, b;
    struct fetch_one first, second, third;
    begin(true);
    committed("g", "t", 0, 1);
    commit(&a, "g", "t", 0, 2);
    fetch_one(&first, "g", "t", 0);
    fetch_one(&second, "g", "t", 0);
    commit(&b, "g", "t", 0, 3);
    fetch_one(&third, "g", "t", 0);
    ck_assert_int_eq(fetched("h", "t", 0), -1); /* other groups have nothing to do with it */
    ck_assert(!first.ask.answered);
    apply();
    ck_assert_int_eq(fetch_told(&first), 2); /* what came later is not waited for */
    ck_assert_int_eq(fetch_told(&second), 2);
    ck_assert(!third.ask.answered);
    apply();
    ck_assert_int_eq(fetch_told(&third), 3);
    ck_assert_int_eq(fetched("g", "t", 0), 3);
    forget(&a.ask);
    forget(&b.ask);
    end();
}
END_TEST

START_TEST(a_fetch_behind_a_commit_that_fails_sees_the_old_offset)
{
    struct commit cm;
    struct fetch_one f;
    begin(true);
    commit(&cm, "new", "t", 0, 1);
    fetch_one(&f, "new", "t", 0);
    refuse(ERR_POISONED);
    ck_assert_int_eq(fetch_told(&f), -1);
    ck_assert_str_eq(listed(), ""); /* the group is not there any more */
    forget(&cm.ask);
    committed("g", "t", 0, 1);
    commit(&cm, "g", "t", 0, 2);
    fetch_one(&f, "g", "t", 0);
    refuse(-ENOSPC);
    ck_assert_int_eq(fetch_told(&f), 1);
    forget(&cm.ask);
    end();
}
END_TEST

START_TEST(a_fetch_of_several_groups_waits_for_each)
{
    struct commit cm[2];
    struct ask a;
    static int32_t partition;
    struct kp_offset_fetch_req_groups_topics t = {kp_str("t"), 1, &partition};
    struct kp_offset_fetch_req_groups groups[3] = {
        {.group_id = kp_str("g"), .n_topics = 1, .topics = &t},
        {.group_id = kp_str("nobody"), .n_topics = 1, .topics = &t},
        {.group_id = kp_str("h"), .n_topics = -1}};
    struct group_fetch in = {groups, 3};
    begin(true);
    commit(&cm[0], "g", "t", 0, 1);
    commit(&cm[1], "h", "t", 0, 2);
    arena_init(&a.arena, 0);
    struct kp_offset_fetch_resp_groups *r =
        kp_array(&kp_offset_fetch_resp_groups_schema, &a.arena, 3);
    prepare(&a, r);
    a.call.req = &in;
    coordinator_call(c, &a.call, coordinator_fetch);
    settle();
    apply();
    ck_assert(!a.answered);
    apply();
    ck_assert(a.answered);
    ck_assert_int_eq(r[0].topics[0].partitions[0].committed_offset, 1);
    ck_assert_int_eq(r[1].topics[0].partitions[0].committed_offset, -1);
    ck_assert_int_eq(r[2].topics[0].partitions[0].committed_offset, 2);
    forget(&a);
    forget(&cm[0].ask);
    forget(&cm[1].ask);
    end();
}
END_TEST

enum { MANY = 100 };
static int answers, changes_after; /* about topics */
static bool a_lives_first;

/* Topic a goes, or comes, once so many answers were given. */
static bool a_changes(struct kp_str name)
{
    bool changed = answers++ >= changes_after;
    return !kp_str_is(name, "a") || changed != a_lives_first;
}

static void ck_topic(const struct kp_offset_fetch_resp_groups_topics *t, const char *name,
                     int32_t n)
{
    ck_assert(kp_str_is(t->name, name));
    ck_assert_int_eq(t->n_partitions, n);
    for (int32_t i = 0; i < n; i++) {
        ck_assert_int_eq(t->partitions[i].partition_index, i);
        ck_assert_int_eq(t->partitions[i].committed_offset, 1000 + i);
        ck_assert(kp_str_is(t->partitions[i].metadata, "meta"));
    }
}

START_TEST(topics_may_change_while_all_offsets_are_fetched)
{
    begin(true);
    committed("g", "a", 0, 1000);
    for (int32_t i = 0; i < MANY; i++)
        committed("g", "b", i, 1000 + i);
    topic_answer = a_changes;
    struct kp_offset_fetch_req_groups g = {.group_id = kp_str("g"), .n_topics = -1};
    struct group_fetch in = {&g, 1};
    for (int run = 0; run < 8 * MANY; run++) {
        struct ask a;
        answers = 0;
        a_lives_first = run % 2;
        changes_after = run / 2;
        ask(&a, coordinator_fetch, 8, &in, &kp_offset_fetch_resp_groups_schema);
        struct kp_offset_fetch_resp_groups *r = a.resp;
        ck_error(r->error_code, KP_ERR_NONE);
        ck_assert(r->n_topics == 1 || r->n_topics == 2);
        if (r->n_topics == 2)
            ck_topic(&r->topics[0], "a", 1);
        ck_topic(&r->topics[r->n_topics - 1], "b", MANY);
        forget(&a);
    }
    topic_answer = NULL;
    end();
}
END_TEST

START_TEST(offsets_of_a_deleted_topic_are_not_told)
{
    begin(true);
    committed("g", "t", 0, 42);
    live_topic = "other";
    ck_assert_int_eq(fetched("g", "t", 0), -1);
    end();
}
END_TEST

/* ---- DeleteGroups */

struct deletion {
    struct ask ask;
    struct kp_delete_groups_resp *resp;
};

static void delete_groups(struct deletion *d, const char *a, const char *b)
{
    arena_init(&d->ask.arena, 0);
    d->resp = kp_array(&kp_delete_groups_resp_schema, &d->ask.arena, 1);
    d->resp->n_results = b ? 2 : 1;
    d->resp->results = kp_array(&kp_delete_groups_resp_results_schema, &d->ask.arena, 2);
    d->resp->results[0].group_id = kp_str(a);
    d->resp->results[1].group_id = kp_str(b);
    prepare(&d->ask, d->resp);
    coordinator_call(c, &d->ask.call, coordinator_delete);
    settle();
}

START_TEST(a_deleted_group_is_gone_for_good)
{
    struct deletion d;
    begin(true);
    committed("g", "t", 0, 1);
    committed("g", "t", 1, 2);
    delete_groups(&d, "g", "nobody");
    ck_assert(!d.ask.answered);
    ck_assert_str_eq(listed(), "g:Dead");
    ck_assert_int_eq(fetched("g", "t", 0), -1);
    struct ask j;
    ck_error(join(&j, "g", "")->error_code, KP_ERR_COORDINATOR_NOT_AVAILABLE);
    forget(&j);
    apply();
    ck_assert(d.ask.answered);
    ck_error(d.resp->results[0].error_code, KP_ERR_NONE);
    ck_error(d.resp->results[1].error_code, KP_ERR_GROUP_ID_NOT_FOUND);
    forget(&d.ask);
    ck_assert_str_eq(listed(), "");
    restart();
    ck_assert_str_eq(listed(), "");
    end();
}
END_TEST

START_TEST(a_group_with_members_is_not_deleted)
{
    struct deletion d;
    begin(true);
    const char *id = make_member("g");
    delete_groups(&d, "g", NULL);
    ck_error(d.resp->results[0].error_code, KP_ERR_NON_EMPTY_GROUP);
    forget(&d.ask);
    ck_error(heartbeat("g", id, 1), KP_ERR_NONE);
    leave("g", id);
    apply();
    delete_groups(&d, "g", NULL);
    apply();
    ck_error(d.resp->results[0].error_code, KP_ERR_NONE);
    forget(&d.ask);
    restart();
    ck_assert_str_eq(listed(), "");
    end();
}
END_TEST

START_TEST(a_deletion_waits_for_commits_under_way)
{
    struct deletion d;
    struct commit cm;
    struct fetch_one before;
    begin(true);
    committed("g", "t", 0, 1);
    commit(&cm, "g", "t", 7, 2);
    fetch_one(&before, "g", "t", 7);
    delete_groups(&d, "g", NULL);
    ck_assert_int_eq(fetched("g", "t", 7), -1); /* behind the deletion */
    ck_assert_int_eq(waiting(), 1);             /* the commit's record has to come first */
    apply();
    ck_error(cm.error, KP_ERR_NONE);
    forget(&cm.ask);
    ck_assert_int_eq(fetch_told(&before), 2);
    ck_assert_int_eq(waiting(), 1);
    apply();
    ck_error(d.resp->results[0].error_code, KP_ERR_NONE);
    forget(&d.ask);
    restart();
    ck_assert_str_eq(listed(), "");
    end();
}
END_TEST

START_TEST(a_deletion_that_fails_leaves_the_group)
{
    struct deletion d;
    begin(true);
    committed("g", "t", 0, 1);
    delete_groups(&d, "g", NULL);
    refuse(ERR_POISONED);
    ck_error(d.resp->results[0].error_code, KP_ERR_NOT_COORDINATOR);
    forget(&d.ask);
    append_fails = -ENOMEM;
    delete_groups(&d, "g", NULL);
    ck_error(d.resp->results[0].error_code, KP_ERR_COORDINATOR_NOT_AVAILABLE);
    forget(&d.ask);
    ck_assert_str_eq(listed(), "g:Empty");
    ck_assert_int_eq(fetched("g", "t", 0), 1);
    end();
}
END_TEST

/* ---- OffsetDelete */

struct removal {
    struct ask ask;
    struct kp_offset_delete_req req;
    struct kp_offset_delete_resp *resp;
};

static void remove_offset(struct removal *r, const char *group, const char *topic,
                          int32_t partition)
{
    struct arena *a = &r->ask.arena;
    arena_init(a, 0);
    kp_init(&kp_offset_delete_req_schema, &r->req);
    r->req.group_id = kp_str(group);
    r->resp = kp_array(&kp_offset_delete_resp_schema, a, 1);
    r->resp->n_topics = 1;
    r->resp->topics = kp_array(&kp_offset_delete_resp_topics_schema, a, 1);
    r->resp->topics[0].name = kp_str(topic);
    r->resp->topics[0].n_partitions = 1;
    r->resp->topics[0].partitions = kp_array(&kp_offset_delete_resp_topics_partitions_schema, a, 1);
    r->resp->topics[0].partitions[0].partition_index = partition;
    prepare(&r->ask, r->resp);
    r->ask.call.req = &r->req;
    coordinator_call(c, &r->ask.call, coordinator_delete_offsets);
    settle();
}

START_TEST(single_offsets_are_deleted)
{
    struct removal r;
    begin(true);
    committed("g", "t", 0, 1);
    committed("g", "t", 1, 2);
    remove_offset(&r, "g", "t", 0);
    ck_assert(!r.ask.answered);
    struct fetch_one f;
    fetch_one(&f, "g", "t", 0);
    ck_assert(!f.ask.answered); /* until it is durable */
    apply();
    ck_assert(r.ask.answered);
    ck_error(r.resp->topics[0].partitions[0].error_code, KP_ERR_NONE);
    forget(&r.ask);
    ck_assert_int_eq(fetch_told(&f), -1);
    restart();
    ck_assert_int_eq(fetched("g", "t", 0), -1);
    ck_assert_int_eq(fetched("g", "t", 1), 2);
    remove_offset(&r, "nobody", "t", 0);
    ck_error(r.resp->error_code, KP_ERR_GROUP_ID_NOT_FOUND);
    forget(&r.ask);
    remove_offset(&r, "g", "t", 1);
    fetch_one(&f, "g", "t", 1);
    refuse(ERR_POISONED);
    ck_error(r.resp->topics[0].partitions[0].error_code, KP_ERR_NOT_COORDINATOR);
    forget(&r.ask);
    ck_assert_int_eq(fetch_told(&f), 2);
    end();
}
END_TEST

START_TEST(offsets_of_topics_that_are_read_stay)
{
    struct removal r;
    struct commit cm;
    begin(true);
    const char *id = make_member("g"); /* reads t */
    commit_as(&cm, "g", id, 1, "t", 0, 1);
    apply();
    forget(&cm.ask);
    commit_as(&cm, "g", id, 1, "u", 0, 2);
    apply();
    forget(&cm.ask);
    remove_offset(&r, "g", "t", 0);
    ck_error(r.resp->topics[0].partitions[0].error_code, KP_ERR_GROUP_SUBSCRIBED_TO_TOPIC);
    forget(&r.ask);
    remove_offset(&r, "g", "u", 0);
    apply();
    ck_error(r.resp->topics[0].partitions[0].error_code, KP_ERR_NONE);
    forget(&r.ask);
    ck_assert_int_eq(fetched("g", "t", 0), 1);
    ck_assert_int_eq(fetched("g", "u", 0), -1);
    end();
}
END_TEST

/* ---- what time takes away */

static void apply_all(void)
{
    while (waiting())
        apply();
}

START_TEST(offsets_that_nobody_uses_go_after_a_week)
{
    begin(true);
    committed("g", "t", 0, 1);
    pass(4LL * DAY_MS);
    committed("g", "t", 1, 2);
    committed("h", "t", 0, 3);
    pass(3LL * DAY_MS);
    apply_all();
    ck_assert_int_eq(fetched("g", "t", 0), -1);
    ck_assert_int_eq(fetched("g", "t", 1), 2);
    ck_assert_str_eq(listed(), "g:Empty h:Empty");
    committed("now", "t", 0, 1); /* so that the start is no jump of the clock */
    restart();
    ck_assert_int_eq(fetched("g", "t", 0), -1);
    ck_assert_int_eq(fetched("g", "t", 1), 2);
    pass(5LL * DAY_MS);
    apply_all();
    ck_assert_str_eq(listed(), "now:Empty"); /* a group goes with its last offset */
    restart();
    ck_assert_str_eq(listed(), "now:Empty");
    end();
}
END_TEST

#define TEN_YEARS (INT64_C(3653) * DAY_MS)
enum { MINUTE_MS = 60 * 1000 };

START_TEST(a_clock_that_jumps_removes_no_offset)
{
    configure();
    config.sweep_ms = 10 * MINUTE_MS;
    begin(true);
    committed("g", "t", 0, 1);
    pass(DAY_MS);
    wall.wall += TEN_YEARS;
    pass(50 * MINUTE_MS); /* five sweeps */
    ck_assert_int_eq(waiting(), 0);
    wall.wall -= TEN_YEARS;
    pass(5 * DAY_MS);
    ck_assert_int_eq(waiting(), 0);
    wall.wall += TEN_YEARS; /* what lasts is taken for the truth, but what came before for young */
    for (int i = 0; i < 12; i++)
        pass(10 * MINUTE_MS);
    ck_assert_int_eq(waiting(), 0);
    pass(6LL * DAY_MS);
    ck_assert_int_eq(waiting(), 0);
    pass(2LL * DAY_MS);
    apply_all();
    ck_assert_str_eq(listed(), "");
    end();
}
END_TEST

START_TEST(a_start_with_a_clock_ahead_removes_no_offset)
{
    configure();
    config.sweep_ms = 10 * MINUTE_MS;
    begin(true);
    committed("g", "t", 0, 1);
    committed("h", "t", 0, 1);
    pass(MINUTE_MS);
    wall.wall += TEN_YEARS;
    restart();
    pass(50 * MINUTE_MS);
    ck_assert_int_eq(waiting(), 0);
    wall.wall -= TEN_YEARS;
    pass(DAY_MS);
    ck_assert_int_eq(waiting(), 0);
    end();
}
END_TEST

START_TEST(offsets_committed_by_a_clock_in_the_past_stay)
{
    configure();
    config.sweep_ms = 10 * MINUTE_MS;
    begin(true);
    committed("g", "t", 0, 1);
    pass(DAY_MS);
    wall.wall -= TEN_YEARS; /* no battery */
    restart();
    committed("h", "t", 0, 1);
    wall.wall += TEN_YEARS;
    for (int i = 0; i < 12; i++)
        pass(10 * MINUTE_MS);
    ck_assert_int_eq(waiting(), 0);
    committed("i", "t", 0, 1);
    restart(); /* it does not know any more that the clock stood there */
    pass(DAY_MS);
    ck_assert_str_eq(listed(), "g:Empty h:Empty i:Empty");
    ck_assert_int_eq(waiting(), 0);
    end();
}
END_TEST

/* As Kafka wrote them once: an offset of group g that states itself when it goes, two hours after
 * it was committed, which is when the test begins. */
static void load_expiring(void)
{
    static const uint8_t key[] = "\0\1\0\1g\0\1t\0\0\0\0";
    static const uint8_t value[] = "\0\1\0\0\0\0\0\0\0\1\0\4meta"
                                   "\0\0\x01\x8b\xcf\xe5\x68\0"
                                   "\0\0\x01\x8b\xd0\x53\x45\0";
    struct group_replay r;
    struct err e = {0};
    struct batch_builder b;
    struct wr batch;
    batch_builder_init(&b, BATCH_NONE);
    batch_builder_add(&b, wall.wall, span_of(key, sizeof key - 1), span_of(value, sizeof value - 1),
                      NULL, 0);
    wr_init(&batch, 0);
    ck_assert_ok(batch_builder_finish(&b, &batch));
    group_replay_init(&r, coordinator_group_host(), coordinator_limits(c), NULL);
    ck_assert_ok(group_replay_add(&r, span_of(batch.buf, batch.len), &e));
    ck_assert_ok(group_replay_finish(&r, &e));
    coordinator_loaded(c, group_partition(kp_str("g"), PARTITIONS), &r);
    group_replay_release(&r);
    batch_builder_release(&b);
    wr_free(&batch);
}

START_TEST(an_offset_that_says_when_it_goes_is_no_older_than_a_leap)
{
    configure();
    config.sweep_ms = 10 * MINUTE_MS;
    begin(false);
    load_expiring();
    for (int32_t i = 0; i < PARTITIONS; i++)
        if (i != group_partition(kp_str("g"), PARTITIONS))
            load(i);
    pass(10 * MINUTE_MS);
    wall.wall += TEN_YEARS;
    for (int i = 0; i < 18; i++)
        pass(10 * MINUTE_MS);
    ck_assert_int_eq(waiting(), 0);
    ck_assert_int_eq(fetched("g", "t", 0), 1);
    pass(10 * MINUTE_MS);
    apply_all();
    ck_assert_str_eq(listed(), "");
    end();
}
END_TEST

static void committed_for(int64_t retention_ms, int32_t partition, int64_t offset)
{
    commit_retention_ms = retention_ms;
    committed("g", "t", partition, offset);
    commit_retention_ms = -1;
}

START_TEST(an_offset_is_kept_as_long_as_its_client_asked)
{
    for (int stop = 0; stop < 2; stop++) {
        configure();
        config.sweep_ms = 10 * MINUTE_MS;
        begin(true);
        committed_for(120 * MINUTE_MS, 0, 10);
        committed_for(-1, 1, 11);
        committed_for(INT64_MAX, 2, 12);
        committed_for(30LL * DAY_MS, 3, 13);
        pass(60 * MINUTE_MS);
        committed("now", "t", 0, 1); /* so that a start is no jump of the clock */
        if (stop)
            restart();
        pass(50 * MINUTE_MS);
        ck_assert_int_eq(waiting(), 0);
        ck_assert_int_eq(fetched("g", "t", 0), 10);
        pass(10 * MINUTE_MS);
        apply_all();
        ck_assert_int_eq(fetched("g", "t", 0), -1);
        ck_assert_int_eq(fetched("g", "t", 1), 11);
        pass(8LL * DAY_MS);
        apply_all();
        ck_assert_int_eq(fetched("g", "t", 1), -1);
        ck_assert_int_eq(fetched("g", "t", 2), 12);
        ck_assert_int_eq(fetched("g", "t", 3), 13);
        pass(22LL * DAY_MS);
        apply_all();
        ck_assert_int_eq(fetched("g", "t", 2), 12);
        ck_assert_int_eq(fetched("g", "t", 3), -1);
        end();
    }
}
END_TEST

START_TEST(an_offset_kept_for_no_time_goes_at_the_next_sweep)
{
    begin(true);
    committed_for(0, 0, 10);
    ck_assert_int_eq(fetched("g", "t", 0), 10);
    pass(DAY_MS);
    apply_all();
    ck_assert_str_eq(listed(), "");
    end();
}
END_TEST

START_TEST(a_clock_set_back_is_believed_in_the_end)
{
    configure();
    config.sweep_ms = 10 * MINUTE_MS;
    begin(true);
    wall.wall += TEN_YEARS; /* a start in the future */
    committed("g", "t", 0, 1);
    wall.wall -= TEN_YEARS;
    committed("g", "t", 0, 2); /* too young by far */
    pass(2 * 60 * MINUTE_MS);
    committed("g", "t", 0, 3);
    pass(7LL * DAY_MS - 1);
    ck_assert_int_eq(waiting(), 0);
    pass(10 * MINUTE_MS);
    apply_all();
    ck_assert_str_eq(listed(), "");
    end();
}
END_TEST

START_TEST(offsets_of_a_group_with_members_stay)
{
    struct commit cm;
    begin(true);
    const char *id = make_member("g");
    commit_as(&cm, "g", id, 1, "t", 0, 1);
    apply();
    forget(&cm.ask);
    for (int64_t t = 0; t < 30LL * DAY_MS; t += 9000) {
        pass(9000);
        ck_error(heartbeat("g", id, 1), KP_ERR_NONE);
    }
    ck_assert_int_eq(waiting(), 0);
    ck_assert_int_eq(fetched("g", "t", 0), 1);
    leave("g", id); /* the week begins */
    apply();
    pass(6LL * DAY_MS);
    apply_all();
    ck_assert_int_eq(fetched("g", "t", 0), 1);
    pass(2LL * DAY_MS);
    apply_all();
    ck_assert_str_eq(listed(), "");
    end();
}
END_TEST

START_TEST(offsets_of_deleted_topics_go_at_the_next_sweep)
{
    struct commit cm;
    begin(true);
    const char *id = make_member("g");
    commit_as(&cm, "g", id, 1, "gone", 0, 1);
    apply();
    forget(&cm.ask);
    commit_as(&cm, "g", id, 1, "here", 0, 2);
    apply();
    forget(&cm.ask);
    live_topic = "here";
    for (int64_t t = 0; t < DAY_MS; t += 9000) {
        pass(9000);
        heartbeat("g", id, 1);
    }
    apply_all();
    live_topic = NULL;
    ck_assert_int_eq(fetched("g", "gone", 0), -1);
    ck_assert_int_eq(fetched("g", "here", 0), 2);
    end();
}
END_TEST

START_TEST(a_group_that_writes_is_left_alone)
{
    struct commit cm;
    begin(true);
    committed("g", "t", 0, 1);
    pass(7LL * DAY_MS - 1);
    commit(&cm, "g", "t", 0, 2);
    pass(1);
    ck_assert_int_eq(waiting(), 1); /* a null value behind the commit would take it away */
    apply();
    forget(&cm.ask);
    pass(DAY_MS);
    apply_all();
    ck_assert_int_eq(fetched("g", "t", 0), 2);
    restart();
    ck_assert_int_eq(fetched("g", "t", 0), 2);
    end();
}
END_TEST

START_TEST(many_groups_are_swept_in_parts)
{
    enum { N = 1200 };
    begin(true);
    for (int i = 0; i < N; i++) {
        char group[16];
        snprintf(group, sizeof group, "g%d", i);
        committed(group, "t", 0, 1);
    }
    pass(DAY_MS - 1);
    clock_manual_advance(&wall, 6LL * DAY_MS);
    pass(1);
    int first = waiting();
    ck_assert_int_gt(first, 0);
    ck_assert_int_lt(first, N / 2); /* then others have their turn */
    pass(1);
    ck_assert_int_gt(waiting(), first);
    ck_assert_int_lt(waiting(), N);
    pass(10);
    ck_assert_int_eq(waiting(), N);
    apply_all();
    ck_assert_str_eq(listed(), "");
    end();
}
END_TEST

UNIT_MAIN(a_commit_is_answered_and_seen_when_it_is_durable, a_commit_that_fails_is_not_seen,
          the_later_of_two_commits_stays, only_members_of_the_generation_commit,
          a_commit_of_nothing_is_answered_at_once, a_commit_has_a_size, memory_is_bounded,
          a_fetch_sees_the_commits_before_it,
          a_fetch_behind_a_commit_that_fails_sees_the_old_offset,
          a_fetch_of_several_groups_waits_for_each, all_offsets_of_a_group_are_fetched,
          topics_may_change_while_all_offsets_are_fetched, offsets_of_a_deleted_topic_are_not_told,
          a_deleted_group_is_gone_for_good, a_group_with_members_is_not_deleted,
          a_deletion_waits_for_commits_under_way, a_deletion_that_fails_leaves_the_group,
          single_offsets_are_deleted, offsets_of_topics_that_are_read_stay,
          offsets_that_nobody_uses_go_after_a_week, a_clock_that_jumps_removes_no_offset,
          a_start_with_a_clock_ahead_removes_no_offset,
          offsets_committed_by_a_clock_in_the_past_stay,
          an_offset_that_says_when_it_goes_is_no_older_than_a_leap,
          an_offset_is_kept_as_long_as_its_client_asked,
          an_offset_kept_for_no_time_goes_at_the_next_sweep,
          a_clock_set_back_is_believed_in_the_end, offsets_of_a_group_with_members_stay,
          offsets_of_deleted_topics_go_at_the_next_sweep, a_group_that_writes_is_left_alone,
          many_groups_are_swept_in_parts)

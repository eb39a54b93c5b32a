/* The coordinator: members, time, what is durable, loading, draining. */
#include <errno.h>
#include <string.h>

#include "broker/group_partition.h"
#include "tests/unit/broker/coordinator_kit.h"

#define ck_error(got, want)                                                 \
    do {                                                                    \
        int16_t got_ = (got);                                               \
        ck_assert_msg(got_ == (want), "%s: %s", #got, kp_error_name(got_)); \
    } while (0)

START_TEST(a_group_has_the_partition_that_kafka_gives_it)
{
    /* abs(hashCode) of Java; modulo 50, modulo 7 */
    static const struct {
        const char *id;
        int32_t of_50, of_7;
    } all[] = {{"", 0, 0},
               {"a", 47, 6},
               {"g", 3, 5},
               {"my-group", 12, 1},
               {"console-consumer-12345", 6, 6},
               {"gr\u00fc\u00dfe", 23, 4},
               {"\u65e5\u672c", 47, 3},
               {"\U0001f600x", 39, 0},        /* outside of the basic plane */
               {"polygenelubricants", 0, 0}}; /* hashes to the smallest number */
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        ck_assert_int_eq(group_partition(kp_str(all[i].id), 50), all[i].of_50);
        ck_assert_int_eq(group_partition(kp_str(all[i].id), 7), all[i].of_7);
    }
    /* bytes that are no UTF-8 are U+FFFD to Java */
    ck_assert_int_eq(group_partition(kp_str("\xff"), 100000), 0xfffd);
    ck_assert_int_eq(group_partition(kp_str("\xc3"), 100000), 0xfffd);
    ck_assert_int_eq(group_partition(kp_str("\xed\xa0\x80"), 1 << 30),
                     0xfffd * 31 * 31 + 0xfffd * 31 + 0xfffd);
}
END_TEST

/* ---- members */

START_TEST(members_join_and_sync)
{
    begin(true);
    struct ask j, s;
    struct kp_join_group_resp *joined = join(&j, "g", "");
    ck_assert(j.answered);
    ck_error(joined->error_code, KP_ERR_NONE);
    ck_assert_int_eq(strncmp(joined->member_id.p, "client-", 7), 0);
    ck_assert_int_eq(joined->n_members, 1);
    char id[100] = {0};
    memcpy(id, joined->member_id.p, (size_t)joined->member_id.n);
    struct kp_sync_group_resp *synced = sync_all(&s, "g", id, 1);
    ck_assert(!s.answered); /* until it is durable */
    apply();
    ck_assert(s.answered);
    ck_error(synced->error_code, KP_ERR_NONE);
    ck_error(heartbeat("g", id, 1), KP_ERR_NONE);
    ck_assert_str_eq(listed(), "g:Stable");
    forget(&j);
    forget(&s);
    end();
}
END_TEST

START_TEST(groups_that_nobody_knows)
{
    begin(true);
    struct ask a;
    ck_error(join(&a, "g", "somebody")->error_code, KP_ERR_UNKNOWN_MEMBER_ID);
    forget(&a);
    ck_error(sync_all(&a, "g", "somebody", 1)->error_code, KP_ERR_UNKNOWN_MEMBER_ID);
    forget(&a);
    ck_error(heartbeat("g", "somebody", 1), KP_ERR_UNKNOWN_MEMBER_ID);
    ck_error(leave("g", "somebody"), KP_ERR_UNKNOWN_MEMBER_ID);
    ck_assert_str_eq(listed(), "");
    end();
}
END_TEST

START_TEST(a_group_that_came_to_nothing_leaves_nothing)
{
    begin(true);
    struct ask a;
    struct kp_join_group_req req;
    kp_init(&kp_join_group_req_schema, &req);
    req.group_id = kp_str("g");
    req.session_timeout_ms = 10000; /* but no protocol */
    ask(&a, coordinator_join, 3, &req, &kp_join_group_resp_schema);
    ck_error(((struct kp_join_group_resp *)a.resp)->error_code, KP_ERR_INCONSISTENT_GROUP_PROTOCOL);
    forget(&a);
    ck_assert_str_eq(listed(), "");
    end();
}
END_TEST

START_TEST(sessions_end_by_themselves)
{
    begin(true);
    const char *id = make_member("g");
    pass(9000);
    ck_error(heartbeat("g", id, 1), KP_ERR_NONE);
    pass(9999);
    ck_assert_str_eq(listed(), "g:Stable");
    pass(1);
    ck_assert_str_eq(listed(), "g:Empty");
    ck_assert_int_eq(waiting(), 1); /* a restart must not bring the member back */
    apply();
    restart();
    ck_assert_str_eq(listed(), "g:Empty");
    end();
}
END_TEST

START_TEST(a_state_that_is_refused_is_told)
{
    begin(true);
    struct ask j, s;
    char id[100] = {0};
    struct kp_join_group_resp *joined = join(&j, "g", "");
    memcpy(id, joined->member_id.p, (size_t)joined->member_id.n);
    struct kp_sync_group_resp *synced = sync_all(&s, "g", id, 1);
    refuse(ERR_POISONED);
    ck_assert(s.answered);
    ck_error(synced->error_code, KP_ERR_NOT_COORDINATOR);
    forget(&s);
    ck_error(heartbeat("g", id, 1), KP_ERR_REBALANCE_IN_PROGRESS);
    forget(&j);
    end();
}
END_TEST

START_TEST(a_state_that_cannot_even_be_sent_is_told)
{
    begin(true);
    struct ask j, s;
    char id[100] = {0};
    struct kp_join_group_resp *joined = join(&j, "g", "");
    memcpy(id, joined->member_id.p, (size_t)joined->member_id.n);
    append_fails = -ENOMEM;
    struct kp_sync_group_resp *synced = sync_all(&s, "g", id, 1);
    ck_assert(s.answered);
    ck_error(synced->error_code, KP_ERR_COORDINATOR_NOT_AVAILABLE);
    ck_error(leave("g", id), KP_ERR_NONE); /* the group empties; that cannot be sent either */
    ck_assert_str_eq(listed(), "g:Empty");
    forget(&s);
    forget(&j);
    end();
}
END_TEST

START_TEST(members_are_known_after_a_restart)
{
    begin(true);
    const char *id = make_member("g");
    make_member("silent");
    committed("h", "t", 0, 1);
    restart();
    ck_assert_str_eq(listed(), "g:Stable h:Empty silent:Stable");
    pass(9999); /* a whole session, from the restart on */
    ck_error(heartbeat("g", id, 1), KP_ERR_NONE);
    ck_assert_str_eq(listed(), "g:Stable h:Empty silent:Stable");
    pass(1);
    ck_assert_str_eq(listed(), "g:Stable h:Empty silent:Empty");
    end();
}
END_TEST

START_TEST(a_batch_of_members_leaves)
{
    begin(true);
    const char *id = make_member("g");
    struct ask a;
    struct kp_leave_group_req req;
    struct kp_leave_group_req_members m[2] = {{kp_str("nobody"), kp_str(NULL), kp_str(NULL)},
                                              {kp_str(id), kp_str(NULL), kp_str(NULL)}};
    kp_init(&kp_leave_group_req_schema, &req);
    req.group_id = kp_str("g");
    req.n_members = 2;
    req.members = m;
    ask(&a, coordinator_leave, 3, &req, &kp_leave_group_resp_schema);
    struct kp_leave_group_resp *r = a.resp;
    ck_error(r->error_code, KP_ERR_NONE);
    ck_assert_int_eq(r->n_members, 2);
    ck_error(r->members[0].error_code, KP_ERR_UNKNOWN_MEMBER_ID);
    ck_error(r->members[1].error_code, KP_ERR_NONE);
    forget(&a);
    end();
}
END_TEST

/* ---- loading */

START_TEST(until_it_is_read_back_a_group_is_not_spoken_for)
{
    begin(false);
    struct ask a;
    struct commit cm;
    ck_error(join(&a, "g", "")->error_code, KP_ERR_COORDINATOR_LOAD_IN_PROGRESS);
    forget(&a);
    commit(&cm, "g", "t", 0, 1);
    ck_assert(cm.ask.answered);
    ck_error(cm.error, KP_ERR_COORDINATOR_LOAD_IN_PROGRESS);
    forget(&cm.ask);
    ck_assert_int_eq(fetched("g", "t", 0), -KP_ERR_COORDINATOR_LOAD_IN_PROGRESS);
    ck_error(heartbeat("g", "x", 1), KP_ERR_NONE); /* Java clients die of that error here */
    ck_assert_str_eq(listed(), "COORDINATOR_LOAD_IN_PROGRESS");

    load(group_partition(kp_str("g"), PARTITIONS)); /* the others are not needed */
    ck_assert_int_eq(fetched("g", "t", 0), -1);
    ck_error(heartbeat("g", "x", 1), KP_ERR_UNKNOWN_MEMBER_ID);
    ck_assert_str_eq(listed(), "COORDINATOR_LOAD_IN_PROGRESS");
    end();
}
END_TEST

START_TEST(what_cannot_be_read_back_is_not_served)
{
    begin(false);
    int32_t bad = group_partition(kp_str("g"), PARTITIONS);
    for (int32_t i = 0; i < PARTITIONS; i++) {
        if (i == bad)
            coordinator_failed(c, i);
        else
            load(i);
    }
    ck_assert_int_eq(fetched("g", "t", 0), -KP_ERR_COORDINATOR_NOT_AVAILABLE);
    struct ask a;
    ck_error(join(&a, "g", "")->error_code, KP_ERR_COORDINATOR_NOT_AVAILABLE);
    forget(&a);
    ck_assert_str_eq(listed(), "COORDINATOR_NOT_AVAILABLE");
    committed("h", "t", 0, 1); /* of another partition */
    end();
}
END_TEST

/* ---- draining */

START_TEST(draining_lets_nobody_wait)
{
    begin(true);
    const char *id = make_member("g");
    struct ask waits;
    struct kp_join_group_resp *r = join(&waits, "g", "");
    ck_assert(!waits.answered);
    coordinator_drain(c);
    settle();
    ck_assert(waits.answered);
    ck_error(r->error_code, KP_ERR_NOT_COORDINATOR);
    forget(&waits);
    ck_error(heartbeat("g", id, 1), KP_ERR_NOT_COORDINATOR);
    ck_assert_int_eq(fetched("g", "t", 0), -KP_ERR_NOT_COORDINATOR);
    pass(DAY_MS); /* members that cannot be heard are not given up */
    ck_assert_int_eq(waiting(), 0);
    end();
}
END_TEST

/* ---- administration */

static struct kp_describe_groups_resp_groups *describe(struct ask *a, const char *group)
{
    arena_init(&a->arena, 0);
    struct kp_describe_groups_resp *resp = kp_array(&kp_describe_groups_resp_schema, &a->arena, 1);
    resp->groups = kp_array(&kp_describe_groups_resp_groups_schema, &a->arena, 1);
    resp->n_groups = 1;
    resp->groups[0].group_id = kp_str(group);
    prepare(a, resp);
    coordinator_call(c, &a->call, coordinator_describe);
    settle();
    return resp->groups;
}

START_TEST(groups_are_described)
{
    begin(true);
    const char *id = make_member("g");
    committed("h", "t", 0, 1);
    struct ask a;
    struct kp_describe_groups_resp_groups *g = describe(&a, "g");
    ck_error(g->error_code, KP_ERR_NONE);
    ck_assert(kp_str_is(g->group_state, "Stable"));
    ck_assert(kp_str_is(g->protocol_type, "consumer"));
    ck_assert(kp_str_is(g->protocol_data, "range"));
    ck_assert_int_eq(g->n_members, 1);
    ck_assert(kp_str_is(g->members[0].member_id, id));
    ck_assert(kp_str_is(g->members[0].client_id, "client"));
    ck_assert(kp_str_is(g->members[0].client_host, "/host"));
    ck_assert_int_eq(g->members[0].member_metadata.n, 13);
    forget(&a);
    g = describe(&a, "h");
    ck_assert(kp_str_is(g->group_state, "Empty"));
    ck_assert(kp_str_is(g->protocol_type, ""));
    forget(&a);
    g = describe(&a, "nobody");
    ck_error(g->error_code, KP_ERR_NONE);
    ck_assert(kp_str_is(g->group_state, "Dead"));
    forget(&a);
    struct ask j;
    join(&j, "g", "");
    g = describe(&a, "g");
    ck_assert(kp_str_is(g->group_state, "PreparingRebalance"));
    ck_assert(kp_str_is(g->protocol_data, ""));
    ck_assert_int_eq(g->n_members, 2);
    ck_assert_int_eq(g->members[0].member_metadata.n, 0);
    forget(&a);
    coordinator_drain(c);
    settle();
    forget(&j);
    end();
}
END_TEST

static int32_t count_listed(struct kp_str *states, int32_t n_states, struct kp_str *types,
                            int32_t n_types)
{
    struct ask a;
    struct kp_list_groups_req req = {n_states, states, n_types, types};
    ask(&a, coordinator_list, 5, &req, &kp_list_groups_resp_schema);
    int32_t n = ((struct kp_list_groups_resp *)a.resp)->n_groups;
    forget(&a);
    return n;
}

START_TEST(lists_are_filtered)
{
    begin(true);
    make_member("g");
    committed("h", "t", 0, 1);
    struct kp_str stable = kp_str("stable"), both[] = {kp_str("Empty"), kp_str("Stable")};
    struct kp_str classic = kp_str("classic"), consumer = kp_str("consumer");
    ck_assert_int_eq(count_listed(NULL, 0, NULL, 0), 2);
    ck_assert_int_eq(count_listed(&stable, 1, NULL, 0), 1);
    ck_assert_int_eq(count_listed(both, 2, &classic, 1), 2);
    ck_assert_int_eq(count_listed(both, 2, &consumer, 1), 0);
    end();
}
END_TEST

UNIT_MAIN(a_group_has_the_partition_that_kafka_gives_it, members_join_and_sync,
          groups_that_nobody_knows, a_group_that_came_to_nothing_leaves_nothing,
          sessions_end_by_themselves, a_state_that_is_refused_is_told,
          a_state_that_cannot_even_be_sent_is_told, members_are_known_after_a_restart,
          a_batch_of_members_leaves, until_it_is_read_back_a_group_is_not_spoken_for,
          what_cannot_be_read_back_is_not_served, draining_lets_nobody_wait, groups_are_described,
          lists_are_filtered)

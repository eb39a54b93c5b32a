/* The rules of a group: who enters, and with what. */
#include <string.h>

#include "tests/unit/broker/group_kit.h"

/* ---- coming */

START_TEST(a_first_member_leads_the_first_generation)
{
    struct call a;
    make();
    join(&a, (struct joiner){.name = "a", .protocols = {"range:ma"}});
    ck_answered(a, KP_ERR_NONE);
    ck_assert_int_eq(a.generation, 1);
    ck_assert_str_eq(a.leader, a.id);
    ck_assert_str_eq(a.protocol, "range");
    ck_assert_int_eq(strncmp(a.members, a.id, strlen(a.id)), 0);
    ck_assert_str_eq(strchr(a.members, '='), "=ma");
    ck_assert_int_eq(g->state, GROUP_COMPLETING);
    done();
}
END_TEST

START_TEST(a_newer_client_gets_its_id_first)
{
    struct call a, again;
    make();
    join(&a, (struct joiner){.name = "a", .id_first = true});
    ck_answered(a, KP_ERR_MEMBER_ID_REQUIRED);
    ck_assert_str_ne(a.id, "");
    ck_assert_int_eq(g->n_members, 0);
    ck_assert_int_eq(g->state, GROUP_EMPTY);
    join(&again, (struct joiner){.id = a.id, .id_first = true});
    ck_answered(again, KP_ERR_NONE);
    ck_assert_str_eq(again.id, a.id);
    ck_assert_int_eq(g->n_pending, 0);
    done();
}
END_TEST

START_TEST(an_id_that_is_not_used_expires_with_the_session)
{
    struct call a, again;
    make();
    join(&a, (struct joiner){.id_first = true});
    ck_assert(!group_is_blank(g));
    pass(SESSION - 1);
    ck_assert_int_eq(g->n_pending, 1);
    pass(1);
    ck_assert_int_eq(g->n_pending, 0);
    ck_assert(group_is_blank(g));
    join(&again, (struct joiner){.id = a.id});
    ck_answered(again, KP_ERR_UNKNOWN_MEMBER_ID);
    done();
}
END_TEST

START_TEST(an_id_that_is_not_used_disturbs_no_stable_group)
{
    struct call a, b, pending;
    make_stable_pair(&a, &b);
    join(&pending, (struct joiner){.name = "p", .id_first = true});
    ck_answered(pending, KP_ERR_MEMBER_ID_REQUIRED);
    pass(SESSION - 1);
    ck_error(heartbeat(&a), KP_ERR_NONE);
    ck_error(heartbeat(&b), KP_ERR_NONE);
    ck_assert_int_eq(g->n_pending, 1);
    pass(1);
    ck_assert_int_eq(g->n_pending, 0);
    ck_assert_int_eq(g->state, GROUP_STABLE);
    ck_assert_int_eq(g->generation, 2);
    ck_error(heartbeat(&a), KP_ERR_NONE);
    ck_error(heartbeat(&b), KP_ERR_NONE);
    done();
}
END_TEST

START_TEST(an_id_that_is_not_used_disturbs_no_assignment)
{
    struct call a, b, again, pending, s;
    make_stable(&a);
    join(&b, (struct joiner){.name = "b"});
    join(&again, (struct joiner){.id = a.id});
    ck_assert_int_eq(g->state, GROUP_COMPLETING);
    join(&pending, (struct joiner){.name = "p", .id_first = true});
    follow(&s, &b);
    pass(SESSION - 1);
    ck_error(heartbeat(&again), KP_ERR_NONE);
    pass(1);
    ck_assert_int_eq(g->n_pending, 0);
    ck_assert_int_eq(g->state, GROUP_COMPLETING);
    ck_assert_int_eq(g->generation, 2);
    ck_waits(s);
    done();
}
END_TEST

START_TEST(a_rebalance_goes_on_when_an_id_is_not_used)
{
    struct call a, b, again, pending;
    make_stable(&a);
    join(&pending, (struct joiner){.name = "p", .id_first = true});
    join(&b, (struct joiner){.name = "b"});
    join(&again, (struct joiner){.id = a.id});
    pass(SESSION - 1);
    ck_waits(again);
    ck_waits(b);
    pass(1);
    ck_answered(again, KP_ERR_NONE);
    ck_answered(b, KP_ERR_NONE);
    ck_assert_int_eq(g->state, GROUP_COMPLETING);
    ck_assert_int_eq(g->generation, 2);
    done();
}
END_TEST

START_TEST(a_rebalance_waits_for_who_was_given_an_id)
{
    struct call a, b, again, pending;
    make_stable(&a);
    join(&pending, (struct joiner){.name = "p", .id_first = true});
    join(&b, (struct joiner){.name = "b"});
    join(&again, (struct joiner){.id = a.id});
    ck_waits(again); /* all members are here, but p is expected */
    struct call p;
    join(&p, (struct joiner){.id = pending.id});
    ck_answered(p, KP_ERR_NONE);
    ck_answered(again, KP_ERR_NONE);
    ck_assert_int_eq(g->n_members, 3);
    done();
}
END_TEST

START_TEST(who_was_given_an_id_may_leave_and_the_rebalance_goes_on)
{
    struct call a, b, again, pending;
    make_stable(&a);
    join(&pending, (struct joiner){.name = "p", .id_first = true});
    join(&b, (struct joiner){.name = "b"});
    join(&again, (struct joiner){.id = a.id});
    ck_error(group_leave(g, now, kp_str(pending.id), kp_str(NULL)), KP_ERR_NONE);
    ck_answered(again, KP_ERR_NONE);
    ck_answered(b, KP_ERR_NONE);
    done();
}
END_TEST

START_TEST(a_second_member_waits_until_the_first_has_joined_again)
{
    struct call a, b, again;
    make_stable(&a);
    ck_error(heartbeat(&a), KP_ERR_NONE);
    join(&b, (struct joiner){.name = "b", .protocols = {"range:mb"}});
    ck_waits(b);
    ck_error(heartbeat(&a), KP_ERR_REBALANCE_IN_PROGRESS);
    join(&again, (struct joiner){.id = a.id, .protocols = {"range:ma"}});
    ck_answered(again, KP_ERR_NONE);
    ck_answered(b, KP_ERR_NONE);
    ck_assert_int_eq(again.generation, 2);
    ck_assert_int_eq(b.generation, 2);
    ck_assert_str_eq(b.leader, a.id);
    ck_assert_str_eq(b.members, ""); /* only the leader is told */
    ck_assert_ptr_nonnull(strstr(again.members, "=ma"));
    ck_assert_ptr_nonnull(strstr(again.members, "=mb"));
    done();
}
END_TEST

START_TEST(three_members_make_one_generation)
{
    struct call a, b, c, again, b2, s[3];
    make_stable_pair(&a, &b);
    join(&c, (struct joiner){.name = "c"});
    join(&again, (struct joiner){.id = a.id});
    ck_waits(again);
    join(&b2, (struct joiner){.id = b.id});
    ck_answered(again, KP_ERR_NONE);
    ck_answered(b2, KP_ERR_NONE);
    ck_answered(c, KP_ERR_NONE);
    ck_assert_int_eq(c.generation, 3);
    follow(&s[1], &b2);
    follow(&s[2], &c);
    ck_waits(s[1]);
    sync_as(&s[0], caller(a.id, NULL, 3),
            (struct kp_sync_group_req_assignments[]){assign(b.id, "B"), assign(c.id, "C"),
                                                     assign("nobody", "N")},
            3);
    stored(KP_ERR_NONE);
    for (int i = 0; i < 3; i++)
        ck_answered(s[i], KP_ERR_NONE);
    ck_assert_str_eq(s[0].assignment, ""); /* not mentioned by the leader */
    ck_assert_str_eq(s[1].assignment, "B");
    ck_assert_str_eq(s[2].assignment, "C");
    done();
}
END_TEST

START_TEST(an_empty_group_waits_for_more_members)
{
    struct call a, b;
    make();
    limits.initial_delay_ms = 3000;
    join(&a, (struct joiner){.name = "a"});
    pass(2000);
    ck_waits(a);
    join(&b, (struct joiner){.name = "b"});
    pass(1000); /* somebody came: once more */
    ck_waits(a);
    pass(2999);
    ck_waits(a);
    pass(1);
    ck_answered(a, KP_ERR_NONE);
    ck_answered(b, KP_ERR_NONE);
    ck_assert_int_eq(a.generation, 1);
    ck_assert_int_eq(b.generation, 1);
    done();
}
END_TEST

START_TEST(the_initial_delay_ends_with_the_rebalance_timeout)
{
    struct call c[4];
    make();
    limits.initial_delay_ms = 3000;
    join(&c[0], (struct joiner){.rebalance = 7000});
    for (int i = 1; i < 4; i++) {
        pass(2000);
        join(&c[i], (struct joiner){.rebalance = 7000});
        ck_waits(c[i]);
    }
    pass(999);
    ck_waits(c[0]);
    pass(1);
    ck_answered(c[0], KP_ERR_NONE);
    done();
}
END_TEST

START_TEST(only_so_many_members_fit)
{
    struct call a, c[4];
    make_stable(&a);
    limits.max_members = 2;
    join(&c[0], (struct joiner){0});
    ck_waits(c[0]);
    join(&c[1], (struct joiner){.id = a.id});
    ck_answered(c[1], KP_ERR_NONE);
    join(&c[2], (struct joiner){0});
    ck_answered(c[2], KP_ERR_GROUP_MAX_SIZE_REACHED);
    join(&c[3], (struct joiner){.id_first = true});
    ck_answered(c[3], KP_ERR_GROUP_MAX_SIZE_REACHED);
    done();
}
END_TEST

START_TEST(memory_is_bounded)
{
    struct call a, b;
    make_stable(&a);
    memory.max = memory.used + 100;
    join(&b, (struct joiner){0});
    ck_answered(b, KP_ERR_COORDINATOR_NOT_AVAILABLE);
    ck_assert_int_eq(g->n_members, 1);
    ck_error(heartbeat(&a), KP_ERR_NONE);
    done();
}
END_TEST

START_TEST(a_session_has_bounds)
{
    struct call a;
    make();
    join(&a, (struct joiner){.session = 5999});
    ck_answered(a, KP_ERR_INVALID_SESSION_TIMEOUT);
    join(&a, (struct joiner){.session = 1800001});
    ck_answered(a, KP_ERR_INVALID_SESSION_TIMEOUT);
    join(&a, (struct joiner){.session = 6000});
    ck_answered(a, KP_ERR_NONE);
    done();
}
END_TEST

/* ---- protocols */

START_TEST(most_votes_among_what_all_offer_win)
{
    struct call a, b, c, a2, b2;
    make();
    join(&a, (struct joiner){.name = "a", .protocols = {"x:1", "y:2", "z:3"}});
    ck_assert_str_eq(a.protocol, "x");
    join(&b, (struct joiner){.name = "b", .protocols = {"z:4", "y:5"}});
    join(&a2, (struct joiner){.id = a.id, .protocols = {"x:1", "y:2", "z:3"}});
    /* x is not b's; a then wants y, b wants z */
    join(&c, (struct joiner){.name = "c", .protocols = {"z:6", "y:7"}});
    join(&a2, (struct joiner){.id = a.id, .protocols = {"x:1", "y:2", "z:3"}});
    join(&b2, (struct joiner){.id = b.id, .protocols = {"z:4", "y:5"}});
    ck_answered(c, KP_ERR_NONE);
    ck_assert_str_eq(c.protocol, "z");
    ck_assert_ptr_nonnull(strstr(a2.members, "=3"));
    done();
}
END_TEST

START_TEST(who_shares_no_protocol_is_turned_away)
{
    struct call a, b;
    make_stable(&a);
    join(&b, (struct joiner){.protocols = {"sticky:m"}});
    ck_answered(b, KP_ERR_INCONSISTENT_GROUP_PROTOCOL);
    join(&b, (struct joiner){.type = "connect"});
    ck_answered(b, KP_ERR_INCONSISTENT_GROUP_PROTOCOL);
    join(&b, (struct joiner){.type = ""});
    ck_answered(b, KP_ERR_INCONSISTENT_GROUP_PROTOCOL);
    ck_assert_int_eq(g->state, GROUP_STABLE);
    done();
}
END_TEST

START_TEST(sync_with_another_protocol_is_refused)
{
    struct call a, s = {0};
    make();
    join(&a, (struct joiner){0});
    struct group_sync in = {.caller = caller(a.id, NULL, 1),
                            .protocol_type = kp_str("consumer"),
                            .protocol = kp_str("sticky")};
    group_sync(g, now, &in, &s);
    ck_answered(s, KP_ERR_INCONSISTENT_GROUP_PROTOCOL);
    s = (struct call){0};
    in.protocol = kp_str("range");
    in.protocol_type = kp_str("connect");
    group_sync(g, now, &in, &s);
    ck_answered(s, KP_ERR_INCONSISTENT_GROUP_PROTOCOL);
    done();
}
END_TEST

/* ---- joining again */

START_TEST(a_follower_that_says_nothing_new_disturbs_nobody)
{
    struct call a, b, again;
    make_stable_pair(&a, &b);
    join(&again, (struct joiner){.id = b.id});
    ck_answered(again, KP_ERR_NONE);
    ck_assert_int_eq(again.generation, 2);
    ck_assert_str_eq(again.members, "");
    ck_assert_int_eq(g->state, GROUP_STABLE);
    done();
}
END_TEST

START_TEST(a_follower_that_wants_something_else_rebalances)
{
    struct call a, b, again;
    make_stable_pair(&a, &b);
    join(&again, (struct joiner){.id = b.id, .protocols = {"range:other"}});
    ck_waits(again);
    ck_assert_int_eq(g->state, GROUP_PREPARING);
    done();
}
END_TEST

START_TEST(a_leader_rebalances_by_joining)
{
    struct call a, b, again;
    make_stable_pair(&a, &b);
    join(&again, (struct joiner){.id = a.id});
    ck_waits(again);
    ck_error(heartbeat(&b), KP_ERR_REBALANCE_IN_PROGRESS);
    done();
}
END_TEST

START_TEST(an_answer_that_was_lost_is_given_again)
{
    struct call a, again;
    make();
    join(&a, (struct joiner){.name = "a"});
    join(&again, (struct joiner){.id = a.id});
    ck_answered(again, KP_ERR_NONE);
    ck_assert_int_eq(again.generation, 1);
    ck_assert_str_eq(again.members, a.members);
    done();
}
END_TEST

START_TEST(a_request_that_is_sent_again_ends_the_first)
{
    struct call a, b, b2, s1, s2;
    make_stable_pair(&a, &b);
    join(&b2, (struct joiner){.id = b.id, .protocols = {"range:other"}});
    ck_waits(b2);
    struct call b3;
    join(&b3, (struct joiner){.id = b.id, .protocols = {"range:other"}});
    ck_answered(b2, KP_ERR_REBALANCE_IN_PROGRESS);
    join(&a, (struct joiner){.id = a.id});
    ck_answered(b3, KP_ERR_NONE);
    follow(&s1, &b3);
    follow(&s2, &b3);
    ck_answered(s1, KP_ERR_REBALANCE_IN_PROGRESS);
    ck_waits(s2);
    done();
}
END_TEST

START_TEST(an_unknown_member_is_told_so)
{
    struct call a, c;
    make_stable(&a);
    join(&c, (struct joiner){.id = "nobody"});
    ck_answered(c, KP_ERR_UNKNOWN_MEMBER_ID);
    sync_as(&c, caller("nobody", NULL, 1), NULL, 0);
    ck_answered(c, KP_ERR_UNKNOWN_MEMBER_ID);
    struct group_caller nobody = caller("nobody", NULL, 1);
    ck_error(group_heartbeat(g, now, &nobody), KP_ERR_UNKNOWN_MEMBER_ID);
    ck_error(group_leave(g, now, kp_str("nobody"), kp_str(NULL)), KP_ERR_UNKNOWN_MEMBER_ID);
    ck_error(commit("nobody", 1), KP_ERR_UNKNOWN_MEMBER_ID);
    done();
}
END_TEST

START_TEST(another_generation_is_refused)
{
    struct call a, s;
    make_stable(&a);
    sync_as(&s, caller(a.id, NULL, 0), NULL, 0);
    ck_answered(s, KP_ERR_ILLEGAL_GENERATION);
    struct group_caller old = caller(a.id, NULL, 2);
    ck_error(group_heartbeat(g, now, &old), KP_ERR_ILLEGAL_GENERATION);
    ck_error(commit(a.id, 2), KP_ERR_ILLEGAL_GENERATION);
    done();
}
END_TEST

UNIT_MAIN(a_first_member_leads_the_first_generation, a_newer_client_gets_its_id_first,
          an_id_that_is_not_used_expires_with_the_session,
          an_id_that_is_not_used_disturbs_no_stable_group,
          an_id_that_is_not_used_disturbs_no_assignment, a_rebalance_goes_on_when_an_id_is_not_used,
          a_rebalance_waits_for_who_was_given_an_id,
          who_was_given_an_id_may_leave_and_the_rebalance_goes_on,
          a_second_member_waits_until_the_first_has_joined_again, three_members_make_one_generation,
          an_empty_group_waits_for_more_members, the_initial_delay_ends_with_the_rebalance_timeout,
          only_so_many_members_fit, memory_is_bounded, a_session_has_bounds,
          most_votes_among_what_all_offer_win, who_shares_no_protocol_is_turned_away,
          sync_with_another_protocol_is_refused, a_follower_that_says_nothing_new_disturbs_nobody,
          a_follower_that_wants_something_else_rebalances, a_leader_rebalances_by_joining,
          an_answer_that_was_lost_is_given_again, a_request_that_is_sent_again_ends_the_first,
          an_unknown_member_is_told_so, another_generation_is_refused)

/* The rules of a group: assignments and commits. */
#include "tests/unit/broker/group_kit.h"

/* ---- syncing */

START_TEST(nobody_gets_an_assignment_before_it_is_durable)
{
    struct call a, b, again, sa, sb;
    make_stable(&a);
    join(&b, (struct joiner){.name = "b"});
    join(&again, (struct joiner){.id = a.id});
    follow(&sb, &b);
    sync_as(&sa, caller(a.id, NULL, 2), (struct kp_sync_group_req_assignments[]){assign(b.id, "B")},
            1);
    ck_waits(sa);
    ck_waits(sb);
    ck_assert_int_eq(stores, 1);
    ck_assert_int_eq(g->state, GROUP_COMPLETING);
    stored(KP_ERR_NONE);
    ck_answered(sa, KP_ERR_NONE);
    ck_answered(sb, KP_ERR_NONE);
    done();
}
END_TEST

START_TEST(an_assignment_that_cannot_be_stored_is_not_given)
{
    struct call a, b, again, sa, sb;
    make_stable(&a);
    join(&b, (struct joiner){.name = "b"});
    join(&again, (struct joiner){.id = a.id});
    follow(&sb, &b);
    sync_as(&sa, caller(a.id, NULL, 2), (struct kp_sync_group_req_assignments[]){assign(b.id, "B")},
            1);
    stored(KP_ERR_COORDINATOR_NOT_AVAILABLE);
    ck_answered(sa, KP_ERR_COORDINATOR_NOT_AVAILABLE);
    ck_answered(sb, KP_ERR_COORDINATOR_NOT_AVAILABLE);
    ck_assert_int_eq(g->state, GROUP_PREPARING);
    done();
}
END_TEST

START_TEST(a_rebalance_meanwhile_outdates_what_is_stored)
{
    struct call a, b, again, sa, sb;
    make_stable(&a);
    join(&b, (struct joiner){.name = "b"});
    join(&again, (struct joiner){.id = a.id});
    follow(&sb, &b);
    sync_as(&sa, caller(a.id, NULL, 2), NULL, 0);
    ck_error(group_leave(g, now, kp_str(b.id), kp_str(NULL)), KP_ERR_NONE);
    ck_answered(sa, KP_ERR_REBALANCE_IN_PROGRESS);
    ck_answered(sb, KP_ERR_UNKNOWN_MEMBER_ID);
    stored(KP_ERR_NONE);
    ck_assert_int_eq(g->state, GROUP_PREPARING);
    join(&again, (struct joiner){.id = a.id});
    ck_assert_int_eq(g->state, GROUP_COMPLETING);
    ck_assert_int_eq(g->generation, 3);
    done();
}
END_TEST

START_TEST(a_member_may_sync_later)
{
    struct call a, b, s;
    make_stable_pair(&a, &b);
    follow(&s, &b);
    ck_answered(s, KP_ERR_NONE);
    ck_assert_str_eq(s.assignment, "B");
    done();
}
END_TEST

START_TEST(sync_while_preparing_is_refused)
{
    struct call a, b, s;
    make_stable(&a);
    join(&b, (struct joiner){0});
    follow(&s, &a);
    ck_answered(s, KP_ERR_REBALANCE_IN_PROGRESS);
    done();
}
END_TEST

/* ---- commits */

START_TEST(an_empty_group_takes_commits_of_nobody)
{
    struct call a;
    make();
    ck_error(commit("", -1), KP_ERR_NONE);
    ck_error(commit("nobody", 1), KP_ERR_UNKNOWN_MEMBER_ID);
    join(&a, (struct joiner){0});
    ck_error(commit("", -1), KP_ERR_UNKNOWN_MEMBER_ID);
    done();
}
END_TEST

START_TEST(commits_between_join_and_sync_are_refused)
{
    struct call a;
    make();
    join(&a, (struct joiner){0});
    ck_error(commit(a.id, 1), KP_ERR_REBALANCE_IN_PROGRESS);
    done();
}
END_TEST

START_TEST(commits_before_joining_again_are_taken)
{
    struct call a, b;
    make_stable(&a);
    join(&b, (struct joiner){0});
    ck_assert_int_eq(g->state, GROUP_PREPARING);
    ck_error(commit(a.id, 1), KP_ERR_NONE);
    done();
}
END_TEST

START_TEST(a_store_of_an_older_generation_settles_nothing)
{
    struct call a, b, again, sa, late;
    make_stable(&a);
    join(&b, (struct joiner){.name = "b"});
    join(&again, (struct joiner){.id = a.id});
    sync_as(&sa, caller(a.id, NULL, 2), NULL, 0); /* its store is under way */
    ck_error(group_leave(g, now, kp_str(b.id), kp_str(NULL)), KP_ERR_NONE);
    join(&again, (struct joiner){.id = a.id});
    ck_assert_int_eq(again.generation, 3);
    sync_as(&late, caller(a.id, NULL, 3), NULL, 0);
    ck_assert_int_eq(stores, 2);
    stored(KP_ERR_NONE); /* of generation 2 */
    ck_waits(late);
    ck_assert_int_eq(g->state, GROUP_COMPLETING);
    stored(KP_ERR_NONE);
    ck_answered(late, KP_ERR_NONE);
    done();
}
END_TEST

START_TEST(a_session_begins_with_the_assignment)
{
    struct call a, b, again, sa, sb;
    make_stable(&a);
    join(&b, (struct joiner){.name = "b"});
    join(&again, (struct joiner){.id = a.id});
    follow(&sb, &b);
    pass(SESSION - 1);
    sync_as(&sa, caller(a.id, NULL, 2), NULL, 0);
    stored(KP_ERR_NONE);
    ck_answered(sb, KP_ERR_NONE);
    pass(SESSION - 1);
    ck_error(heartbeat(&b), KP_ERR_NONE);
    done();
}
END_TEST

UNIT_MAIN(nobody_gets_an_assignment_before_it_is_durable,
          an_assignment_that_cannot_be_stored_is_not_given,
          a_rebalance_meanwhile_outdates_what_is_stored, a_member_may_sync_later,
          sync_while_preparing_is_refused, an_empty_group_takes_commits_of_nobody,
          commits_between_join_and_sync_are_refused, commits_before_joining_again_are_taken,
          a_store_of_an_older_generation_settles_nothing, a_session_begins_with_the_assignment)

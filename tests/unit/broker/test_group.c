/* The rules of a group: who goes, how time passes, what a restart keeps. */
#include <string.h>

#include "tests/unit/broker/group_kit.h"

/* ---- going */

START_TEST(who_leaves_makes_the_others_rebalance)
{
    struct call a, b, again;
    make_stable_pair(&a, &b);
    ck_error(group_leave(g, now, kp_str(a.id), kp_str(NULL)), KP_ERR_NONE);
    ck_error(heartbeat(&b), KP_ERR_REBALANCE_IN_PROGRESS);
    join(&again, (struct joiner){.id = b.id});
    ck_answered(again, KP_ERR_NONE);
    ck_assert_int_eq(again.generation, 3);
    ck_assert_str_eq(again.leader, b.id);
    done();
}
END_TEST

START_TEST(the_last_to_leave_makes_it_empty)
{
    struct call a;
    make_stable(&a);
    ck_error(group_leave(g, now, kp_str(a.id), kp_str(NULL)), KP_ERR_NONE);
    ck_assert_int_eq(g->state, GROUP_EMPTY);
    ck_assert_int_eq(g->generation, 2);
    ck_assert_int_lt(g->protocol.n, 0);
    ck_assert_int_eq(stores, 1); /* so that nobody waits for it after a restart */
    stored(KP_ERR_NONE);
    ck_assert(!group_is_blank(g));
    done();
}
END_TEST

START_TEST(a_silent_member_expires)
{
    struct call a, b;
    make_stable_pair(&a, &b);
    pass(SESSION - 1);
    ck_error(heartbeat(&b), KP_ERR_NONE);
    ck_assert_int_eq(g->n_members, 2);
    pass(1);
    ck_assert_int_eq(g->n_members, 1);
    ck_error(heartbeat(&a), KP_ERR_UNKNOWN_MEMBER_ID);
    ck_error(heartbeat(&b), KP_ERR_REBALANCE_IN_PROGRESS);
    done();
}
END_TEST

START_TEST(a_commit_keeps_a_session_alive)
{
    struct call a;
    make_stable(&a);
    for (int i = 0; i < 5; i++) {
        pass(SESSION - 1);
        ck_error(commit(a.id, 1), KP_ERR_NONE);
    }
    pass(SESSION);
    ck_error(commit(a.id, 1), KP_ERR_UNKNOWN_MEMBER_ID);
    done();
}
END_TEST

START_TEST(who_waits_for_the_others_does_not_expire)
{
    struct call a, b, again;
    make_stable_pair(&a, &b);
    join(&again, (struct joiner){.id = a.id, .session = 6000});
    for (int i = 0; i < 5; i++) {
        pass(SESSION - 1);
        ck_error(heartbeat(&b), KP_ERR_REBALANCE_IN_PROGRESS);
        ck_waits(again);
    }
    ck_assert_int_eq(g->n_members, 2);
    done();
}
END_TEST

START_TEST(who_does_not_come_in_the_rebalance_timeout_is_out)
{
    struct call a, b, again;
    make_stable_pair(&a, &b);
    join(&again, (struct joiner){.id = a.id});
    for (int64_t t = 0; t < REBALANCE - 5000; t += 5000) {
        pass(5000);
        ck_error(heartbeat(&b), KP_ERR_REBALANCE_IN_PROGRESS);
    }
    ck_waits(again);
    pass(5000);
    ck_answered(again, KP_ERR_NONE);
    ck_assert_int_eq(again.generation, 3);
    ck_error(heartbeat(&b), KP_ERR_UNKNOWN_MEMBER_ID);
    done();
}
END_TEST

START_TEST(a_member_that_expires_while_others_wait_lets_them_go_on)
{
    struct call a, b, again;
    make_stable_pair(&a, &b);
    join(&again, (struct joiner){.id = a.id});
    pass(SESSION);
    ck_answered(again, KP_ERR_NONE);
    ck_assert_int_eq(g->n_members, 1);
    done();
}
END_TEST

START_TEST(the_longest_rebalance_timeout_holds)
{
    for (int first = 0; first < 2; first++) {
        struct call a, b, again;
        int32_t of_a = first ? 90000 : 5000, of_b = first ? 5000 : 90000;
        make();
        join(&a, (struct joiner){.name = "a", .session = 1800000, .rebalance = of_a});
        join(&b, (struct joiner){.name = "b", .session = 1800000, .rebalance = of_b});
        pass(89999);
        ck_waits(b); /* for a */
        pass(1);
        ck_answered(b, KP_ERR_NONE);
        join(&again, (struct joiner){.id = a.id});
        ck_answered(again, KP_ERR_UNKNOWN_MEMBER_ID);
        done();
    }
}
END_TEST

START_TEST(who_joins_and_never_syncs_is_out)
{
    struct call a, b, again, s;
    make_stable(&a);
    join(&b, (struct joiner){.name = "b", .session = 1800000});
    join(&again, (struct joiner){.id = a.id, .session = 1800000});
    sync_as(&s, caller(a.id, NULL, 2), NULL, 0);
    stored(KP_ERR_NONE);
    ck_answered(s, KP_ERR_NONE);
    pass(REBALANCE - 1);
    ck_error(heartbeat(&b), KP_ERR_NONE);
    ck_error(heartbeat(&again), KP_ERR_NONE);
    pass(1);
    ck_error(heartbeat(&b), KP_ERR_UNKNOWN_MEMBER_ID);
    ck_error(heartbeat(&again), KP_ERR_REBALANCE_IN_PROGRESS);
    done();
}
END_TEST

START_TEST(a_leader_that_never_syncs_does_not_hold_the_others_up_for_ever)
{
    struct call a, b, again, s;
    make_stable(&a);
    join(&b, (struct joiner){.name = "b"});
    join(&again, (struct joiner){.id = a.id});
    follow(&s, &b);
    ck_waits(s);
    pass(SESSION); /* the leader is silent */
    ck_answered(s, KP_ERR_REBALANCE_IN_PROGRESS);
    join(&b, (struct joiner){.id = b.id});
    ck_answered(b, KP_ERR_NONE);
    ck_assert_str_eq(b.leader, b.id);
    done();
}
END_TEST

START_TEST(a_newcomer_that_waits_has_five_minutes)
{
    struct call a, b;
    make_stable(&a);
    join(&b, (struct joiner){.rebalance = 1800000, .session = 6000});
    for (int64_t t = 0; t + 5000 < GROUP_FIRST_JOIN_MS; t += 5000) {
        pass(5000);
        ck_error(heartbeat(&a), KP_ERR_REBALANCE_IN_PROGRESS);
    }
    ck_waits(b);
    pass(5000);
    ck_answered(b, KP_ERR_UNKNOWN_MEMBER_ID);
    done();
}
END_TEST

/* ---- ends and beginnings */

START_TEST(a_dead_group_takes_nothing)
{
    struct call a;
    make();
    group_set_dead(g, true);
    join(&a, (struct joiner){0});
    ck_answered(a, KP_ERR_COORDINATOR_NOT_AVAILABLE);
    ck_error(commit("", -1), KP_ERR_COORDINATOR_NOT_AVAILABLE);
    group_set_dead(g, false);
    ck_error(commit("", -1), KP_ERR_NONE);
    done();
}
END_TEST

START_TEST(everybody_who_waits_can_be_sent_away)
{
    struct call a, b, again, s;
    make_stable(&a);
    join(&b, (struct joiner){0});
    group_dismiss(g, KP_ERR_NOT_COORDINATOR);
    ck_answered(b, KP_ERR_NOT_COORDINATOR);
    join(&b, (struct joiner){.id = b.given});
    join(&again, (struct joiner){.id = a.id});
    ck_answered(b, KP_ERR_NONE);
    follow(&s, &b);
    group_dismiss(g, KP_ERR_NOT_COORDINATOR);
    ck_answered(s, KP_ERR_NOT_COORDINATOR);
    done();
}
END_TEST

START_TEST(a_group_comes_back_from_its_record)
{
    make();
    struct kp_group_metadata_value v;
    kp_init(&kp_group_metadata_value_schema, &v);
    struct kp_group_metadata_value_members m[2];
    for (int i = 0; i < 2; i++) {
        kp_init(&kp_group_metadata_value_members_schema, &m[i]);
        m[i].member_id = kp_str(i ? "b-2" : "a-1");
        m[i].client_id = kp_str("c");
        m[i].client_host = kp_str("/h");
        m[i].session_timeout = SESSION;
        m[i].rebalance_timeout = REBALANCE;
        m[i].subscription = (struct kp_bytes){(const uint8_t *)"m", 1};
        m[i].assignment = (struct kp_bytes){(const uint8_t *)(i ? "B" : "A"), 1};
    }
    m[1].group_instance_id = kp_str("ib");
    v.protocol_type = kp_str("consumer");
    v.generation = 7;
    v.protocol = kp_str("range");
    v.leader = kp_str("b-2");
    v.n_members = 2;
    v.members = m;
    ck_assert_ok(group_restore(g, &v));
    pass(10 * SESSION); /* while the log is read */
    group_revive(g, now);
    ck_assert_int_eq(g->state, GROUP_STABLE);
    struct group_caller a = caller("a-1", NULL, 7), b = caller("b-2", "ib", 7);
    ck_error(group_heartbeat(g, now, &a), KP_ERR_NONE);
    ck_error(group_may_commit(g, now, &b), KP_ERR_NONE);
    ck_assert_ptr_eq(g->leader, g->members->next);
    struct call s, again;
    sync_as(&s, b, NULL, 0);
    ck_assert_str_eq(s.assignment, "B");
    join(&again, (struct joiner){.id = "a-1"});
    ck_answered(again, KP_ERR_NONE); /* nothing new: no rebalance */
    ck_assert_int_eq(again.generation, 7);
    pass(SESSION);
    ck_assert_int_eq(g->state, GROUP_EMPTY); /* sessions began anew, and ended */
    done();
}
END_TEST

START_TEST(a_record_that_names_a_member_twice_is_refused)
{
    make();
    struct kp_group_metadata_value v;
    kp_init(&kp_group_metadata_value_schema, &v);
    struct kp_group_metadata_value_members m[2];
    for (int i = 0; i < 2; i++) {
        kp_init(&kp_group_metadata_value_members_schema, &m[i]);
        m[i].member_id = m[i].client_id = m[i].client_host = kp_str("a");
    }
    v.protocol = v.protocol_type = kp_str("p");
    v.n_members = 2;
    v.members = m;
    ck_assert_int_eq(group_restore(g, &v), ERR_MALFORMED);
    done();
}
END_TEST

UNIT_MAIN(who_leaves_makes_the_others_rebalance, the_last_to_leave_makes_it_empty,
          a_silent_member_expires, a_commit_keeps_a_session_alive,
          who_waits_for_the_others_does_not_expire,
          who_does_not_come_in_the_rebalance_timeout_is_out,
          a_member_that_expires_while_others_wait_lets_them_go_on,
          the_longest_rebalance_timeout_holds, who_joins_and_never_syncs_is_out,
          a_leader_that_never_syncs_does_not_hold_the_others_up_for_ever,
          a_newcomer_that_waits_has_five_minutes, a_dead_group_takes_nothing,
          everybody_who_waits_can_be_sent_away, a_group_comes_back_from_its_record,
          a_record_that_names_a_member_twice_is_refused)

/* The rules of a group: members that keep their place when they start anew. */
#include <string.h>

#include "tests/unit/broker/group_kit.h"

/* ---- static members */

/* a and b with instances "ia" and "ib", a leading, stable. */
static void make_static_pair(struct call *a, struct call *b, const char *metadata, bool may_skip)
{
    struct call was, sa, sb;
    make();
    join(&was, (struct joiner){.name = "a", .instance = "ia", .protocols = {metadata}});
    join(b, (struct joiner){.name = "b", .instance = "ib", .protocols = {metadata}});
    join(a, (struct joiner){
                .id = was.id, .instance = "ia", .protocols = {metadata}, .may_skip = may_skip});
    ck_answered(*b, KP_ERR_NONE);
    sync_as(&sb, caller(b->id, "ib", 2), NULL, 0);
    sync_as(&sa, caller(a->id, "ia", 2),
            (struct kp_sync_group_req_assignments[]){assign(a->id, "A"), assign(b->id, "B")}, 2);
    stored(KP_ERR_NONE);
    ck_answered(sb, KP_ERR_NONE);
    ck_assert_int_eq(g->state, GROUP_STABLE);
}

START_TEST(a_static_member_that_starts_anew_disturbs_nobody)
{
    struct call a, b, c, s;
    make_static_pair(&a, &b, "range:m", false);
    join(&c, (struct joiner){.name = "b", .instance = "ib", .protocols = {"range:m"}});
    ck_waits(c); /* until its new id is durable */
    stored(KP_ERR_NONE);
    ck_answered(c, KP_ERR_NONE);
    ck_assert_str_ne(c.id, b.id);
    ck_assert_int_eq(c.generation, 2);
    ck_assert_str_eq(c.leader, a.id);
    ck_assert_int_eq(g->state, GROUP_STABLE);
    ck_assert_int_eq(g->n_members, 2);
    sync_as(&s, caller(c.id, "ib", 2), NULL, 0);
    ck_answered(s, KP_ERR_NONE);
    ck_assert_str_eq(s.assignment, "B");
    ck_error(heartbeat(&a), KP_ERR_NONE);
    done();
}
END_TEST

START_TEST(who_was_taken_over_is_fenced)
{
    struct call a, b, c, s;
    make_static_pair(&a, &b, "range:m", false);
    join(&c, (struct joiner){.name = "b", .instance = "ib", .protocols = {"range:m"}});
    stored(KP_ERR_NONE);
    struct group_caller old = caller(b.id, "ib", 2);
    ck_error(group_heartbeat(g, now, &old), KP_ERR_FENCED_INSTANCE_ID);
    ck_error(group_may_commit(g, now, &old), KP_ERR_FENCED_INSTANCE_ID);
    ck_error(group_leave(g, now, kp_str(b.id), kp_str("ib")), KP_ERR_FENCED_INSTANCE_ID);
    sync_as(&s, old, NULL, 0);
    ck_answered(s, KP_ERR_FENCED_INSTANCE_ID);
    join(&s, (struct joiner){.id = b.id, .instance = "ib"});
    ck_answered(s, KP_ERR_FENCED_INSTANCE_ID);
    struct group_caller stranger = caller(b.id, "ix", 2);
    ck_error(group_heartbeat(g, now, &stranger), KP_ERR_UNKNOWN_MEMBER_ID);
    done();
}
END_TEST

START_TEST(a_static_leader_that_starts_anew_is_told_to_skip_the_assignment)
{
    struct call a, b, c;
    make_static_pair(&a, &b, "range:m", true);
    join(&c, (struct joiner){
                 .name = "a", .instance = "ia", .protocols = {"range:m"}, .may_skip = true});
    stored(KP_ERR_NONE);
    ck_answered(c, KP_ERR_NONE);
    ck_assert_str_eq(c.leader, c.id);
    ck_assert(c.skip);
    ck_assert_ptr_nonnull(strstr(c.members, b.id));
    ck_assert_int_eq(g->state, GROUP_STABLE);
    done();
}
END_TEST

START_TEST(a_static_leader_with_an_old_client_is_told_that_another_leads)
{
    struct call a, b, c;
    make_static_pair(&a, &b, "range:m", false);
    join(&c, (struct joiner){.name = "a", .instance = "ia", .protocols = {"range:m"}});
    stored(KP_ERR_NONE);
    ck_answered(c, KP_ERR_NONE);
    ck_assert_str_eq(c.leader, a.id);
    ck_assert_str_eq(c.members, "");
    ck_assert(!c.skip);
    done();
}
END_TEST

START_TEST(a_take_over_that_cannot_be_stored_is_an_error)
{
    struct call a, b, c;
    make_static_pair(&a, &b, "range:m", false);
    join(&c, (struct joiner){.name = "b", .instance = "ib", .protocols = {"range:m"}});
    stored(KP_ERR_NOT_COORDINATOR);
    ck_answered(c, KP_ERR_NOT_COORDINATOR);
    ck_assert_int_eq(g->state, GROUP_STABLE);
    done();
}
END_TEST

START_TEST(a_take_over_waits_for_every_store_under_way)
{
    struct call a, b, c, d;
    make_static_pair(&a, &b, "range:m", false);
    join(&c, (struct joiner){.name = "b", .instance = "ib", .protocols = {"range:m"}});
    join(&d, (struct joiner){.name = "a", .instance = "ia", .protocols = {"range:m"}});
    ck_assert_int_eq(stores, 2);
    stored(KP_ERR_NONE);
    ck_waits(d); /* its record is the second */
    stored(KP_ERR_NONE);
    ck_answered(c, KP_ERR_NONE);
    ck_answered(d, KP_ERR_NONE);
    done();
}
END_TEST

START_TEST(a_static_member_with_another_subscription_rebalances)
{
    struct call a, b, c;
    make_static_pair(&a, &b, "range:m", false);
    join(&c, (struct joiner){.name = "b", .instance = "ib", .protocols = {"range:other"}});
    ck_waits(c);
    ck_assert_int_eq(stores, 0);
    ck_assert_int_eq(g->state, GROUP_PREPARING);
    done();
}
END_TEST

START_TEST(a_static_member_that_changes_the_protocol_rebalances)
{
    struct call a, c;
    make();
    join(&a, (struct joiner){.instance = "ia", .protocols = {"x:m", "y:m"}});
    struct call s;
    sync_as(&s, caller(a.id, "ia", 1), NULL, 0);
    stored(KP_ERR_NONE);
    join(&c, (struct joiner){.instance = "ia", .protocols = {"y:m", "x:m"}});
    ck_answered(c, KP_ERR_NONE);
    ck_assert_int_eq(c.generation, 2);
    ck_assert_str_eq(c.protocol, "y");
    done();
}
END_TEST

START_TEST(a_static_member_that_starts_anew_during_the_assignment_rebalances)
{
    struct call a, b, c;
    make();
    join(&a, (struct joiner){.name = "a", .instance = "ia"});
    join(&b, (struct joiner){.name = "b", .instance = "ib"});
    join(&a, (struct joiner){.id = a.id, .instance = "ia"});
    ck_assert_int_eq(g->state, GROUP_COMPLETING);
    struct call s;
    sync_as(&s, caller(b.id, "ib", 2), NULL, 0);
    join(&c, (struct joiner){.name = "b", .instance = "ib"});
    ck_answered(s, KP_ERR_FENCED_INSTANCE_ID);
    ck_waits(c);
    ck_assert_int_eq(g->state, GROUP_PREPARING);
    done();
}
END_TEST

START_TEST(a_static_member_that_starts_anew_while_waiting_takes_its_place)
{
    struct call a, b, c, d;
    make_static_pair(&a, &b, "range:m", false);
    join(&d, (struct joiner){.name = "d"});
    struct call b2;
    join(&b2, (struct joiner){.id = b.id, .instance = "ib", .protocols = {"range:m"}});
    ck_waits(b2);
    join(&c, (struct joiner){.name = "b", .instance = "ib", .protocols = {"range:m"}});
    ck_answered(b2, KP_ERR_FENCED_INSTANCE_ID);
    ck_waits(c);
    join(&a, (struct joiner){.id = a.id, .instance = "ia", .protocols = {"range:m"}});
    ck_answered(c, KP_ERR_NONE);
    ck_answered(d, KP_ERR_NONE);
    ck_assert_int_eq(g->n_members, 3);
    done();
}
END_TEST

START_TEST(a_static_member_stays_through_a_rebalance_it_misses)
{
    struct call a, b, d;
    make_static_pair(&a, &b, "range:m", false);
    /* sessions are longer than the rebalance */
    join(&a, (struct joiner){
                 .id = a.id, .instance = "ia", .session = 1800000, .protocols = {"range:n"}});
    join(&b, (struct joiner){
                 .id = b.id, .instance = "ib", .session = 1800000, .protocols = {"range:n"}});
    join(&d, (struct joiner){.name = "d", .protocols = {"range:n"}});
    join(&a, (struct joiner){
                 .id = a.id, .instance = "ia", .session = 1800000, .protocols = {"range:n"}});
    pass(REBALANCE);
    ck_answered(d, KP_ERR_NONE);
    ck_assert_int_eq(g->n_members, 3);
    ck_assert_ptr_nonnull(strstr(a.members, b.id));
    done();
}
END_TEST

START_TEST(only_static_members_and_none_is_back_the_group_waits_on)
{
    struct call a, b;
    make_static_pair(&a, &b, "range:m", false);
    struct group_caller wa = caller(a.id, "ia", 2), wb = caller(b.id, "ib", 2);
    struct call d;
    join(&d, (struct joiner){.name = "d", .rebalance = 6000});
    ck_error(group_leave(g, now, kp_str(d.given), kp_str(NULL)), KP_ERR_NONE);
    ck_answered(d, KP_ERR_UNKNOWN_MEMBER_ID);
    for (int64_t t = 0; t < 2 * REBALANCE; t += 5000) {
        pass(5000);
        ck_error(group_heartbeat(g, now, &wa), KP_ERR_REBALANCE_IN_PROGRESS);
        ck_error(group_heartbeat(g, now, &wb), KP_ERR_REBALANCE_IN_PROGRESS);
    }
    ck_assert_int_eq(g->generation, 2);
    pass(SESSION); /* until their sessions end */
    ck_assert_int_eq(g->state, GROUP_EMPTY);
    done();
}
END_TEST

START_TEST(a_static_member_leaves_by_its_instance)
{
    struct call a, b;
    make_static_pair(&a, &b, "range:m", false);
    ck_error(group_leave(g, now, kp_str(""), kp_str("ix")), KP_ERR_UNKNOWN_MEMBER_ID);
    ck_error(group_leave(g, now, kp_str(""), kp_str("ib")), KP_ERR_NONE);
    ck_assert_int_eq(g->n_members, 1);
    ck_error(group_leave(g, now, kp_str(a.id), kp_str("ia")), KP_ERR_NONE);
    ck_assert_int_eq(g->state, GROUP_EMPTY);
    done();
}
END_TEST

START_TEST(a_static_leader_that_misses_a_rebalance_does_not_lead)
{
    struct call a, b, d;
    make_static_pair(&a, &b, "range:m", false);
    struct group_caller wa = caller(a.id, "ia", 2);
    join(&d, (struct joiner){.name = "d"});
    join(&b, (struct joiner){.id = b.id, .instance = "ib", .protocols = {"range:m"}});
    for (int64_t t = 0; t < REBALANCE; t += 5000) {
        ck_error(group_heartbeat(g, now, &wa), KP_ERR_REBALANCE_IN_PROGRESS);
        pass(5000);
    }
    ck_answered(b, KP_ERR_NONE);
    ck_answered(d, KP_ERR_NONE);
    ck_assert_str_eq(d.leader, b.id);
    ck_assert_int_eq(g->n_members, 3);
    done();
}
END_TEST

UNIT_MAIN(a_static_member_that_starts_anew_disturbs_nobody, who_was_taken_over_is_fenced,
          a_static_leader_that_starts_anew_is_told_to_skip_the_assignment,
          a_static_leader_with_an_old_client_is_told_that_another_leads,
          a_take_over_that_cannot_be_stored_is_an_error,
          a_take_over_waits_for_every_store_under_way,
          a_static_member_with_another_subscription_rebalances,
          a_static_member_that_changes_the_protocol_rebalances,
          a_static_member_that_starts_anew_during_the_assignment_rebalances,
          a_static_member_that_starts_anew_while_waiting_takes_its_place,
          a_static_member_stays_through_a_rebalance_it_misses,
          only_static_members_and_none_is_back_the_group_waits_on,
          a_static_member_leaves_by_its_instance,
          a_static_leader_that_misses_a_rebalance_does_not_lead)

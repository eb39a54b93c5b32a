/* Two brokers that answer as each test wants: who is asked, and what is tried again. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "client/offsets.h"
#include "client/produce.h"
#include "client/topics.h"
#include "kp/error.h"
#include "tests/unit/client/fake.h"

enum { METADATA, PRODUCE_0, PRODUCE_1, CREATE_0, CREATE_1, OFFSETS_0, OFFSETS_1 };

static struct fake fake;
static struct client_cluster cluster;
static struct err error;

static void start(enum fake_verdict (*f)(const struct fake *, struct fake_request *))
{
    fake_start(&fake, f);
    struct client_options o = {.bootstrap = fake.bootstrap, .name = "test", .interrupt_fd = -1};
    client_cluster_init(&cluster, &o);
    client_begin(&cluster, 60000);
}

static void stop(void)
{
    client_cluster_release(&cluster);
    fake_stop(&fake);
}

/* Answer a Produce: each partition p gets offset 100 * broker + p, or the error. */
static enum fake_verdict produced(struct fake_request *r, int16_t code)
{
    const struct kp_produce_req *req = r->req;
    struct kp_produce_resp *resp = r->resp;
    const struct kp_produce_req_topic_data *t = &req->topic_data[0];
    resp->n_responses = 1;
    resp->responses = arena_alloc(r->arena, sizeof *resp->responses);
    kp_init(&kp_produce_resp_responses_schema, resp->responses);
    resp->responses->name = t->name;
    resp->responses->n_partition_responses = t->n_partition_data;
    resp->responses->partition_responses = arena_array(
        r->arena, (size_t)t->n_partition_data, sizeof *resp->responses->partition_responses);
    for (int32_t i = 0; i < t->n_partition_data; i++) {
        struct kp_produce_resp_responses_partition_responses *p =
            &resp->responses->partition_responses[i];
        kp_init(&kp_produce_resp_responses_partition_responses_schema, p);
        p->index = t->partition_data[i].index;
        p->error_code = code;
        p->base_offset = 100 * r->broker + p->index;
    }
    return FAKE_ANSWER;
}

/* Send a batch to partitions 0 to n - 1; what is in it is nothing to the fake. */
static int produce(struct client_batch *v, int32_t n)
{
    memset(v, 0, (size_t)n * sizeof *v);
    for (int32_t i = 0; i < n; i++) {
        v[i].part.topic = "t";
        v[i].part.partition = i;
        v[i].records = span_str("batch");
    }
    return client_produce(&cluster, CLIENT_ACKS_ALL, v, (size_t)n, &error);
}

static const int own[] = {0, 1, 0, 1}; /* leaders of four partitions */

static enum fake_verdict well(const struct fake *k, struct fake_request *r)
{
    if (r->header.key == KP_METADATA) {
        r->seen[METADATA]++;
        fake_metadata(k, r, 1, 4, own);
        return FAKE_ANSWER;
    }
    r->seen[PRODUCE_0 + r->broker]++;
    return produced(r, 0);
}

START_TEST(each_leader_gets_one_request)
{
    struct client_batch v[4];
    start(well);
    for (int round = 1; round <= 3; round++) {
        ck_assert_ok(produce(v, 4));
        for (int i = 0; i < 4; i++) {
            ck_assert(v[i].part.done && !v[i].part.error);
            ck_assert_int_eq(v[i].base_offset, 100 * own[i] + i);
        }
        ck_assert_int_eq(fake.seen[PRODUCE_0], round);
        ck_assert_int_eq(fake.seen[PRODUCE_1], round);
        ck_assert_int_eq(fake.seen[METADATA], 1);
    }
    stop();
}
END_TEST

/* Partition 1 moves from broker 1 to broker 0 without the client's knowing. */
static enum fake_verdict moving(const struct fake *k, struct fake_request *r)
{
    static const int moved[] = {0, 0, 0, 0};
    if (r->header.key == KP_METADATA) {
        fake_metadata(k, r, 1, 4, r->seen[METADATA]++ ? moved : own);
        return FAKE_ANSWER;
    }
    r->seen[PRODUCE_0 + r->broker]++;
    return produced(r, r->broker == 1 ? KP_ERR_NOT_LEADER_OR_FOLLOWER : 0);
}

START_TEST(a_leader_that_moved_is_found_again)
{
    struct client_batch v[4];
    start(moving);
    ck_assert_ok(produce(v, 4));
    for (int i = 0; i < 4; i++) {
        ck_assert(v[i].part.done && !v[i].part.error);
        ck_assert_int_eq(v[i].base_offset, i);
    }
    ck_assert_int_eq(fake.seen[PRODUCE_1], 1);
    ck_assert_int_eq(fake.seen[PRODUCE_0], 2); /* those that were written are not sent again */
    stop();
}
END_TEST

/* Broker 1 drops its first two connections in the middle of a request. */
static enum fake_verdict dropping(const struct fake *k, struct fake_request *r)
{
    if (r->header.key == KP_METADATA)
        return fake_metadata(k, r, 1, 4, own), FAKE_ANSWER;
    if (r->seen[PRODUCE_0 + r->broker]++ < 2 && r->broker == 1)
        return FAKE_DROP;
    return produced(r, 0);
}

START_TEST(a_lost_connection_is_tried_again)
{
    struct client_batch v[4];
    start(dropping);
    ck_assert_ok(produce(v, 4));
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(v[i].base_offset, 100 * own[i] + i);
    ck_assert_int_eq(fake.seen[PRODUCE_0], 1);
    ck_assert_int_eq(fake.seen[PRODUCE_1], 3);
    stop();
}
END_TEST

static enum fake_verdict refusing(const struct fake *k, struct fake_request *r)
{
    if (r->header.key == KP_METADATA)
        return fake_metadata(k, r, 1, 4, own), FAKE_ANSWER;
    r->seen[PRODUCE_0 + r->broker]++;
    return produced(r, r->broker ? KP_ERR_MESSAGE_TOO_LARGE : 0);
}

START_TEST(a_refusal_is_final_and_its_own_partitions)
{
    struct client_batch v[4];
    start(refusing);
    ck_assert_ok(produce(v, 4));
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(v[i].part.error, own[i] ? KP_ERR_MESSAGE_TOO_LARGE : 0);
    ck_assert_ptr_nonnull(strstr(v[1].part.text, "MESSAGE_TOO_LARGE"));
    ck_assert_int_eq(fake.seen[PRODUCE_1], 1);
    stop();
}
END_TEST

/* Broker 1 never answers a Produce. */
static enum fake_verdict silent(const struct fake *k, struct fake_request *r)
{
    if (r->header.key == KP_METADATA)
        return fake_metadata(k, r, 1, 4, own), FAKE_ANSWER;
    return r->broker ? FAKE_SILENT : produced(r, 0);
}

/* Broker 0 or 1 sends what cannot be read; the other closes the connection, which may pass. */
static enum fake_verdict hopeless(struct fake_request *r, const struct fake *k, int broker)
{
    if (r->header.key == KP_METADATA) {
        fake_metadata(k, r, 1, 2, own);
        return FAKE_ANSWER;
    }
    produced(r, 0);
    return r->broker == broker ? FAKE_CUT : FAKE_DROP;
}

static enum fake_verdict hopeless_0(const struct fake *k, struct fake_request *r)
{
    return hopeless(r, k, 0);
}

static enum fake_verdict hopeless_1(const struct fake *k, struct fake_request *r)
{
    return hopeless(r, k, 1);
}

START_TEST(the_reason_is_that_of_the_failure_that_ended_it)
{
    enum fake_verdict (*const either[])(const struct fake *, struct fake_request *) = {hopeless_0,
                                                                                       hopeless_1};
    for (int i = 0; i < 2; i++) { /* one of them is answered after the other */
        struct client_batch v[2];
        start(either[i]);
        ck_assert_int_eq(produce(v, 2), ERR_SHORT);
        ck_assert_int_eq(error.code, ERR_SHORT);
        ck_assert_ptr_nonnull(strstr(error.text, "Produce"));
        stop();
    }
}
END_TEST

START_TEST(the_deadline_ends_the_waiting)
{
    struct client_batch v[4];
    start(silent);
    client_begin(&cluster, 300);
    ck_assert_int_eq(produce(v, 4), ERR_TIMEOUT);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(v[i].part.done, own[i] == 0); /* the fate of the others is open */
    stop();
}
END_TEST

START_TEST(an_interrupt_ends_the_waiting)
{
    struct client_batch v[4];
    int ends[2];
    start(silent);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "", 1), 1);
    ck_assert_int_eq(client_partitions(&cluster, "t", &error), 4);
    cluster.wait.interrupt_fd = ends[0];
    ck_assert_int_eq(produce(v, 4), ERR_INTERRUPTED);
    close(ends[0]);
    close(ends[1]);
    stop();
}
END_TEST

/* After a timeout the answer that comes late must not be taken for that of the next request. */
START_TEST(a_late_answer_meets_nobody)
{
    struct client_batch v[4];
    start(silent);
    client_begin(&cluster, 200);
    ck_assert_int_eq(produce(v, 4), ERR_TIMEOUT);
    client_begin(&cluster, 60000);
    ck_assert_ok(produce(v, 1));
    ck_assert_int_eq(v[0].base_offset, 0);
    stop();
}
END_TEST

static enum fake_verdict no_topic(const struct fake *k, struct fake_request *r)
{
    fake_metadata(k, r, 1, -1, NULL);
    return r->header.key == KP_METADATA ? FAKE_ANSWER : FAKE_DROP;
}

START_TEST(an_unknown_topic_is_no_reason_to_wait)
{
    struct client_batch v[1];
    start(no_topic);
    ck_assert_int_eq(client_partitions(&cluster, "t", &error), ERR_NOTFOUND);
    ck_assert_int_eq(produce(v, 1), ERR_NOTFOUND);
    stop();
}
END_TEST

/* The controller is broker 1 at first and broker 0 from the second metadata on. */
static enum fake_verdict electing(const struct fake *k, struct fake_request *r)
{
    if (r->header.key == KP_METADATA)
        return fake_metadata(k, r, r->seen[METADATA]++ ? 0 : 1, 4, own), FAKE_ANSWER;
    const struct kp_create_topics_req *req = r->req;
    struct kp_create_topics_resp *resp = r->resp;
    r->seen[CREATE_0 + r->broker]++;
    resp->n_topics = 1;
    resp->topics = arena_alloc(r->arena, sizeof *resp->topics);
    kp_init(&kp_create_topics_resp_topics_schema, resp->topics);
    resp->topics->name = req->topics[0].name;
    resp->topics->error_code = r->broker ? KP_ERR_NOT_CONTROLLER : 0;
    resp->topics->num_partitions = req->topics[0].num_partitions;
    return FAKE_ANSWER;
}

START_TEST(the_controller_is_found_again)
{
    struct client_topic_change t = {.name = "new", .partitions = 3, .replication = -1};
    start(electing);
    ck_assert_ok(client_create_topics(&cluster, &t, 1, false, &error));
    ck_assert_int_eq(t.error, 0);
    ck_assert_int_eq(t.partitions, 3);
    ck_assert_int_eq(fake.seen[CREATE_1], 1);
    ck_assert_int_eq(fake.seen[CREATE_0], 1);
    stop();
}
END_TEST

static enum fake_verdict dying_controller(const struct fake *k, struct fake_request *r)
{
    if (r->header.key == KP_METADATA)
        return fake_metadata(k, r, 1, 4, own), FAKE_ANSWER;
    r->seen[CREATE_0 + r->broker]++;
    return FAKE_DROP;
}

/* What may have been done is not done again by guesswork. */
START_TEST(a_lost_controller_leaves_the_outcome_open)
{
    struct client_topic_change t = {.name = "new", .partitions = 3, .replication = -1};
    start(dying_controller);
    ck_assert_int_eq(client_create_topics(&cluster, &t, 1, false, &error), ERR_UNKNOWN_OUTCOME);
    ck_assert_int_eq(fake.seen[CREATE_1], 1);
    stop();
}
END_TEST

static enum fake_verdict silent_controller(const struct fake *k, struct fake_request *r)
{
    if (r->header.key == KP_METADATA)
        return fake_metadata(k, r, 1, 4, own), FAKE_ANSWER;
    return FAKE_SILENT;
}

START_TEST(a_silent_controller_leaves_it_open_too)
{
    struct client_topic_change t = {.name = "new", .partitions = 3, .replication = -1};
    start(silent_controller);
    client_begin(&cluster, 300);
    ck_assert_int_eq(client_create_topics(&cluster, &t, 1, false, &error), ERR_UNKNOWN_OUTCOME);
    stop();
}
END_TEST

/* An answer that passes over a partition is not success for it. */
static enum fake_verdict forgetful(const struct fake *k, struct fake_request *r)
{
    if (r->header.key == KP_METADATA)
        return fake_metadata(k, r, 1, 4, own), FAKE_ANSWER;
    const struct kp_list_offsets_req *req = r->req;
    struct kp_list_offsets_resp *resp = r->resp;
    bool first = !r->seen[OFFSETS_0 + r->broker]++;
    const struct kp_list_offsets_req_topics *t = &req->topics[0];
    resp->n_topics = 1;
    resp->topics = arena_alloc(r->arena, sizeof *resp->topics);
    kp_init(&kp_list_offsets_resp_topics_schema, resp->topics);
    resp->topics->name = t->name;
    resp->topics->n_partitions = first ? 1 : t->n_partitions;
    resp->topics->partitions =
        arena_array(r->arena, (size_t)t->n_partitions, sizeof *resp->topics->partitions);
    for (int32_t i = 0; i < resp->topics->n_partitions; i++) {
        kp_init(&kp_list_offsets_resp_topics_partitions_schema, &resp->topics->partitions[i]);
        resp->topics->partitions[i].partition_index = t->partitions[i].partition_index;
        resp->topics->partitions[i].offset = 10 + t->partitions[i].partition_index;
    }
    return FAKE_ANSWER;
}

START_TEST(a_partition_without_an_answer_is_asked_for_again)
{
    struct client_offset v[4];
    start(forgetful);
    memset(v, 0, sizeof v);
    for (int i = 0; i < 4; i++)
        v[i] =
            (struct client_offset){.part = {.topic = "t", .partition = i}, .time = CLIENT_LATEST};
    ck_assert_ok(client_list_offsets(&cluster, v, 4, &error));
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(v[i].offset, 10 + i);
    ck_assert_int_eq(fake.seen[OFFSETS_0], 2);
    stop();
}
END_TEST

/* The list is tried in order; one that refuses connections is passed over. */
START_TEST(the_first_that_answers_will_do)
{
    char list[100];
    start(well);
    client_cluster_release(&cluster);
    snprintf(list, sizeof list, "127.0.0.1:1,%s", fake.bootstrap);
    struct client_options o = {.bootstrap = list, .name = "test", .interrupt_fd = -1};
    client_cluster_init(&cluster, &o);
    client_begin(&cluster, 60000);
    ck_assert_int_eq(client_partitions(&cluster, "t", &error), 4);
    client_cluster_release(&cluster);
    o.bootstrap = "127.0.0.1:1";
    client_cluster_init(&cluster, &o);
    client_begin(&cluster, 60000);
    ck_assert_int_eq(client_partitions(&cluster, "t", &error), ERR_UNREACHABLE);
    stop();
}
END_TEST

UNIT_MAIN(each_leader_gets_one_request, a_leader_that_moved_is_found_again,
          a_lost_connection_is_tried_again, a_refusal_is_final_and_its_own_partitions,
          the_reason_is_that_of_the_failure_that_ended_it, the_deadline_ends_the_waiting,
          an_interrupt_ends_the_waiting, a_late_answer_meets_nobody,
          an_unknown_topic_is_no_reason_to_wait, the_controller_is_found_again,
          a_lost_controller_leaves_the_outcome_open, a_silent_controller_leaves_it_open_too,
          a_partition_without_an_answer_is_asked_for_again, the_first_that_answers_will_do)

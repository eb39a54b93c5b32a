/* What is written is read back the same, in every version of every schema. */
#include <stdlib.h>

#include "tests/unit/kp/message.h"
#include "tests/unit/unit.h"

enum { SEEDS = 50 };

static void round_trip(const struct kp_schema *s, int version, uint64_t seed)
{
    struct message a, b;
    size_t n, again_n, left;
    message_random(&a, s, version, seed);
    uint8_t *bytes = message_bytes(&a, &n);
    int err = message_decode(&b, s, version, bytes, n, 0, &left);
    ck_assert_msg(err == 0, "%s v%d seed %d: %s", kp_schema_name(s), version, (int)seed,
                  unit_err(err));
    ck_assert_uint_eq(left, 0);
    ck_assert_msg(kp_equal(s, version, a.msg, b.msg), "%s v%d seed %d differs", kp_schema_name(s),
                  version, (int)seed);
    uint8_t *again = message_bytes(&b, &again_n);
    ck_assert_bytes_eq(bytes, n, again, again_n);
    free(again);
    free(bytes);
    message_free(&a);
    message_free(&b);
}

static void round_trips(const struct kp_schema *s, int version)
{
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        round_trip(s, version, seed);
}

START_TEST(random_messages_survive)
{
    each_message(round_trips);
}
END_TEST

static void default_survives(const struct kp_schema *s, int version)
{
    struct message a = {.s = s, .version = version, .msg = malloc(kp_sizeof(s))}, b;
    size_t n;
    kp_init(s, a.msg);
    uint8_t *bytes = message_bytes(&a, &n);
    ck_assert_ok(message_decode(&b, s, version, bytes, n, 0, NULL));
    ck_assert(kp_equal(s, version, a.msg, b.msg));
    free(bytes);
    message_free(&a);
    message_free(&b);
}

START_TEST(default_messages_survive)
{
    each_message(default_survives);
}
END_TEST

/* Two random messages differ, but for the few that have hardly any content: else kp_equal would say
 * yes to everything, or kp_random always make the same. */
static int n_same, n_pairs;
static void compare_seeds(const struct kp_schema *s, int version)
{
    struct message a, b;
    message_random(&a, s, version, 1);
    message_random(&b, s, version, 2);
    n_same += kp_equal(s, version, a.msg, b.msg);
    n_pairs++;
    message_free(&a);
    message_free(&b);
}

START_TEST(seeds_make_a_difference)
{
    each_message(compare_seeds);
    ck_assert_int_gt(n_pairs, 200);
    ck_assert_int_lt(n_same, n_pairs / 10);
}
END_TEST

static void same_seed(const struct kp_schema *s, int version)
{
    struct message a, b;
    message_random(&a, s, version, 7);
    message_random(&b, s, version, 7);
    ck_assert(kp_equal(s, version, a.msg, b.msg));
    message_free(&a);
    message_free(&b);
}

START_TEST(a_seed_makes_one_message)
{
    each_message(same_seed);
}
END_TEST

/* What a length can be: null, empty, short, more than a one-byte compact length can say. */
START_TEST(random_messages_are_of_every_kind)
{
    int null = 0, empty = 0, brief = 0, lengthy = 0, no_topics = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct message m;
        message_random(&m, &kp_heartbeat_req_schema, 4, seed);
        int32_t n = ((struct kp_heartbeat_req *)m.msg)->group_instance_id.n;
        null += n == -1;
        empty += n == 0;
        brief += n > 0 && n < 127;
        lengthy += n >= 127;
        message_free(&m);
        message_random(&m, &kp_metadata_req_schema, 12, seed);
        no_topics += ((struct kp_metadata_req *)m.msg)->n_topics == -1;
        message_free(&m);
    }
    ck_assert_msg(null && empty && brief && lengthy && no_topics, "%d %d %d %d %d", null, empty,
                  brief, lengthy, no_topics);
}
END_TEST

UNIT_MAIN(random_messages_are_of_every_kind, random_messages_survive, default_messages_survive,
          seeds_make_a_difference, a_seed_makes_one_message)

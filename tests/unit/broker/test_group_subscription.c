#include "broker/group_subscription.h"
#include "tests/unit/unit.h"

#define BYTES(text) ((struct kp_bytes){(const uint8_t *)(text), sizeof(text) - 1})

/* version, topics, user data */
#define A_B    \
    "\0\0"     \
    "\0\0\0\2" \
    "\0\1a"    \
    "\0\1b"    \
    "\xff\xff\xff\xff"
#define B_A_OWNED \
    "\0\1"        \
    "\0\0\0\2"    \
    "\0\1b"       \
    "\0\1a"       \
    "\0\0\0\1u"   \
    "\0\0\0\1"    \
    "\0\1a"       \
    "\0\0\0\1"    \
    "\0\0\0\3"
#define A_ONLY \
    "\0\0"     \
    "\0\0\0\1" \
    "\0\1a"    \
    "\xff\xff\xff\xff"
#define NEWER          \
    "\0\x09"           \
    "\0\0\0\2"         \
    "\0\1a"            \
    "\0\1b"            \
    "\xff\xff\xff\xff" \
    "\0\0\0\0"         \
    "\xff\xff\xff\xff" \
    "\xff\xff"         \
    "more"

START_TEST(what_else_a_consumer_says_does_not_matter)
{
    ck_assert(group_subscription_same(kp_str("consumer"), BYTES(A_B), BYTES(B_A_OWNED)));
    ck_assert(group_subscription_same(kp_str("consumer"), BYTES(A_B), BYTES(NEWER)));
    ck_assert(!group_subscription_same(kp_str("consumer"), BYTES(A_B), BYTES(A_ONLY)));
}
END_TEST

START_TEST(what_cannot_be_read_is_compared_bytewise)
{
    ck_assert(group_subscription_same(kp_str("consumer"), BYTES("x"), BYTES("x")));
    ck_assert(!group_subscription_same(kp_str("consumer"), BYTES("x"), BYTES("y")));
    ck_assert(!group_subscription_same(kp_str("consumer"), BYTES(A_B), BYTES("")));
    ck_assert(group_subscription_same(kp_str("consumer"), BYTES(""), BYTES("")));
    ck_assert(!group_subscription_same(kp_str("connect"), BYTES(A_B), BYTES(B_A_OWNED)));
    ck_assert(group_subscription_same(kp_str("connect"), BYTES(A_B), BYTES(A_B)));
}
END_TEST

START_TEST(a_topic_is_found)
{
    ck_assert(group_subscription_has(BYTES(B_A_OWNED), kp_str("a")));
    ck_assert(!group_subscription_has(BYTES(A_ONLY), kp_str("b")));
    ck_assert(group_subscription_has(BYTES("?"), kp_str("b"))); /* it might */
}
END_TEST

UNIT_MAIN(what_else_a_consumer_says_does_not_matter, what_cannot_be_read_is_compared_bytewise,
          a_topic_is_found)

#include "tests/unit/unit.h"

#include "client/murmur2.h"

/* Values that Kafka's own tests state for its hash. */
START_TEST(hashes_are_those_of_java)
{
    static const struct {
        const char *key;
        int32_t hash;
    } cases[] = {
        {"21", -973932308},
        {"foobar", -790332482},
        {"a-little-bit-long-string", -985981536},
        {"a-little-bit-longer-string", -1486304829},
        {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
        {"abc", 479470107},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_int_eq((int32_t)client_murmur2(span_str(cases[i].key)), cases[i].hash);
}
END_TEST

/* toPositive(murmur2(key)) % partitions, for a negative hash and a positive one. */
START_TEST(a_key_has_one_partition)
{
    ck_assert_int_eq(client_partition_of(span_str("21"), 10), 1173551340 % 10);
    ck_assert_int_eq(client_partition_of(span_str("abc"), 7), 479470107 % 7);
    ck_assert_int_eq(client_partition_of(span_of("", 0), 1), 0);
}
END_TEST

UNIT_MAIN(hashes_are_those_of_java, a_key_has_one_partition)

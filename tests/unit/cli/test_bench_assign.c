#include "cli/bench_assign.h"
#include "tests/unit/unit.h"

enum { MAX = 64 };

/* Every partition is somebody's, every client has one leader, and no partition has two clients
 * while another client of its leader has several. */
static void covers(const uint32_t *leader, size_t n, uint32_t brokers, uint32_t clients)
{
    unsigned owners[MAX] = {0};
    uint32_t mine[MAX];
    for (uint32_t c = 0; c < clients; c++) {
        size_t k = bench_assign(leader, n, brokers, clients, c, mine);
        ck_assert_uint_gt(k, 0);
        for (size_t i = 0; i < k; i++) {
            ck_assert_uint_lt(mine[i], n);
            ck_assert(i == 0 || mine[i] > mine[i - 1]);
            ck_assert_uint_eq(leader[mine[i]], leader[mine[0]]);
            ck_assert(k == 1 || owners[mine[i]] == 0);
            owners[mine[i]]++;
        }
    }
    for (size_t i = 0; i < n; i++)
        ck_assert_uint_gt(owners[i], 0);
}

START_TEST(all_partitions_are_covered)
{
    uint32_t one[MAX] = {0}, three[MAX], lame[MAX];
    for (uint32_t i = 0; i < MAX; i++) {
        three[i] = i * 7 % 3;
        lame[i] = i == 5 ? 4 : 1; /* brokers 0, 2, 3 lead nothing */
    }
    for (size_t n = 1; n <= MAX; n += 9)
        for (uint32_t clients = 1; clients < 40; clients += 3) {
            covers(one, n, 1, clients);
            if (clients >= bench_leaders(three, n, 3))
                covers(three, n, 3, clients);
            if (clients >= bench_leaders(lame, n, 5))
                covers(lame, n, 5, clients);
        }
}
END_TEST

START_TEST(one_client_has_all_and_many_have_one_each)
{
    uint32_t leader[4] = {0}, mine[4];
    ck_assert_uint_eq(bench_assign(leader, 4, 1, 1, 0, mine), 4);
    for (uint32_t c = 0; c < 8; c++) {
        ck_assert_uint_eq(bench_assign(leader, 4, 1, 8, c, mine), 1);
        ck_assert_uint_eq(mine[0], c % 4);
    }
}
END_TEST

START_TEST(fewer_clients_than_leaders_is_refused)
{
    uint32_t leader[3] = {0, 1, 2}, mine[3];
    ck_assert_uint_eq(bench_leaders(leader, 3, 3), 3);
    ck_assert_uint_eq(bench_assign(leader, 3, 3, 2, 0, mine), 0);
}
END_TEST

UNIT_MAIN(all_partitions_are_covered, one_client_has_all_and_many_have_one_each,
          fewer_clients_than_leaders_is_refused)

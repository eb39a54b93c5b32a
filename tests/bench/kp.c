/* kp.c - what the interpreter costs: nanoseconds per message on one core. Not run by make check.
 *
 *   make tests/bench/kp && tests/bench/kp
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kp/kp.h"

enum { ROUNDS = 300000, TRIES = 7 };

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* The best of some tries, so that a neighbour's load does not count. */
static double decode_ns(const struct kp_schema *s, int version, const struct wr *w, int rounds)
{
    double best = 1e18;
    struct arena a;
    void *msg = malloc(kp_sizeof(s));
    arena_init(&a, 0);
    for (int t = 0; t < TRIES; t++) {
        double start = now_ns();
        for (int i = 0; i < rounds; i++) {
            struct rd r = rd_of(w->buf, w->len);
            if (kp_decode(s, version, &r, &a, msg) != 0)
                abort();
            arena_reset(&a);
        }
        double ns = (now_ns() - start) / rounds;
        best = ns < best ? ns : best;
    }
    arena_free(&a);
    free(msg);
    return best;
}

static double encode_ns(const struct kp_schema *s, int version, const void *msg, struct wr *w,
                        int rounds)
{
    double best = 1e18;
    for (int t = 0; t < TRIES; t++) {
        double start = now_ns();
        for (int i = 0; i < rounds; i++) {
            wr_reset(w);
            kp_encode(s, version, msg, w);
        }
        double ns = (now_ns() - start) / rounds;
        best = ns < best ? ns : best;
    }
    if (w->err)
        abort();
    return best;
}

static void run(const char *what, const struct kp_schema *s, int version, const void *msg,
                int rounds)
{
    struct wr w;
    wr_init(&w, 0);
    double e = encode_ns(s, version, msg, &w, rounds);
    double d = decode_ns(s, version, &w, rounds);
    printf("%-46s %6zu bytes  encode %7.0f ns  decode %7.0f ns\n", what, w.len, e, d);
    wr_free(&w);
}

static void run_produce(struct arena *a)
{
    static uint8_t records[120];
    struct kp_produce_req_topic_data_partition_data part = {
        .records = {.p = records, .n = sizeof records}};
    struct kp_produce_req_topic_data topic = {
        .name = kp_str("payments"), .n_partition_data = 1, .partition_data = &part};
    struct kp_produce_req req = {
        .transactional_id = kp_str(NULL), .acks = -1, .n_topic_data = 1, .topic_data = &topic};
    run("Produce v9 request, 1 partition", &kp_produce_req_schema, 9, &req, ROUNDS);
    run("Produce v3 request, 1 partition", &kp_produce_req_schema, 3, &req, ROUNDS);

    struct kp_produce_resp_responses tr = {
        .name = kp_str("payments"),
        .n_partition_responses = 1,
        .partition_responses =
            kp_array(&kp_produce_resp_responses_partition_responses_schema, a, 1)};
    struct kp_produce_resp resp;
    kp_init(&kp_produce_resp_schema, &resp);
    resp.n_responses = 1;
    resp.responses = &tr;
    run("Produce v9 response, 1 partition", &kp_produce_resp_schema, 9, &resp, ROUNDS);
}

static void run_fetch(struct arena *a)
{
    enum { N = 64 };
    struct kp_fetch_req_topics topic = {.topic = kp_str("payments"),
                                        .n_partitions = N,
                                        .partitions =
                                            kp_array(&kp_fetch_req_topics_partitions_schema, a, N)};
    struct kp_fetch_req req;
    kp_init(&kp_fetch_req_schema, &req);
    req.n_topics = 1;
    req.topics = &topic;
    run("Fetch v11 request, 64 partitions", &kp_fetch_req_schema, 11, &req, ROUNDS / 20);
    run("Fetch v17 request, 64 partitions", &kp_fetch_req_schema, 17, &req, ROUNDS / 20);

    struct kp_fetch_resp_responses rt = {
        .topic = kp_str("payments"),
        .n_partitions = N,
        .partitions = kp_array(&kp_fetch_resp_responses_partitions_schema, a, N)};
    struct kp_fetch_resp resp;
    kp_init(&kp_fetch_resp_schema, &resp);
    resp.n_responses = 1;
    resp.responses = &rt;
    run("Fetch v11 response, 64 partitions", &kp_fetch_resp_schema, 11, &resp, ROUNDS / 20);
    run("Fetch v17 response, 64 partitions", &kp_fetch_resp_schema, 17, &resp, ROUNDS / 20);
}

static void run_metadata(struct arena *a)
{
    enum { N = 128 };
    static int32_t replicas[] = {1, 2, 3};
    struct kp_metadata_resp_topics_partitions *parts =
        kp_array(&kp_metadata_resp_topics_partitions_schema, a, N);
    for (int i = 0; i < N; i++) {
        parts[i].n_replica_nodes = parts[i].n_isr_nodes = 3;
        parts[i].replica_nodes = parts[i].isr_nodes = replicas;
    }
    struct kp_metadata_resp_topics topic = {
        .name = kp_str("payments"), .n_partitions = N, .partitions = parts};
    struct kp_metadata_resp resp;
    kp_init(&kp_metadata_resp_schema, &resp);
    resp.n_topics = 1;
    resp.topics = &topic;
    run("Metadata v12 response, 128 partitions", &kp_metadata_resp_schema, 12, &resp, ROUNDS / 30);
}

int main(void)
{
    struct arena a;
    arena_init(&a, 0);
    run_produce(&a);
    run_fetch(&a);
    run_metadata(&a);
    arena_free(&a);
    return 0;
}

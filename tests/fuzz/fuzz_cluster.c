/* fuzz_cluster.c - the blocking client's operations against a cluster that answers anything.
 *
 *   u8 operation, u8 flags, then answers in the order in which they are asked for: a u16 length and
 *   so many bytes each, which get their length and header. When they are used up the cluster closes
 *   its connections, so that what is tried again runs into its deadline.
 *   TELLS: metadata is not among them, the cluster tells it as it is; VERSIONS: nor is what
 *   ApiVersions asks for, without it
 */
#include "client/configs.h"
#include "client/fetch.h"
#include "client/offsets.h"
#include "client/produce.h"
#include "client/topics.h"
#include "client/trim.h"
#include "kp/error.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/kp.h"
#include "tests/fuzz/net.h"

enum { TELLS = 1, VERSIONS = 2 };
enum { PARTS = 3, TIME_MS = 2000 };

static const char topic[] = "t";

/* ---- the cluster */

struct cluster {
    struct rd answers;
    uint8_t flags;
    unsigned asked;
};

static void tell_metadata(int16_t version, struct wr *w)
{
    struct kp_metadata_resp_topics_partitions parts[PARTS];
    struct kp_metadata_resp_topics t;
    struct kp_metadata_resp_brokers b;
    struct kp_metadata_resp resp;
    kp_init(&kp_metadata_resp_schema, &resp);
    kp_init(&kp_metadata_resp_topics_schema, &t);
    kp_init(&kp_metadata_resp_brokers_schema, &b);
    for (int32_t i = 0; i < PARTS; i++) {
        kp_init(&kp_metadata_resp_topics_partitions_schema, &parts[i]);
        parts[i].partition_index = i;
        parts[i].leader_id = 1;
    }
    b.node_id = 1;
    b.host = kp_str("b");
    b.port = 1;
    t.name = kp_str(topic);
    t.n_partitions = PARTS;
    t.partitions = parts;
    resp.n_brokers = resp.n_topics = 1;
    resp.brokers = &b;
    resp.topics = &t;
    resp.controller_id = 1;
    kp_encode(&kp_metadata_resp_schema, version, &resp, w);
}

static void tell_versions(int16_t version, struct wr *w)
{
    if (version == kp_api(KP_API_VERSIONS)->max) {
        struct span body = fuzz_kp_versions();
        wr_bytes(w, body.p, body.n);
    }
}

static bool answer(void *ctx, struct span request, struct wr *reply)
{
    struct cluster *c = ctx;
    struct kp_req_header h;
    struct rd r = rd_of(request.p, request.n);
    must(kp_decode_req_header(&r, &h) == 0);
    bool versions = h.key == KP_API_VERSIONS && !(c->flags & VERSIONS);
    bool metadata = h.key == KP_METADATA && c->flags & TELLS;
    if (!versions && !metadata && rd_left(&c->answers) < 2)
        return false;
    size_t at = reply->len;
    wr_be32(reply, 0);
    kp_encode_resp_header(reply, h.key, h.version, h.correlation_id);
    if (versions) {
        tell_versions(h.version, reply);
    } else if (metadata) {
        tell_metadata(h.version, reply);
    } else {
        struct span body = fuzz_some(&c->answers, rd_be16(&c->answers));
        wr_bytes(reply, body.p, body.n);
    }
    must(!reply->err && ++c->asked < 1000);
    wr_patch_be32(reply, at, (uint32_t)(reply->len - at - 4));
    return true;
}

/* ---- what is asked */

static struct client_part part_of(int32_t i)
{
    return (struct client_part){.topic = topic, .partition = i};
}

static void all_done(int rc, const struct client_part *p)
{
    must(rc || p->done);
}

static int ask_metadata(struct client_cluster *c, struct err *e)
{
    static const char *const names[] = {topic};
    const struct kp_metadata_resp *answer;
    struct arena a;
    arena_init(&a, 0);
    int rc = client_metadata(c, names, 1, &a, &answer, e);
    if (rc == 0)
        rc = client_metadata(c, NULL, 0, &a, &answer, e);
    int32_t n = rc ? 0 : client_partitions(c, topic, e);
    arena_free(&a);
    return rc ? rc : n < 0 ? n : 0;
}

static int change_topics(struct client_cluster *c, struct err *e)
{
    struct client_setting setting = {"retention.ms", "1"};
    struct client_topic_change t = {
        .name = topic, .partitions = 2, .replication = 1, .settings = &setting, .n_settings = 1};
    int rc = client_create_topics(c, &t, 1, false, e);
    if (rc == 0)
        rc = client_create_partitions(c, &t, 1, true, e);
    if (rc == 0)
        rc = client_delete_topics(c, &t, 1, e);
    return rc;
}

static int ask_configs(struct client_cluster *c, struct err *e)
{
    struct client_config_resource r[] = {{CLIENT_RESOURCE_TOPIC, topic}};
    struct client_config_change change = {CLIENT_CONFIG_SET, "retention.ms", "1"};
    struct client_alteration t = {.resource = {CLIENT_RESOURCE_BROKER, "1"}};
    const struct kp_describe_configs_resp *answer;
    struct arena a;
    arena_init(&a, 0);
    int rc = client_describe_configs(c, r, 1, NULL, 0, &a, &answer, e);
    if (rc == 0)
        rc = client_alter_configs(c, &t, 1, &change, 1, false, e);
    arena_free(&a);
    return rc;
}

static int list_offsets(struct client_cluster *c, struct err *e)
{
    struct client_offset v[PARTS];
    for (int32_t i = 0; i < PARTS; i++)
        v[i] = (struct client_offset){.part = part_of(i), .time = CLIENT_LATEST};
    int rc = client_list_offsets(c, v, PARTS, e);
    for (int32_t i = 0; i < PARTS; i++)
        all_done(rc, &v[i].part);
    return rc;
}

static int trim(struct client_cluster *c, struct err *e)
{
    struct client_trim v[PARTS];
    for (int32_t i = 0; i < PARTS; i++)
        v[i] = (struct client_trim){.part = part_of(i), .offset = -1};
    int rc = client_delete_records(c, v, PARTS, e);
    for (int32_t i = 0; i < PARTS; i++)
        all_done(rc, &v[i].part);
    return rc;
}

static int produce(struct client_cluster *c, struct err *e)
{
    static const uint8_t records[61];
    struct client_batch v[PARTS];
    int64_t id;
    int16_t epoch;
    for (int32_t i = 0; i < PARTS; i++)
        v[i] =
            (struct client_batch){.part = part_of(i), .records = span_of(records, sizeof records)};
    int rc = client_produce(c, CLIENT_ACKS_ALL, v, PARTS, e);
    for (int32_t i = 0; i < PARTS; i++)
        all_done(rc, &v[i].part);
    return rc ? rc : client_producer_id(c, &id, &epoch, e);
}

static int take_records(void *ctx, struct client_fetch *f, struct span records)
{
    unsigned *sum = ctx;
    must(f->part.partition >= 0 && f->part.partition < PARTS);
    for (size_t i = 0; i < records.n; i++) /* they can be read */
        *sum += records.p[i];
    return 0;
}

static int fetch(struct client_cluster *c, struct err *e)
{
    unsigned sum = 0;
    struct client_fetch_options o = {.max_bytes = 1000, .take = take_records, .ctx = &sum};
    struct client_fetch parts[PARTS], *v[PARTS];
    for (int32_t i = 0; i < PARTS; i++) {
        parts[i] = (struct client_fetch){.part = part_of(i)};
        v[i] = &parts[i];
    }
    return client_fetch(c, &o, v, PARTS, e);
}

static int (*const operations[])(struct client_cluster *c, struct err *e) = {
    ask_metadata, change_topics, ask_configs, list_offsets, trim, produce, fetch,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct rd in = rd_of(data, n);
    uint8_t which = rd_u8(&in);
    struct cluster cluster = {.flags = rd_u8(&in)};
    if (in.err)
        return 0;
    cluster.answers = in;
    struct fuzz_net net = {.answer = answer, .ctx = &cluster};
    clock_manual_init(&net.clock, 1000000000, 1700000000000);
    fuzz_net_begin(&net);
    struct client_options o = {
        .bootstrap = "a:1,b:2", .name = "fuzz", .interrupt_fd = -1, .clock = &net.clock.clock};
    struct client_cluster c;
    struct err e = {0};
    client_cluster_init(&c, &o);
    client_begin(&c, TIME_MS);
    int rc = operations[which % (sizeof operations / sizeof *operations)](&c, &e);
    must(rc >= 0 || (rc == e.code && e.text[0]));
    client_cluster_release(&c);
    must(fuzz_net_idle());
    return 0;
}

/* ---- other answers */

static const int16_t keys[][3] = {
    {KP_METADATA, KP_METADATA, KP_METADATA},
    {KP_CREATE_TOPICS, KP_CREATE_PARTITIONS, KP_DELETE_TOPICS},
    {KP_DESCRIBE_CONFIGS, KP_INCREMENTAL_ALTER_CONFIGS, KP_ALTER_CONFIGS},
    {KP_LIST_OFFSETS, KP_LIST_OFFSETS, KP_METADATA},
    {KP_DELETE_RECORDS, KP_DELETE_RECORDS, KP_METADATA},
    {KP_PRODUCE, KP_PRODUCE, KP_INIT_PRODUCER_ID},
    {KP_FETCH, KP_FETCH, KP_METADATA},
};

/* The version in which the client asks. */
static int version_of(const struct kp_api *api)
{
    enum { NAMES_UP_TO = 12 }; /* later ones speak of topics by their ids */
    bool by_name = api->key == KP_FETCH || api->key == KP_PRODUCE;
    return by_name ? NAMES_UP_TO : api->max;
}

/* One more likely answer behind the others, of an API that the operation asks for. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed)
{
    if (n < 2 || seed % 8 || n + 64 > max)
        return LLVMFuzzerMutate(data, n, max);
    const int16_t *row = keys[data[0] % (sizeof keys / sizeof *keys)];
    const struct kp_api *api = kp_api(row[seed / 8 % 3]);
    size_t body = fuzz_kp_likely(api->resp, version_of(api), seed, data + n + 2, max - n - 2);
    put_be16(data + n, (uint16_t)body);
    return n + 2 + body;
}

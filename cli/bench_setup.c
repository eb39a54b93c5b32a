#include "cli/bench_setup.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "cli/bench_assign.h"
#include "client/error.h"
#include "client/offsets.h"
#include "client/produce.h"
#include "client/topics.h"
#include "kp/error.h"

enum { RETRY_US = 100000 };

static void say_try(void *ctx, const char *line)
{
    (void)ctx;
    cli_say(1, "%s", line);
}

/* A connection for each errand: the load lies between them, and brokers close idle connections. */
static void call(struct client_cluster *c, const struct bench_options *o)
{
    struct client_options co = {.bootstrap = o->common.bootstrap,
                                .name = "chronik-bench",
                                .interrupt_fd = -1,
                                .trace = say_try};
    client_cluster_init(c, &co);
    client_begin(c, o->common.timeout_ms);
}

/* ---- brokers ---- */

static int resolve(struct bench_broker *b, const char *host, int32_t port, struct err *e)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
    char service[16];
    snprintf(service, sizeof service, "%d", port);
    snprintf(b->name, sizeof b->name, "%s:%d", host, port);
    int rc = getaddrinfo(host, service, &hints, &found);
    if (rc)
        return err_set(e, ERR_UNREACHABLE, "broker %d: %s: %s", b->node, b->name, gai_strerror(rc));
    memcpy(&b->addr, found->ai_addr, found->ai_addrlen);
    b->addr_len = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

static int take_brokers(struct bench *b, const struct kp_metadata_resp *md, struct err *e)
{
    char host[256];
    if (md->n_brokers <= 0)
        return err_set(e, ERR_UNREACHABLE, "%s: the broker knows of no brokers",
                       b->opt->common.bootstrap);
    b->brokers = calloc((size_t)md->n_brokers, sizeof *b->brokers);
    if (!b->brokers)
        return err_code(e, -ENOMEM, "brokers");
    for (int32_t i = 0; i < md->n_brokers; i++) {
        const struct kp_metadata_resp_brokers *m = &md->brokers[i];
        struct bench_broker *x = &b->brokers[b->n_brokers++];
        x->node = m->node_id;
        snprintf(host, sizeof host, "%.*s", m->host.n, m->host.p);
        int rc = resolve(x, host, m->port, e);
        if (rc)
            return rc;
        if (m->node_id == md->controller_id)
            b->controller = (uint32_t)i;
    }
    if (md->cluster_id.n > 0)
        b->cluster_id = strndup(md->cluster_id.p, (size_t)md->cluster_id.n);
    return 0;
}

/* ApiVersions says nothing about the software but the features it has finalized. */
static void take_features(struct bench *b, struct client_cluster *c)
{
    struct kp_api_versions_req req;
    struct kp_api_versions_resp resp;
    struct arena a;
    struct err e;
    arena_init(&a, 0);
    kp_init(&kp_api_versions_req_schema, &req);
    req.client_software_name = kp_str("chronik-bench");
    req.client_software_version = kp_str(CHRONIK_VERSION);
    if (client_call_any(c, KP_API_VERSIONS, 3, &req, &resp, &a, &e) == 0 &&
        resp.n_supported_features > 0) {
        struct wr w;
        wr_init(&w, 0);
        for (int32_t i = 0; i < resp.n_supported_features; i++) {
            char one[300];
            int n = snprintf(one, sizeof one, "%s%.*s %d-%d", i ? ", " : "",
                             resp.supported_features[i].name.n, resp.supported_features[i].name.p,
                             resp.supported_features[i].min_version,
                             resp.supported_features[i].max_version);
            wr_bytes(&w, one, (size_t)(n < (int)sizeof one ? n : (int)sizeof one - 1));
        }
        wr_u8(&w, 0);
        if (!w.err) {
            b->broker_features = (char *)w.buf;
            w.buf = NULL;
        }
        wr_free(&w);
    }
    arena_free(&a);
}

/* ---- the topic ---- */

static int create(struct bench *b, struct client_cluster *c, struct err *e)
{
    const struct bench_options *o = b->opt;
    struct client_topic_change t = {.name = o->topic,
                                    .partitions = o->partitions ? (int32_t)o->partitions : 1,
                                    .replication = (int16_t)o->replication};
    int rc = client_create_topics(c, &t, 1, false, e);
    if (rc)
        return rc;
    if (t.error && t.error != KP_ERR_TOPIC_ALREADY_EXISTS)
        return err_set(e, client_error_code(t.error), "topic %s: cannot create it: %s", o->topic,
                       t.text);
    return 0;
}

static int find_broker(const struct bench *b, int32_t node)
{
    for (size_t i = 0; i < b->n_brokers; i++)
        if (b->brokers[i].node == node)
            return (int)i;
    return -1;
}

/* The partitions and who leads them. ERR_NOTLEADER if one has no leader yet. */
static int take_partitions(struct bench *b, const struct kp_metadata_resp_topics *t, struct err *e)
{
    size_t n = (size_t)t->n_partitions, want = (size_t)b->opt->partitions;
    if (want > n)
        return err_set(e, ERR_NOTFOUND, "topic %s has %zu partitions, not %zu", b->opt->topic, n,
                       want);
    n = want ? want : n;
    b->parts = calloc(n, sizeof *b->parts);
    b->leader_of = calloc(n, sizeof *b->leader_of);
    if (!b->parts || !b->leader_of)
        return err_code(e, -ENOMEM, "partitions");
    for (size_t i = 0; i < n; i++) {
        b->parts[i].number = (int32_t)i;
        book_init(&b->parts[i].book);
    }
    b->n_parts = n;
    size_t led = 0;
    for (int32_t i = 0; i < t->n_partitions; i++) {
        const struct kp_metadata_resp_topics_partitions *p = &t->partitions[i];
        if (p->partition_index < 0 || (size_t)p->partition_index >= n)
            continue;
        int leader = find_broker(b, p->leader_id);
        if (leader < 0)
            return err_set(e, ERR_NOTLEADER, "topic %s: partition %d has no leader", b->opt->topic,
                           p->partition_index);
        b->leader_of[p->partition_index] = (uint32_t)leader;
        if (!p->partition_index)
            b->replicas = p->n_replica_nodes;
        led++;
    }
    return led == n ? 0
                    : err_set(e, ERR_NOTLEADER, "topic %s: only %zu of %zu partitions are known",
                              b->opt->topic, led, n);
}

static void forget_partitions(struct bench *b)
{
    for (size_t i = 0; i < b->n_parts; i++)
        book_release(&b->parts[i].book);
    free(b->parts);
    free(b->leader_of);
    b->parts = NULL;
    b->leader_of = NULL;
    b->n_parts = 0;
}

static void forget_brokers(struct bench *b)
{
    free(b->brokers);
    free(b->cluster_id);
    b->brokers = NULL;
    b->cluster_id = NULL;
    b->n_brokers = 0;
}

/* One look at the cluster. ERR_NOTLEADER: not all is ready yet. */
static int look(struct bench *b, struct client_cluster *c, bool topic, struct err *e)
{
    const struct kp_metadata_resp *md;
    struct arena a;
    forget_partitions(b);
    forget_brokers(b);
    arena_init(&a, 0);
    int rc = client_metadata(c, &b->opt->topic, topic ? 1 : 0, &a, &md, e);
    if (!rc)
        rc = take_brokers(b, md, e);
    if (!rc && topic && md->n_topics != 1)
        rc = err_set(e, ERR_MALFORMED, "the metadata tells of %d topics instead of one",
                     md->n_topics);
    if (!rc && topic && md->topics[0].error_code) {
        int16_t error = md->topics[0].error_code;
        char text[300];
        bool fresh = error == KP_ERR_LEADER_NOT_AVAILABLE ||
                     (b->opt->create_topic && error == KP_ERR_UNKNOWN_TOPIC_OR_PARTITION);
        rc = err_set(e, fresh ? ERR_NOTLEADER : client_error_code(error), "topic %s: %s",
                     b->opt->topic, client_error_text(error, kp_str(NULL), text, sizeof text));
    } else if (!rc && topic) {
        rc = take_partitions(b, &md->topics[0], e);
    }
    arena_free(&a);
    return rc;
}

static int setup(struct bench *b, struct client_cluster *c, bool topic, struct err *e)
{
    int rc = topic && b->opt->create_topic ? create(b, c, e) : 0;
    if (rc)
        return rc;
    while ((rc = look(b, c, topic, e)) == ERR_NOTLEADER)
        if ((rc = client_pause(c, e)))
            return rc;
    if (!rc)
        take_features(b, c);
    return rc;
}

int bench_setup(struct bench *b, const struct bench_options *o, bool topic, struct err *e)
{
    struct client_cluster c;
    *b = (struct bench){.opt = o, .acklog.fd = -1};
    if (getrandom(&b->run_id, sizeof b->run_id, 0) != (ssize_t)sizeof b->run_id)
        return err_code(e, -errno, "random number");
    call(&c, o);
    int rc = setup(b, &c, topic, e);
    client_cluster_release(&c);
    return rc;
}

void bench_release(struct bench *b)
{
    forget_partitions(b);
    forget_brokers(b);
    free(b->broker_features);
    b->broker_features = NULL;
}

uint32_t bench_readers(const struct bench *b)
{
    uint64_t n =
        (uint64_t)b->opt->threads * 2; /* while one answer is checked another is on its way */
    uint32_t leaders = bench_leaders(b->leader_of, b->n_parts, (uint32_t)b->n_brokers);
    if (n > b->n_parts)
        n = b->n_parts;
    return n < leaders ? leaders : (uint32_t)n;
}

/* ---- errands ---- */

static int ask_offsets(struct bench *b, int64_t time, struct client_offset *v, struct err *e)
{
    struct client_cluster c;
    for (size_t i = 0; i < b->n_parts; i++)
        v[i] = (struct client_offset){
            .part = {.topic = b->opt->topic, .partition = b->parts[i].number}, .time = time};
    int rc;
    int64_t until = clock_mono_ms(clock_system()) + b->opt->common.timeout_ms;
    do { /* the client gives up at once on a broker that is just restarting */
        call(&c, b->opt);
        rc = client_list_offsets(&c, v, b->n_parts, e);
        client_cluster_release(&c);
    } while (rc == ERR_UNREACHABLE && b->opt->keep_going && clock_mono_ms(clock_system()) < until &&
             usleep(RETRY_US) == 0);
    for (size_t i = 0; !rc && i < b->n_parts; i++)
        if (v[i].part.error)
            rc = err_set(e, client_error_code(v[i].part.error), "topic %s, partition %d: %s",
                         b->opt->topic, b->parts[i].number, v[i].part.text);
    return rc;
}

static int ask(struct bench *b, int64_t time, bool end, struct err *e)
{
    struct client_offset *v = calloc(b->n_parts, sizeof *v);
    if (!v)
        return err_code(e, -ENOMEM, "offsets");
    int rc = ask_offsets(b, time, v, e);
    for (size_t i = 0; !rc && i < b->n_parts; i++)
        *(end ? &b->parts[i].end : &b->parts[i].start) = v[i].offset;
    free(v);
    return rc;
}

int bench_ask_start(struct bench *b, int64_t time, struct err *e)
{
    return ask(b, time, false, e);
}

int bench_ask_end(struct bench *b, int64_t time, struct err *e)
{
    return ask(b, time, true, e);
}

int bench_ask_producer_ids(struct bench *b, uint32_t n, struct producer_id **ids, struct err *e)
{
    struct client_cluster c;
    int rc = 0;
    *ids = calloc(n, sizeof **ids);
    if (!*ids)
        return err_code(e, -ENOMEM, "producer ids");
    call(&c, b->opt);
    for (uint32_t i = 0; i < n && !rc; i++)
        rc = client_producer_id(&c, &(*ids)[i].id, &(*ids)[i].epoch, e);
    client_cluster_release(&c);
    return rc;
}

int bench_delete_topics(struct bench *b, const char *const *names, size_t n, struct err *e)
{
    struct client_cluster c;
    struct client_topic_change *t = calloc(n, sizeof *t);
    if (!t)
        return err_code(e, -ENOMEM, "topics");
    for (size_t i = 0; i < n; i++)
        t[i].name = names[i];
    call(&c, b->opt);
    int rc = client_delete_topics(&c, t, n, e);
    client_cluster_release(&c);
    for (size_t i = 0; i < n && !rc; i++)
        if (t[i].error && t[i].error != KP_ERR_UNKNOWN_TOPIC_OR_PARTITION)
            rc = err_set(e, client_error_code(t[i].error), "topic %s: cannot delete it: %s",
                         names[i], t[i].text);
    free(t);
    return rc;
}

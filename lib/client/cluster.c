/* cluster.c - brokers come from the bootstrap list first, then from what Metadata tells. */
#include "client/cluster.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "client/address.h"
#include "client/error.h"
#include "kp/error.h"

enum {
    MAX_RESPONSE =
        256 << 20,    /* bytes; a Fetch asks for far less, Metadata of 100,000 partitions too */
    FIRST_PAUSE = 10, /* ms */
    LAST_PAUSE = 500,
};

struct client_topic {
    UT_hash_handle hh;
    char *name;
    int32_t n;
    int32_t *leaders; /* n; -1: none */
};

void client_cluster_init(struct client_cluster *c, const struct client_options *o)
{
    *c = (struct client_cluster){.o = *o, .controller = -1, .pause_ms = FIRST_PAUSE};
    if (!c->o.clock)
        c->o.clock = clock_system();
    c->wait = (struct client_wait){.clock = c->o.clock, .interrupt_fd = o->interrupt_fd};
    client_link_init(&c->first, c->o.name, MAX_RESPONSE);
}

static void topic_free(struct client_topic *t)
{
    free(t->name);
    free(t->leaders);
    free(t);
}

void client_cluster_release(struct client_cluster *c)
{
    struct client_topic *t, *next;
    HASH_ITER(hh, c->topics, t, next)
    {
        HASH_DEL(c->topics, t);
        topic_free(t);
    }
    for (size_t i = 0; i < c->n_brokers; i++) {
        client_link_release(&c->brokers[i]->link);
        free(c->brokers[i]);
    }
    free(c->brokers);
    client_link_release(&c->first);
}

void client_begin(struct client_cluster *c, int64_t ms)
{
    c->wait.deadline_ms = clock_mono_ms(c->o.clock) + ms;
    client_progress(c);
}

bool client_may_retry(int code)
{
    switch (code) {
    case ERR_NOTLEADER:
    case ERR_CLOSED:
    case ERR_UNREACHABLE:
    case -ECONNRESET:
    case -EPIPE:
        return true;
    default:
        return false;
    }
}

void client_progress(struct client_cluster *c)
{
    c->pause_ms = FIRST_PAUSE;
}

int client_pause(struct client_cluster *c, struct err *e)
{
    if (c->o.trace)
        c->o.trace(c->o.trace_ctx, e->text);
    int rc = client_wait_ms(&c->wait, c->pause_ms);
    c->pause_ms = 2 * c->pause_ms < LAST_PAUSE ? 2 * c->pause_ms : LAST_PAUSE;
    if (rc == ERR_TIMEOUT) {
        err_wrap(e, "not done in time");
        return e->code = ERR_TIMEOUT;
    }
    return rc ? err_code(e, rc, "%s", "waiting for a broker") : 0;
}

static struct client_broker *find_broker(const struct client_cluster *c, int32_t id)
{
    for (size_t i = 0; i < c->n_brokers; i++)
        if (c->brokers[i]->id == id)
            return c->brokers[i];
    return NULL;
}

/* Try the bootstrap addresses, each with its share of the time left. */
static int open_first(struct client_cluster *c, struct err *e)
{
    struct client_address a;
    const char *list = c->o.bootstrap;
    int count = 0, rc;
    while ((rc = client_address_next(&list, &a, e)) == 1)
        count++;
    if (rc < 0)
        return rc;
    if (!count)
        return err_set(e, ERR_INVALID, "no bootstrap server is named");
    list = c->o.bootstrap;
    while (client_address_next(&list, &a, e) == 1) {
        struct client_wait share = c->wait;
        share.deadline_ms =
            clock_mono_ms(c->o.clock) + client_wait_left(&c->wait) / (count > 0 ? count : 1);
        rc = client_link_open(&c->first, a.host, a.port, &share, e);
        if (!rc || rc == ERR_INTERRUPTED)
            return rc;
        count--;
    }
    return rc;
}

static int open_broker(struct client_cluster *c, struct client_broker *b, struct err *e)
{
    int rc = b->link.fd >= 0 ? 0 : client_link_open(&b->link, b->host, b->port, &c->wait, e);
    return rc ? err_wrap(e, "broker %d", b->id) : 0;
}

/* An open link to any broker: one that is open, else one that can be opened. */
static int any_link(struct client_cluster *c, struct client_link **l, struct err *e)
{
    for (size_t i = 0; i < c->n_brokers; i++)
        if (c->brokers[i]->link.fd >= 0) {
            *l = &c->brokers[i]->link;
            return 0;
        }
    *l = &c->first;
    if (c->first.fd >= 0)
        return 0;
    for (size_t i = 0; i < c->n_brokers; i++) {
        *l = &c->brokers[i]->link;
        int rc = open_broker(c, c->brokers[i], e);
        if (!rc || !client_may_retry(rc))
            return rc;
    }
    *l = &c->first;
    return open_first(c, e);
}

int client_call_any(struct client_cluster *c, int16_t key, int16_t max, const void *req, void *resp,
                    struct arena *a, struct err *e)
{
    for (;;) {
        struct client_link *l;
        int rc = any_link(c, &l, e);
        if (rc && !c->n_brokers)
            return rc; /* there is no sign of a cluster yet */
        if (!rc)
            rc = client_link_call(l, key, max, req, resp, a, &c->wait, e);
        if (!rc || !client_may_retry(rc))
            return rc;
        rc = client_pause(c, e);
        if (rc)
            return rc;
    }
}

/* The bootstrap connection goes to one of the brokers: use it as such. */
static void adopt_first(struct client_cluster *c, struct client_broker *b)
{
    char peer[sizeof c->first.peer];
    snprintf(peer, sizeof peer, strchr(b->host, ':') ? "[%s]:%d" : "%s:%d", b->host, b->port);
    if (c->first.fd < 0 || b->link.fd >= 0 || strcmp(peer, c->first.peer) != 0)
        return;
    client_link_release(&b->link);
    b->link = c->first;
    client_link_init(&c->first, c->o.name, MAX_RESPONSE);
}

static struct client_broker *add_broker(struct client_cluster *c, int32_t id)
{
    struct client_broker **v = reallocarray(c->brokers, c->n_brokers + 1, sizeof *v);
    struct client_broker *b = v ? calloc(1, sizeof *b) : NULL;
    if (v)
        c->brokers = v;
    if (!b)
        return NULL;
    b->id = id;
    client_link_init(&b->link, c->o.name, MAX_RESPONSE);
    c->brokers[c->n_brokers++] = b;
    return b;
}

static int learn_brokers(struct client_cluster *c, const struct kp_metadata_resp *md, struct err *e)
{
    c->controller = md->controller_id;
    for (int32_t i = 0; i < md->n_brokers; i++) {
        const struct kp_metadata_resp_brokers *m = &md->brokers[i];
        struct client_broker *b = find_broker(c, m->node_id);
        if (!b)
            b = add_broker(c, m->node_id);
        if (!b)
            return err_code(e, -ENOMEM, "brokers");
        if (m->host.n <= 0 || (size_t)m->host.n >= sizeof b->host)
            return err_set(e, ERR_MALFORMED, "broker %d: its host name is absurd", m->node_id);
        if (m->port != b->port || strlen(b->host) != (size_t)m->host.n ||
            memcmp(b->host, m->host.p, (size_t)m->host.n) != 0) {
            client_link_close(&b->link); /* it has moved */
            snprintf(b->host, sizeof b->host, "%.*s", m->host.n, m->host.p);
            b->port = m->port;
        }
        adopt_first(c, b);
    }
    return 0;
}

int client_metadata(struct client_cluster *c, const char *const *names, size_t n, struct arena *a,
                    const struct kp_metadata_resp **answer, struct err *e)
{
    struct kp_metadata_req req;
    struct kp_metadata_resp *resp = arena_alloc(a, sizeof *resp);
    kp_init(&kp_metadata_req_schema, &req);
    req.allow_auto_topic_creation = false;
    req.n_topics = names ? (int32_t)n : -1;
    req.topics = arena_array(a, n + 1, sizeof *req.topics);
    if (!resp || !req.topics)
        return err_code(e, -ENOMEM, "metadata");
    for (size_t i = 0; i < n; i++) {
        kp_init(&kp_metadata_req_topics_schema, &req.topics[i]);
        req.topics[i].name = kp_str(names[i]);
    }
    int rc = client_call_any(c, KP_METADATA, INT16_MAX, &req, resp, a, e);
    if (!rc && resp->error_code) {
        char text[300];
        client_error_text(resp->error_code, kp_str(NULL), text, sizeof text);
        rc = err_set(e, client_error_code(resp->error_code), "metadata: %s", text);
    }
    if (!rc)
        rc = learn_brokers(c, resp, e);
    *answer = resp;
    return rc;
}

enum { CONTROLLER = -1 }; /* in the place of a broker's id */

static struct client_broker *find_node(struct client_cluster *c, int32_t id)
{
    return find_broker(c, id == CONTROLLER ? c->controller : id);
}

/* The open link to a broker, which the cluster is asked for if it is not known. */
static int node_link(struct client_cluster *c, int32_t id, struct client_link **l, struct err *e)
{
    struct client_broker *b = find_node(c, id);
    if (!b) {
        struct arena a;
        const struct kp_metadata_resp *md;
        arena_init(&a, 0);
        int rc = client_metadata(c, (const char *const[]){NULL}, 0, &a, &md, e);
        arena_free(&a);
        if (rc)
            return rc;
        b = find_node(c, id);
    }
    if (!b && id == CONTROLLER)
        return err_set(e, ERR_NOTLEADER, "the cluster has no controller");
    if (!b)
        return err_set(e, ERR_NOTFOUND, "broker %d: the cluster has no such broker", id);
    *l = &b->link;
    return open_broker(c, b, e);
}

/* Ask a broker once, however long it takes to reach it. */
static int call_once(struct client_cluster *c, int32_t id, int16_t key, int16_t max,
                     const void *req, void *resp, struct arena *a, struct err *e)
{
    struct client_link *l = NULL;
    int rc;
    while ((rc = node_link(c, id, &l, e))) {
        if (!client_may_retry(rc) || !c->n_brokers)
            return rc;
        c->controller = -1;
        rc = client_pause(c, e);
        if (rc)
            return rc;
    }
    rc = client_link_send(l, key, max, req, e);
    if (rc)
        return rc;
    rc = client_link_receive_copy(l, resp, a, &c->wait, e);
    if (client_may_retry(rc) || rc == ERR_TIMEOUT)
        rc = err_code(e, ERR_UNKNOWN_OUTCOME, "%s: %s", l->peer, kp_api(key)->name);
    return rc;
}

int client_call_controller(struct client_cluster *c, int16_t key, int16_t max, const void *req,
                           void *resp, struct arena *a, struct err *e)
{
    return call_once(c, CONTROLLER, key, max, req, resp, a, e);
}

int client_call_broker(struct client_cluster *c, int32_t id, int16_t key, int16_t max,
                       const void *req, void *resp, struct arena *a, struct err *e)
{
    return call_once(c, id, key, max, req, resp, a, e);
}

static struct client_topic *find_topic(const struct client_cluster *c, const char *name)
{
    struct client_topic *t;
    HASH_FIND_STR(c->topics, name, t);
    return t;
}

void client_forget(struct client_cluster *c, const char *topic)
{
    struct client_topic *t = find_topic(c, topic);
    if (t) {
        HASH_DEL(c->topics, t);
        topic_free(t);
    }
}

/* Remember a topic's leaders. */
static int learn_topic(struct client_cluster *c, const struct kp_metadata_resp_topics *m,
                       struct err *e)
{
    struct client_topic *t = calloc(1, sizeof *t);
    if (t) {
        t->name = strndup(m->name.p, (size_t)m->name.n);
        t->leaders = calloc((size_t)m->n_partitions + 1, sizeof *t->leaders);
    }
    if (!t || !t->name || !t->leaders) {
        if (t)
            topic_free(t);
        return err_code(e, -ENOMEM, "topic");
    }
    t->n = m->n_partitions;
    for (int32_t i = 0; i < t->n; i++)
        t->leaders[i] = -1;
    for (int32_t i = 0; i < t->n; i++) {
        int32_t p = m->partitions[i].partition_index;
        if (p >= 0 && p < t->n)
            t->leaders[p] = m->partitions[i].leader_id;
    }
    client_forget(c, t->name);
    HASH_ADD_KEYPTR(hh, c->topics, t->name, strlen(t->name), t);
    return 0;
}

static int load_topic(struct client_cluster *c, const char *name, struct err *e)
{
    struct arena a;
    const struct kp_metadata_resp *md;
    arena_init(&a, 0);
    int rc = client_metadata(c, &name, 1, &a, &md, e);
    if (!rc && (md->n_topics != 1 || !kp_str_is(md->topics[0].name, name)))
        rc = err_set(e, ERR_MALFORMED, "%s: the broker's metadata lacks the topic", name);
    if (!rc && md->topics[0].error_code) {
        int16_t error = md->topics[0].error_code;
        char text[300];
        rc = error == KP_ERR_LEADER_NOT_AVAILABLE ? ERR_NOTLEADER : client_error_code(error);
        err_set(e, rc, "%s: %s", name, client_error_text(error, kp_str(NULL), text, sizeof text));
    }
    if (!rc)
        rc = learn_topic(c, &md->topics[0], e);
    arena_free(&a);
    return rc;
}

int32_t client_partitions(struct client_cluster *c, const char *topic, struct err *e)
{
    while (!find_topic(c, topic)) {
        int rc = load_topic(c, topic, e);
        if (rc == ERR_NOTLEADER) /* a new topic */
            rc = client_pause(c, e);
        if (rc)
            return rc;
    }
    return find_topic(c, topic)->n;
}

int client_leader(struct client_cluster *c, const char *topic, int32_t partition,
                  struct client_link **link, struct err *e)
{
    struct client_topic *t = find_topic(c, topic);
    if (!t) {
        int rc = load_topic(c, topic, e);
        if (rc)
            return rc;
        t = find_topic(c, topic);
    }
    if (partition < 0 || partition >= t->n)
        return err_set(e, ERR_NOTFOUND, "%s: no partition %d (there are %d)", topic, partition,
                       t->n);
    struct client_broker *b = find_broker(c, t->leaders[partition]);
    if (!b) {
        client_forget(c, topic);
        return err_set(e, ERR_NOTLEADER, "%s: partition %d has no leader", topic, partition);
    }
    *link = &b->link;
    int rc = open_broker(c, b, e);
    if (rc)
        client_forget(c, topic);
    return rc;
}

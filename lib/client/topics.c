#include "client/topics.h"

#include <errno.h>

#include "client/error.h"
#include "kp/error.h"

/* What both changes have in common: ask the controller until it is the controller. */
struct change {
    int16_t key;
    const void *req;
    void *resp;
    /* The error of result i of resp, and its name. */
    int16_t (*error)(const void *resp, int32_t i);
    int32_t (*count)(const void *resp);
};

static int no_memory(struct err *e)
{
    return err_code(e, -ENOMEM, "topics");
}

/* The broker has as long as we wait. */
static int32_t time_left(const struct client_cluster *c)
{
    int64_t left = client_wait_left(&c->wait);
    return left > INT32_MAX ? INT32_MAX : (int32_t)left;
}

static int ask_controller(struct client_cluster *c, const struct change *ch, struct arena *a,
                          struct err *e)
{
    for (;;) {
        int rc = client_call_controller(c, ch->key, INT16_MAX, ch->req, ch->resp, a, e);
        if (rc || !ch->count(ch->resp) || ch->error(ch->resp, 0) != KP_ERR_NOT_CONTROLLER)
            return rc;
        err_set(e, ERR_NOTLEADER, "%s", kp_error_text(KP_ERR_NOT_CONTROLLER));
        c->controller = -1;
        rc = client_pause(c, e);
        if (rc)
            return rc;
    }
}

static void set_outcome(struct client_topic_change *t, int16_t error, struct kp_str message)
{
    t->error = error;
    t->text[0] = 0;
    if (error)
        client_error_text(error, message, t->text, sizeof t->text);
}

/* The change of that name; *hint is where to look first. */
static struct client_topic_change *find(struct client_topic_change *t, size_t n, struct kp_str name,
                                        size_t *hint)
{
    for (size_t i = 0; i < n; i++) {
        size_t at = (*hint + i) % n;
        if (kp_str_is(name, t[at].name)) {
            *hint = at + 1;
            return &t[at];
        }
    }
    return NULL;
}

/* Until the broker has spoken of a topic, its fate is unknown. */
static void expect_answers(struct client_topic_change *t, size_t n)
{
    for (size_t i = 0; i < n; i++)
        set_outcome(&t[i], KP_ERR_UNKNOWN_SERVER_ERROR, kp_str("the broker did not answer for it"));
}

static int32_t created(const void *resp)
{
    return ((const struct kp_create_topics_resp *)resp)->n_topics;
}

static int16_t create_error(const void *resp, int32_t i)
{
    return ((const struct kp_create_topics_resp *)resp)->topics[i].error_code;
}

static int fill_create(struct kp_create_topics_req_topics *r, const struct client_topic_change *t,
                       struct arena *a)
{
    kp_init(&kp_create_topics_req_topics_schema, r);
    r->name = kp_str(t->name);
    r->num_partitions = t->partitions;
    r->replication_factor = t->replication;
    r->n_configs = (int32_t)t->n_settings;
    r->configs = arena_array(a, t->n_settings + 1, sizeof *r->configs);
    if (!r->configs)
        return -ENOMEM;
    for (size_t i = 0; i < t->n_settings; i++) {
        kp_init(&kp_create_topics_req_topics_configs_schema, &r->configs[i]);
        r->configs[i].name = kp_str(t->settings[i].name);
        r->configs[i].value = kp_str(t->settings[i].value);
    }
    return 0;
}

static void take_created(const struct kp_create_topics_resp *resp, struct client_topic_change *t,
                         size_t n)
{
    size_t hint = 0;
    expect_answers(t, n);
    for (int32_t i = 0; i < resp->n_topics; i++) {
        const struct kp_create_topics_resp_topics *r = &resp->topics[i];
        struct client_topic_change *x = find(t, n, r->name, &hint);
        if (!x)
            continue;
        set_outcome(x, r->error_code, r->error_message);
        x->id = r->topic_id;
        x->partitions = r->num_partitions;
        x->replication = r->replication_factor;
    }
}

int client_create_topics(struct client_cluster *c, struct client_topic_change *t, size_t n,
                         bool validate, struct err *e)
{
    struct kp_create_topics_req req;
    struct kp_create_topics_resp resp;
    struct arena a;
    arena_init(&a, 0);
    kp_init(&kp_create_topics_req_schema, &req);
    req.timeout_ms = time_left(c);
    req.validate_only = validate;
    req.n_topics = (int32_t)n;
    req.topics = arena_array(&a, n + 1, sizeof *req.topics);
    int rc = req.topics ? 0 : -ENOMEM;
    for (size_t i = 0; i < n && !rc; i++)
        rc = fill_create(&req.topics[i], &t[i], &a);
    struct change ch = {KP_CREATE_TOPICS, &req, &resp, create_error, created};
    rc = rc ? no_memory(e) : ask_controller(c, &ch, &a, e);
    if (!rc)
        take_created(&resp, t, n);
    arena_free(&a);
    return rc;
}

static int32_t deleted(const void *resp)
{
    return ((const struct kp_delete_topics_resp *)resp)->n_responses;
}

static int16_t delete_error(const void *resp, int32_t i)
{
    return ((const struct kp_delete_topics_resp *)resp)->responses[i].error_code;
}

static void take_deleted(const struct kp_delete_topics_resp *resp, struct client_topic_change *t,
                         size_t n)
{
    size_t hint = 0;
    expect_answers(t, n);
    for (int32_t i = 0; i < resp->n_responses; i++) {
        const struct kp_delete_topics_resp_responses *r = &resp->responses[i];
        struct client_topic_change *x = find(t, n, r->name, &hint);
        if (!x)
            continue;
        set_outcome(x, r->error_code, r->error_message);
        x->id = r->topic_id;
    }
}

int client_delete_topics(struct client_cluster *c, struct client_topic_change *t, size_t n,
                         struct err *e)
{
    struct kp_delete_topics_req req;
    struct kp_delete_topics_resp resp;
    struct arena a;
    arena_init(&a, 0);
    kp_init(&kp_delete_topics_req_schema, &req);
    req.timeout_ms = time_left(c);
    /* the same names twice: which array is sent depends on the version */
    req.n_topics = req.n_topic_names = (int32_t)n;
    req.topics = arena_array(&a, n + 1, sizeof *req.topics);
    req.topic_names = arena_array(&a, n + 1, sizeof *req.topic_names);
    int rc = req.topics && req.topic_names ? 0 : no_memory(e);
    for (size_t i = 0; i < n && !rc; i++) {
        kp_init(&kp_delete_topics_req_topics_schema, &req.topics[i]);
        req.topics[i].name = req.topic_names[i] = kp_str(t[i].name);
    }
    struct change ch = {KP_DELETE_TOPICS, &req, &resp, delete_error, deleted};
    if (!rc)
        rc = ask_controller(c, &ch, &a, e);
    if (!rc)
        take_deleted(&resp, t, n);
    arena_free(&a);
    return rc;
}

static int32_t grown(const void *resp)
{
    return ((const struct kp_create_partitions_resp *)resp)->n_results;
}

static int16_t grow_error(const void *resp, int32_t i)
{
    return ((const struct kp_create_partitions_resp *)resp)->results[i].error_code;
}

static void take_grown(const struct kp_create_partitions_resp *resp, struct client_topic_change *t,
                       size_t n)
{
    size_t hint = 0;
    expect_answers(t, n);
    for (int32_t i = 0; i < resp->n_results; i++) {
        const struct kp_create_partitions_resp_results *r = &resp->results[i];
        struct client_topic_change *x = find(t, n, r->name, &hint);
        if (x)
            set_outcome(x, r->error_code, r->error_message);
    }
}

int client_create_partitions(struct client_cluster *c, struct client_topic_change *t, size_t n,
                             bool validate, struct err *e)
{
    struct kp_create_partitions_req req;
    struct kp_create_partitions_resp resp;
    struct arena a;
    arena_init(&a, 0);
    kp_init(&kp_create_partitions_req_schema, &req);
    req.timeout_ms = time_left(c);
    req.validate_only = validate;
    req.n_topics = (int32_t)n;
    req.topics = arena_array(&a, n + 1, sizeof *req.topics);
    int rc = req.topics ? 0 : no_memory(e);
    for (size_t i = 0; i < n && !rc; i++) {
        kp_init(&kp_create_partitions_req_topics_schema, &req.topics[i]);
        req.topics[i].name = kp_str(t[i].name);
        req.topics[i].count = t[i].partitions;
        req.topics[i].n_assignments = -1; /* the broker's choice */
    }
    struct change ch = {KP_CREATE_PARTITIONS, &req, &resp, grow_error, grown};
    if (!rc)
        rc = ask_controller(c, &ch, &a, e);
    if (!rc)
        take_grown(&resp, t, n);
    arena_free(&a);
    return rc;
}

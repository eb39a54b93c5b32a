/* h_create_topics.c - CreateTopics.
 *
 * Each topic is checked on its own; those that may be created are proposed together (changes.h),
 * and the answer leaves when all are applied and served.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/api.h"
#include "broker/broker.h"
#include "broker/changes.h"
#include "broker/configs.h"
#include "broker/container.h"
#include "broker/errors.h"
#include "broker/topics.h"

/* Partitions of one CreateTopics for one topic; META_PARTITIONS_MAX bounds what the log takes. */
enum { PARTITIONS_MAX = META_PARTITIONS_MAX };

struct creation {
    const struct kp_create_topics_req_topics *asked;
    struct kp_create_topics_resp_topics *answer;
    struct meta_topic_create command;
    struct change change;
    bool twice;
};

struct create {
    struct request *q;
    struct kp_create_topics_resp resp;
    struct creation *topics;
    int32_t n;
    struct changes *changes;
};

/* ---- checks */

static int refuse(struct create *c, struct creation *t, int16_t error, const char *message)
{
    t->answer->error_code = error;
    t->answer->error_message = kp_str(arena_printf(&c->q->arena, "%s", message));
    return error;
}

static int by_name(const void *a, const void *b)
{
    struct kp_str x = (*(struct creation *const *)a)->asked->name;
    struct kp_str y = (*(struct creation *const *)b)->asked->name;
    if (x.n != y.n)
        return x.n < y.n ? -1 : 1;
    return x.n > 0 ? memcmp(x.p, y.p, (size_t)x.n) : 0;
}

/* Mark the topics that the request names twice: all of them are refused. */
static bool find_doubles(struct create *c)
{
    struct creation **sorted = request_alloc(c->q, (size_t)c->n, sizeof *sorted);
    if (!sorted)
        return false;
    for (int32_t i = 0; i < c->n; i++)
        sorted[i] = &c->topics[i];
    qsort(sorted, (size_t)c->n, sizeof *sorted, by_name);
    for (int32_t i = 1; i < c->n; i++) {
        if (by_name(&sorted[i - 1], &sorted[i]) == 0)
            sorted[i - 1]->twice = sorted[i]->twice = true;
    }
    return true;
}

/* Partitions 0, 1, 2, ... each on this node alone. */
static int check_assignments(struct create *c, struct creation *t)
{
    const struct kp_create_topics_req_topics *asked = t->asked;
    if (asked->num_partitions != -1 || asked->replication_factor != -1)
        return refuse(c, t, KP_ERR_INVALID_REQUEST,
                      "with an assignment, partitions and replication factor have to be -1");
    uint8_t *seen = request_alloc(c->q, (size_t)asked->n_assignments, 1);
    if (!seen)
        return refuse(c, t, KP_ERR_UNKNOWN_SERVER_ERROR, "out of memory");
    for (int32_t i = 0; i < asked->n_assignments; i++) {
        const struct kp_create_topics_req_topics_assignments *a = &asked->assignments[i];
        if (a->partition_index < 0 || a->partition_index >= asked->n_assignments ||
            seen[a->partition_index]++)
            return refuse(c, t, KP_ERR_INVALID_REPLICA_ASSIGNMENT,
                          "the partitions assigned are not 0, 1, 2, ... each once");
        if (a->n_broker_ids != 1 || a->broker_ids[0] != request_broker(c->q)->node_id)
            return refuse(c, t, KP_ERR_INVALID_REPLICA_ASSIGNMENT,
                          "a partition is assigned to other brokers than those there are");
    }
    return 0;
}

static int check_numbers(struct create *c, struct creation *t)
{
    const struct kp_create_topics_req_topics *asked = t->asked;
    if (asked->n_assignments > 0)
        return check_assignments(c, t);
    if (asked->num_partitions != -1 &&
        (asked->num_partitions < 1 || asked->num_partitions > PARTITIONS_MAX))
        return refuse(c, t, KP_ERR_INVALID_PARTITIONS,
                      "the number of partitions is not between 1 and 100000");
    if (asked->replication_factor != -1 && asked->replication_factor < 1)
        return refuse(c, t, KP_ERR_INVALID_REPLICATION_FACTOR,
                      "the replication factor is not 1 or more");
    if (asked->replication_factor > 1)
        return refuse(c, t, KP_ERR_INVALID_REPLICATION_FACTOR,
                      "the replication factor is larger than the number of brokers, 1");
    return 0;
}

static int check_configs(struct create *c, struct creation *t)
{
    const struct kp_create_topics_req_topics *asked = t->asked;
    if (asked->n_configs > META_CONFIGS_MAX)
        return refuse(c, t, KP_ERR_INVALID_CONFIG, "there are too many settings");
    for (int32_t i = 0; i < asked->n_configs; i++) {
        const struct kp_create_topics_req_topics_configs *cfg = &asked->configs[i];
        struct err why = {0};
        if (cfg->value.n < 0)
            return refuse(c, t, KP_ERR_INVALID_CONFIG, "a setting has no value");
        if (meta_setting_check(span_of(cfg->name.p, (size_t)cfg->name.n),
                               span_of(cfg->value.p, (size_t)cfg->value.n), &why))
            return refuse(c, t, KP_ERR_INVALID_CONFIG, why.text);
        for (int32_t j = 0; j < i; j++) {
            if (kp_str_eq(asked->configs[j].name, cfg->name))
                return refuse(c, t, KP_ERR_INVALID_CONFIG, "a setting is given twice");
        }
    }
    return 0;
}

/* Do the settings make sense together? They are good one by one. */
static int check_together(struct create *c, struct creation *t)
{
    const struct kp_create_topics_req_topics *asked = t->asked;
    const struct broker *b = request_broker(c->q);
    struct meta_settings s;
    struct meta_overrides own;
    struct err why = {0};
    struct meta_config *all = request_alloc(c->q, (size_t)asked->n_configs, sizeof *all);
    if (!all)
        return refuse(c, t, KP_ERR_UNKNOWN_SERVER_ERROR, "out of memory");
    for (int32_t i = 0; i < asked->n_configs; i++) {
        const struct kp_create_topics_req_topics_configs *cfg = &asked->configs[i];
        all[i].name = arena_strn(&c->q->arena, cfg->name.p, (size_t)cfg->name.n);
        all[i].value = arena_strn(&c->q->arena, cfg->value.p, (size_t)cfg->value.n);
        if (!all[i].name || !all[i].value)
            return refuse(c, t, KP_ERR_UNKNOWN_SERVER_ERROR, "out of memory");
    }
    meta_overrides_parse(all, (size_t)asked->n_configs, META_NAMES_TOPIC, &own);
    meta_settings_default(image_get(&request_broker(c->q)->image), b->node_id, &b->settings->topic,
                          &s);
    meta_settings_overlay(&s, &own);
    return meta_settings_check(&s, &why) ? refuse(c, t, KP_ERR_INVALID_CONFIG, why.text) : 0;
}

/* 0 if the topic may be proposed. */
static int check(struct create *c, struct creation *t)
{
    struct err why = {0};
    struct kp_str name = t->asked->name;
    if (t->twice)
        return refuse(c, t, KP_ERR_INVALID_REQUEST, "the request names the topic twice");
    if (broker_topic_check_name(name, &why))
        return refuse(c, t, KP_ERR_INVALID_TOPIC_EXCEPTION, why.text);
    if (meta_topic_by_name(image_get(&request_broker(c->q)->image),
                           span_of(name.p, (size_t)name.n)))
        return refuse(c, t, KP_ERR_TOPIC_ALREADY_EXISTS, "a topic of that name exists");
    if (kp_str_is(name, OFFSETS_TOPIC)) /* which clients would make otherwise than it has to be */
        return refuse(c, t, KP_ERR_INVALID_REQUEST,
                      "the broker makes this topic itself, as it needs it");
    int rc = check_numbers(c, t);
    if (!rc)
        rc = check_configs(c, t);
    return rc ? rc : check_together(c, t);
}

/* ---- the answer */

/* What an unset value of the new topic is. */
static const char *own_value(struct request *q, const struct creation *t, const char *name)
{
    for (int32_t i = 0; i < t->command.n_configs; i++) {
        const struct meta_topic_create_configs *c = &t->command.configs[i];
        if (kp_str_is(c->name, name))
            return arena_strn(&q->arena, c->value.p, (size_t)c->value.n);
    }
    return NULL;
}

static void fill_configs(struct create *c, struct creation *t)
{
    const struct setting *rows = meta_setting_rows();
    t->answer->configs = request_alloc(c->q, META_SETTINGS, sizeof *t->answer->configs);
    if (!t->answer->configs)
        return; /* the topic is there all the same */
    for (size_t i = 0; i < META_SETTINGS; i++) {
        struct config_entry e;
        if (!config_of_topic(c->q, &rows[i], own_value(c->q, t, rows[i].name), &e))
            return;
        struct kp_create_topics_resp_topics_configs *out =
            &t->answer->configs[t->answer->n_configs++];
        kp_init(&kp_create_topics_resp_topics_configs_schema, out);
        out->name = kp_str(rows[i].name);
        out->value = e.value;
        out->config_source = (int8_t)e.source;
    }
}

static void fill_success(struct create *c, struct creation *t)
{
    t->answer->topic_id = t->command.topic_id;
    t->answer->num_partitions = t->command.n_partitions;
    t->answer->replication_factor = 1;
    fill_configs(c, t);
}

static bool settle(struct changes *all, struct change *change, int code)
{
    struct creation *t = container_of(change, struct creation, change);
    struct create *c = all->q->local;
    if (code)
        refuse(c, t, kafka_error(code), err_str(code));
    else
        fill_success(c, t);
    return true;
}

static void late(struct changes *all, struct change *change)
{
    refuse(all->q->local, container_of(change, struct creation, change), KP_ERR_REQUEST_TIMED_OUT,
           "not known yet whether the topic was created: ask for its metadata");
}

/* ---- the beginning */

/* Fill in the command. 0 or a negated errno. */
static int plan(struct create *c, struct creation *t)
{
    struct broker *b = request_broker(c->q);
    const struct kp_create_topics_req_topics *asked = t->asked;
    int32_t n = asked->n_assignments > 0    ? asked->n_assignments
                : asked->num_partitions > 0 ? asked->num_partitions
                                            : (int32_t)live_now(b, num_partitions);
    int rc = broker_topic_plan(b, &c->q->arena, asked->name, n, &t->command);
    if (rc)
        return rc;
    t->command.configs = request_alloc(c->q, (size_t)asked->n_configs, sizeof *t->command.configs);
    if (!t->command.configs)
        return -ENOMEM;
    t->command.n_configs = asked->n_configs;
    for (int32_t i = 0; i < asked->n_configs; i++) {
        t->command.configs[i].name = asked->configs[i].name;
        t->command.configs[i].value = asked->configs[i].value;
    }
    return 0;
}

static void propose(struct changes *all, struct change *change)
{
    struct creation *t = container_of(change, struct creation, change);
    changes_propose(all, change, META_TOPIC_CREATE, &t->command);
}

static bool prepare(struct create *c)
{
    const struct kp_create_topics_req *req = c->q->msg;
    kp_init(&kp_create_topics_resp_schema, &c->resp);
    c->topics = request_alloc(c->q, (size_t)req->n_topics, sizeof *c->topics);
    c->resp.topics = request_alloc(c->q, (size_t)req->n_topics, sizeof *c->resp.topics);
    c->changes = changes_new(c->q, &c->resp);
    if (!c->topics || !c->resp.topics || !c->changes)
        return false;
    c->changes->propose = propose;
    c->changes->settle = settle;
    c->changes->late = late;
    c->n = c->resp.n_topics = req->n_topics;
    for (int32_t i = 0; i < c->n; i++) {
        struct creation *t = &c->topics[i];
        t->asked = &req->topics[i];
        t->answer = &c->resp.topics[i];
        kp_init(&kp_create_topics_resp_topics_schema, t->answer);
        t->answer->name = t->asked->name;
    }
    return find_doubles(c);
}

static void check_all(struct create *c)
{
    const struct kp_create_topics_req *req = c->q->msg;
    for (int32_t i = 0; i < c->n; i++) {
        struct creation *t = &c->topics[i];
        if (check(c, t))
            continue;
        int rc = plan(c, t);
        if (rc) {
            refuse(c, t, kafka_error(rc), err_str(rc));
        } else if (req->validate_only) {
            fill_success(c, t);
            t->answer->topic_id = (struct uuid){{0}};
        } else {
            changes_add(c->changes, &t->change);
        }
    }
}

void h_create_topics(struct request *q)
{
    const struct kp_create_topics_req *req = q->msg;
    struct create *c = request_alloc(q, 1, sizeof *c);
    if (c)
        c->q = q;
    if (!c || !prepare(c)) {
        request_abort(q, "out of memory");
        return;
    }
    q->local = c;
    check_all(c);
    changes_run(c->changes, req->timeout_ms);
}

/* h_configs.c - DescribeConfigs: every setting of a topic or of this broker, with its value, where
 * that comes from, and what it means. */
#include <stdio.h>

#include "broker/api.h"
#include "broker/broker.h"
#include "broker/configs.h"
#include "broker/topics.h"

/* A row of what is described; `of` is its topic. false: out of memory. */
typedef bool entry_fn(struct request *q, const struct setting *row, const void *of,
                      struct config_entry *out);

static bool entry_of_topic(struct request *q, const struct setting *row, const void *of,
                           struct config_entry *out)
{
    return config_of_topic(q, row, meta_config_get(of, row->name), out);
}

static bool entry_of_broker(struct request *q, const struct setting *row, const void *of,
                            struct config_entry *out)
{
    (void)of;
    return config_of_broker(q, row, out);
}

static bool entry_of_all_brokers(struct request *q, const struct setting *row, const void *of,
                                 struct config_entry *out)
{
    (void)of;
    return config_of_all_brokers(q, row, out);
}

static bool is_asked_for(const struct kp_describe_configs_req_resources *asked, const char *name)
{
    if (asked->n_configuration_keys <= 0)
        return true; /* null or, as Kafka has it, empty: all */
    for (int32_t i = 0; i < asked->n_configuration_keys; i++) {
        if (kp_str_is(asked->configuration_keys[i], name))
            return true;
    }
    return false;
}

static bool fill_synonyms(struct request *q, const struct config_entry *e,
                          struct kp_describe_configs_resp_results_configs *c)
{
    c->synonyms = request_alloc(q, (size_t)e->n, sizeof *c->synonyms);
    if (!c->synonyms)
        return false;
    c->n_synonyms = e->n;
    for (int i = 0; i < e->n; i++) {
        c->synonyms[i].name = e->origins[i].name;
        c->synonyms[i].value = e->origins[i].value;
        c->synonyms[i].source = (int8_t)e->origins[i].source;
    }
    return true;
}

static bool fill_config(struct request *q, const struct config_entry *e, bool read_only,
                        struct kp_describe_configs_resp_results_configs *c)
{
    const struct kp_describe_configs_req *req = q->msg;
    kp_init(&kp_describe_configs_resp_results_configs_schema, c);
    c->name = kp_str(e->row->name);
    c->value = e->value;
    c->config_source = (int8_t)e->source;
    c->config_type = (int8_t)config_type_of(e->row);
    c->read_only = read_only;
    if (req->include_documentation)
        c->documentation = kp_str(e->row->sentence);
    return !req->include_synonyms || fill_synonyms(q, e, c);
}

/* What is described: so many rows of a table. */
struct described {
    const struct setting *rows;
    size_t n;
    entry_fn *entry_of;
    const void *of;
    bool all;     /* those without a value too */
    bool dynamic; /* any of them can be altered */
};

static bool is_read_only(const struct described *d, const struct setting *row)
{
    return !d->dynamic && settings_change(row) == SETTING_STATIC;
}

/* All rows that are asked for. */
static bool fill_configs(struct request *q, const struct kp_describe_configs_req_resources *asked,
                         const struct described *d, struct kp_describe_configs_resp_results *r)
{
    r->configs = request_alloc(q, d->n, sizeof *r->configs);
    if (!r->configs)
        return false;
    for (size_t i = 0; i < d->n; i++) {
        struct config_entry e;
        if (!is_asked_for(asked, d->rows[i].name))
            continue;
        if (!d->entry_of(q, &d->rows[i], d->of, &e))
            return false;
        if (!d->all && !e.n)
            continue;
        if (!fill_config(q, &e, is_read_only(d, &d->rows[i]), &r->configs[r->n_configs++]))
            return false;
    }
    return true;
}

static void refuse(struct kp_describe_configs_resp_results *r, int16_t error, const char *message)
{
    r->error_code = error;
    r->error_message = kp_str(message);
}

static bool describe_topic(struct request *q, const struct kp_describe_configs_req_resources *asked,
                           struct kp_describe_configs_resp_results *r)
{
    if (broker_topic_check_name(asked->resource_name, NULL)) {
        refuse(r, KP_ERR_INVALID_TOPIC_EXCEPTION, "that is no name for a topic");
        return true;
    }
    int16_t error;
    const struct meta_topic *t = broker_topic_find(
        image_get(&request_broker(q)->image), asked->resource_name, &(struct uuid){{0}}, &error);
    if (!t) {
        refuse(r, error, "there is no such topic");
        return true;
    }
    const struct described d = {meta_setting_rows(), META_SETTINGS, entry_of_topic, t, true, true};
    return fill_configs(q, asked, &d, r);
}

static bool describe_broker(struct request *q,
                            const struct kp_describe_configs_req_resources *asked,
                            struct kp_describe_configs_resp_results *r)
{
    char self[16];
    snprintf(self, sizeof self, "%d", request_broker(q)->node_id);
    struct described d = {settings_rows(), SETTINGS, entry_of_broker, NULL, true, false};
    if (asked->resource_name.n == 0) { /* what was altered for all brokers */
        d.entry_of = entry_of_all_brokers;
        d.all = false;
    } else if (!kp_str_is(asked->resource_name, self)) {
        refuse(r, KP_ERR_INVALID_REQUEST, "this is another broker");
        return true;
    }
    return fill_configs(q, asked, &d, r);
}

static bool describe(struct request *q, const struct kp_describe_configs_req_resources *asked,
                     struct kp_describe_configs_resp_results *r)
{
    kp_init(&kp_describe_configs_resp_results_schema, r);
    r->resource_type = asked->resource_type;
    r->resource_name = asked->resource_name;
    switch (asked->resource_type) {
    case META_RESOURCE_TOPIC:
        return describe_topic(q, asked, r);
    case META_RESOURCE_BROKER:
        return describe_broker(q, asked, r);
    default:
        refuse(r, KP_ERR_INVALID_REQUEST, "resources of this type have no settings here");
        return true;
    }
}

void h_describe_configs(struct request *q)
{
    const struct kp_describe_configs_req *req = q->msg;
    struct kp_describe_configs_resp resp;
    kp_init(&kp_describe_configs_resp_schema, &resp);
    resp.results = request_alloc(q, (size_t)req->n_resources, sizeof *resp.results);
    bool good = resp.results != NULL;
    for (int32_t i = 0; good && i < req->n_resources; i++)
        good = describe(q, &req->resources[i], &resp.results[resp.n_results++]);
    if (good)
        request_reply(q, &resp);
    else
        request_abort(q, "out of memory");
}

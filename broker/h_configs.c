/* h_configs.c - DescribeConfigs: every setting of a topic or of this broker, with its value, where
 * that comes from, and what it means. */
#include <stdio.h>

#include "broker/api.h"
#include "broker/broker.h"
#include "broker/configs.h"
#include "broker/topics.h"

typedef int origins_fn(struct request *q, const struct setting *row, const void *of,
                       struct config_value out[CONFIG_ORIGINS]);

static int origins_of_topic(struct request *q, const struct setting *row, const void *of,
                            struct config_value out[CONFIG_ORIGINS])
{
    return config_origins_of_topic(q, row, meta_config_get(of, row->name), out);
}

static int origins_of_broker(struct request *q, const struct setting *row, const void *of,
                             struct config_value out[CONFIG_ORIGINS])
{
    (void)of;
    return config_origins_of_broker(q, row, out);
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

static bool fill_synonyms(struct request *q, const struct config_value *origins, int n,
                          struct kp_describe_configs_resp_results_configs *c)
{
    c->synonyms = request_alloc(q, (size_t)n, sizeof *c->synonyms);
    if (!c->synonyms)
        return false;
    c->n_synonyms = n;
    for (int i = 0; i < n; i++) {
        c->synonyms[i].name = origins[i].name;
        c->synonyms[i].value = origins[i].value;
        c->synonyms[i].source = (int8_t)origins[i].source;
    }
    return true;
}

static bool fill_config(struct request *q, const struct setting *row,
                        const struct config_value *origins, int n, bool read_only,
                        struct kp_describe_configs_resp_results_configs *c)
{
    const struct kp_describe_configs_req *req = q->msg;
    kp_init(&kp_describe_configs_resp_results_configs_schema, c);
    c->name = kp_str(row->name);
    c->value = n ? origins[0].value : kp_str(NULL);
    c->config_source = (int8_t)(n ? origins[0].source : CONFIG_SOURCE_DEFAULT);
    c->config_type = (int8_t)config_type_of(row);
    c->read_only = read_only;
    if (req->include_documentation)
        c->documentation = kp_str(row->sentence);
    return !(n && !c->value.p) && (!req->include_synonyms || fill_synonyms(q, origins, n, c));
}

/* All rows that are asked for. */
static bool fill_configs(struct request *q, const struct kp_describe_configs_req_resources *asked,
                         const struct setting *rows, size_t n, origins_fn *origins_of,
                         const void *of, bool read_only, struct kp_describe_configs_resp_results *r)
{
    r->configs = request_alloc(q, n, sizeof *r->configs);
    if (!r->configs)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!is_asked_for(asked, rows[i].name))
            continue;
        struct config_value origins[CONFIG_ORIGINS];
        int n_origins = origins_of(q, &rows[i], of, origins);
        if (!fill_config(q, &rows[i], origins, n_origins, read_only, &r->configs[r->n_configs++]))
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
    if (topics_check_name(asked->resource_name, NULL)) {
        refuse(r, KP_ERR_INVALID_TOPIC_EXCEPTION, "that is no name for a topic");
        return true;
    }
    int16_t error;
    const struct meta_topic *t = topics_find(image_get(&request_broker(q)->image),
                                             asked->resource_name, &(struct uuid){{0}}, &error);
    if (!t) {
        refuse(r, error, "there is no such topic");
        return true;
    }
    return fill_configs(q, asked, meta_setting_rows(), META_SETTINGS, origins_of_topic, t, false,
                        r);
}

static bool describe_broker(struct request *q,
                            const struct kp_describe_configs_req_resources *asked,
                            struct kp_describe_configs_resp_results *r)
{
    char self[16];
    snprintf(self, sizeof self, "%d", request_broker(q)->node_id);
    if (asked->resource_name.n == 0)
        return true; /* the settings made for all brokers: there are none */
    if (!kp_str_is(asked->resource_name, self)) {
        refuse(r, KP_ERR_INVALID_REQUEST, "this is another broker");
        return true;
    }
    return fill_configs(q, asked, settings_rows(), SETTINGS, origins_of_broker, NULL, true, r);
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

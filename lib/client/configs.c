#include "client/configs.h"

#include <errno.h>
#include <stdlib.h>

#include "client/error.h"
#include "kp/error.h"

static int no_memory(struct err *e)
{
    return err_code(e, -ENOMEM, "settings");
}

/* Who has to be asked for a resource: a broker for itself; -1: who does not matter. A name that is
 * no number is the broker's to refuse. */
static int32_t node_of(const struct client_config_resource *r)
{
    char *end;
    if (r->type != CLIENT_RESOURCE_BROKER || !*r->name)
        return -1;
    long id = strtol(r->name, &end, 10);
    return *end || id < 0 || id > INT32_MAX ? -1 : (int32_t)id;
}

/* ---- DescribeConfigs */

static struct kp_str *key_list(const char *const *keys, size_t n, struct arena *a)
{
    struct kp_str *out = arena_array(a, n + 1, sizeof *out);
    for (size_t i = 0; out && i < n; i++)
        out[i] = kp_str(keys[i]);
    return out;
}

int client_describe_configs(struct client_cluster *c, const struct client_config_resource *r,
                            size_t n, const char *const *keys, size_t n_keys, struct arena *a,
                            const struct kp_describe_configs_resp **answer, struct err *e)
{
    struct kp_describe_configs_req req;
    struct kp_describe_configs_resp *resp = arena_alloc(a, sizeof *resp);
    struct kp_str *names = key_list(keys, n_keys, a);
    kp_init(&kp_describe_configs_req_schema, &req);
    req.include_synonyms = req.include_documentation = true;
    req.n_resources = (int32_t)n;
    req.resources = arena_array(a, n + 1, sizeof *req.resources);
    if (!resp || !req.resources || !names)
        return no_memory(e);
    for (size_t i = 0; i < n; i++) {
        kp_init(&kp_describe_configs_req_resources_schema, &req.resources[i]);
        req.resources[i].resource_type = (int8_t)r[i].type;
        req.resources[i].resource_name = kp_str(r[i].name);
        req.resources[i].n_configuration_keys = n_keys ? (int32_t)n_keys : -1; /* all */
        req.resources[i].configuration_keys = names;
    }
    *answer = resp;
    int32_t node = n ? node_of(&r[0]) : -1;
    if (node >= 0)
        return client_call_broker(c, node, KP_DESCRIBE_CONFIGS, INT16_MAX, &req, resp, a, e);
    return client_call_any(c, KP_DESCRIBE_CONFIGS, INT16_MAX, &req, resp, a, e);
}

/* ---- IncrementalAlterConfigs */

static void set_outcome(struct client_alteration *t, int16_t error, struct kp_str message)
{
    t->error = error;
    t->text[0] = 0;
    if (error)
        client_error_text(error, message, t->text, sizeof t->text);
}

static void take_altered(const struct kp_incremental_alter_configs_resp *resp,
                         struct client_alteration *t, size_t n)
{
    for (size_t i = 0; i < n; i++)
        set_outcome(&t[i], KP_ERR_UNKNOWN_SERVER_ERROR, kp_str("the broker did not answer for it"));
    size_t at = 0;
    for (int32_t i = 0; i < resp->n_responses; i++) {
        const struct kp_incremental_alter_configs_resp_responses *r = &resp->responses[i];
        for (size_t tried = 0; tried < n; tried++, at = (at + 1) % n) {
            const struct client_config_resource *x = &t[at].resource;
            if (r->resource_type != (int8_t)x->type || !kp_str_is(r->resource_name, x->name))
                continue;
            set_outcome(&t[at], r->error_code, r->error_message);
            break;
        }
    }
}

static struct kp_incremental_alter_configs_req_resources_configs *
change_list(const struct client_config_change *changes, size_t n, struct arena *a)
{
    struct kp_incremental_alter_configs_req_resources_configs *out =
        arena_array(a, n + 1, sizeof *out);
    for (size_t i = 0; out && i < n; i++) {
        kp_init(&kp_incremental_alter_configs_req_resources_configs_schema, &out[i]);
        out[i].name = kp_str(changes[i].name);
        out[i].config_operation = (int8_t)changes[i].op;
        out[i].value = kp_str(changes[i].value);
    }
    return out;
}

int client_alter_configs(struct client_cluster *c, struct client_alteration *t, size_t n,
                         const struct client_config_change *changes, size_t n_changes,
                         bool validate, struct err *e)
{
    struct kp_incremental_alter_configs_req req;
    struct kp_incremental_alter_configs_resp resp;
    struct arena a;
    arena_init(&a, 0);
    kp_init(&kp_incremental_alter_configs_req_schema, &req);
    req.validate_only = validate;
    req.n_resources = (int32_t)n;
    req.resources = arena_array(&a, n + 1, sizeof *req.resources);
    struct kp_incremental_alter_configs_req_resources_configs *list =
        change_list(changes, n_changes, &a);
    int rc = req.resources && list ? 0 : no_memory(e);
    for (size_t i = 0; i < n && !rc; i++) {
        kp_init(&kp_incremental_alter_configs_req_resources_schema, &req.resources[i]);
        req.resources[i].resource_type = (int8_t)t[i].resource.type;
        req.resources[i].resource_name = kp_str(t[i].resource.name);
        req.resources[i].n_configs = (int32_t)n_changes;
        req.resources[i].configs = list;
    }
    int32_t node = n ? node_of(&t[0].resource) : -1;
    if (!rc && node >= 0)
        rc = client_call_broker(c, node, KP_INCREMENTAL_ALTER_CONFIGS, INT16_MAX, &req, &resp, &a,
                                e);
    else if (!rc)
        rc = client_call_controller(c, KP_INCREMENTAL_ALTER_CONFIGS, INT16_MAX, &req, &resp, &a, e);
    if (!rc)
        take_altered(&resp, t, n);
    arena_free(&a);
    return rc;
}

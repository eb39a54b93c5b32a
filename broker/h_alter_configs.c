/* h_alter_configs.c - AlterConfigs and IncrementalAlterConfigs.
 *
 * Each resource is looked at on its own (alter.h); those that pass are proposed (changes.h), and
 * the answer leaves when the last is in force. Of one that somebody else changed meanwhile the
 * command is made up anew from what is set then.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/alter.h"
#include "broker/api.h"
#include "broker/broker.h"
#include "broker/changes.h"
#include "broker/container.h"
#include "broker/deadline.h"
#include "broker/errors.h"

/* One resource. */
struct resource {
    struct alteration asked;
    struct meta_config_set command;
    struct change change;
    int16_t *error; /* of its answer */
    struct kp_str *message;
    bool twice;
};

struct alter {
    struct request *q;
    struct changes *changes;
    int32_t n;
    struct resource *resources;
};

static void refuse(struct alter *a, struct resource *r, int16_t error, const char *message)
{
    *r->error = error;
    *r->message = kp_str(arena_printf(&a->q->arena, "%s", message));
}

/* Fill in the command; false: refused. */
static bool plan(struct alter *a, struct resource *r)
{
    struct broker *b = request_broker(a->q);
    struct err why = {0};
    int16_t error = alter_plan(b, image_get(&b->image), &r->asked, &a->q->arena, &r->command, &why);
    if (error)
        refuse(a, r, error, why.text);
    return !error;
}

/* ---- once they are proposed */

static void propose(struct changes *all, struct change *change)
{
    struct resource *r = container_of(change, struct resource, change);
    changes_propose(all, change, META_CONFIG_SET, &r->command);
}

static bool settle(struct changes *all, struct change *change, int code)
{
    struct resource *r = container_of(change, struct resource, change);
    struct alter *a = all->q->local;
    if (code == ERR_STALE) {
        if (!plan(a, r) || !r->command.n_configs)
            return true;
        propose(all, change);
        return false;
    }
    if (code)
        refuse(a, r, kafka_error(code), err_str(code));
    return true;
}

static void late(struct changes *all, struct change *change)
{
    refuse(all->q->local, container_of(change, struct resource, change), KP_ERR_REQUEST_TIMED_OUT,
           "not known yet whether the settings were altered: describe them");
}

/* ---- the beginning */

static int by_resource(const void *a, const void *b)
{
    const struct alteration *x = &(*(struct resource *const *)a)->asked;
    const struct alteration *y = &(*(struct resource *const *)b)->asked;
    if (x->resource_type != y->resource_type)
        return x->resource_type < y->resource_type ? -1 : 1;
    if (x->resource_name.n != y->resource_name.n)
        return x->resource_name.n < y->resource_name.n ? -1 : 1;
    size_t n = (size_t)x->resource_name.n;
    return n > 0 ? memcmp(x->resource_name.p, y->resource_name.p, n) : 0;
}

/* Mark the resources that the request names twice: all of them are refused. */
static bool find_doubles(struct alter *a)
{
    struct resource **sorted = request_alloc(a->q, (size_t)a->n, sizeof(struct resource *));
    if (!sorted)
        return false;
    for (int32_t i = 0; i < a->n; i++)
        sorted[i] = &a->resources[i];
    qsort(sorted, (size_t)a->n, sizeof *sorted, by_resource);
    for (int32_t i = 1; i < a->n; i++) {
        if (by_resource(&sorted[i - 1], &sorted[i]) == 0)
            sorted[i - 1]->twice = sorted[i]->twice = true;
    }
    return true;
}

static struct alter *begin(struct request *q, int32_t n, const void *resp)
{
    struct alter *a = request_alloc(q, 1, sizeof *a);
    if (!a)
        return NULL;
    *a = (struct alter){.q = q, .n = n};
    a->resources = request_alloc(q, (size_t)n, sizeof *a->resources);
    a->changes = changes_new(q, resp);
    if (!a->resources || !a->changes)
        return NULL;
    q->local = a;
    a->changes->propose = propose;
    a->changes->settle = settle;
    a->changes->late = late;
    return a;
}

static void run(struct alter *a, bool validate_only)
{
    if (!find_doubles(a)) {
        request_abort(a->q, "out of memory");
        return;
    }
    for (int32_t i = 0; i < a->n; i++) {
        struct resource *r = &a->resources[i];
        if (r->twice)
            refuse(a, r, KP_ERR_INVALID_REQUEST, "the request names the resource twice");
        else if (plan(a, r) && r->command.n_configs && !validate_only)
            changes_add(a->changes, &r->change);
    }
    changes_run(a->changes, DEADLINE_DEFAULT_MS);
}

/* ---- the two APIs, which differ in the types of their structs */

static bool take_replacement(struct request *q, struct resource *r,
                             const struct kp_alter_configs_req_resources *asked,
                             struct kp_alter_configs_resp_responses *answer)
{
    struct alter_item *items = request_alloc(q, (size_t)asked->n_configs, sizeof *items);
    if (!items)
        return false;
    for (int32_t i = 0; i < asked->n_configs; i++)
        items[i] = (struct alter_item){asked->configs[i].name, asked->configs[i].value, ALTER_SET};
    kp_init(&kp_alter_configs_resp_responses_schema, answer);
    answer->resource_type = asked->resource_type;
    answer->resource_name = asked->resource_name;
    *r = (struct resource){
        .asked = {asked->resource_type, asked->resource_name, true, asked->n_configs, items},
        .error = &answer->error_code,
        .message = &answer->error_message};
    return true;
}

void h_alter_configs(struct request *q)
{
    const struct kp_alter_configs_req *req = q->msg;
    struct kp_alter_configs_resp *resp = request_alloc(q, 1, sizeof *resp);
    struct alter *a = resp ? begin(q, req->n_resources, resp) : NULL;
    bool good = a != NULL;
    if (good) {
        kp_init(&kp_alter_configs_resp_schema, resp);
        resp->responses = request_alloc(q, (size_t)a->n, sizeof *resp->responses);
        resp->n_responses = a->n;
        good = resp->responses != NULL;
    }
    for (int32_t i = 0; good && i < a->n; i++)
        good = take_replacement(q, &a->resources[i], &req->resources[i], &resp->responses[i]);
    if (good)
        run(a, req->validate_only);
    else
        request_abort(q, "out of memory");
}

static bool take_increment(struct request *q, struct resource *r,
                           const struct kp_incremental_alter_configs_req_resources *asked,
                           struct kp_incremental_alter_configs_resp_responses *answer)
{
    struct alter_item *items = request_alloc(q, (size_t)asked->n_configs, sizeof *items);
    if (!items)
        return false;
    for (int32_t i = 0; i < asked->n_configs; i++)
        items[i] = (struct alter_item){asked->configs[i].name, asked->configs[i].value,
                                       asked->configs[i].config_operation};
    kp_init(&kp_incremental_alter_configs_resp_responses_schema, answer);
    answer->resource_type = asked->resource_type;
    answer->resource_name = asked->resource_name;
    *r = (struct resource){
        .asked = {asked->resource_type, asked->resource_name, false, asked->n_configs, items},
        .error = &answer->error_code,
        .message = &answer->error_message};
    return true;
}

void h_incremental_alter_configs(struct request *q)
{
    const struct kp_incremental_alter_configs_req *req = q->msg;
    struct kp_incremental_alter_configs_resp *resp = request_alloc(q, 1, sizeof *resp);
    struct alter *a = resp ? begin(q, req->n_resources, resp) : NULL;
    bool good = a != NULL;
    if (good) {
        kp_init(&kp_incremental_alter_configs_resp_schema, resp);
        resp->responses = request_alloc(q, (size_t)a->n, sizeof *resp->responses);
        resp->n_responses = a->n;
        good = resp->responses != NULL;
    }
    for (int32_t i = 0; good && i < a->n; i++)
        good = take_increment(q, &a->resources[i], &req->resources[i], &resp->responses[i]);
    if (good)
        run(a, req->validate_only);
    else
        request_abort(q, "out of memory");
}

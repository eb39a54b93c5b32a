#include "cli/bench_meta.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/bench_run.h"
#include "client/error.h"
#include "kp/error.h"

enum step { STEP_CREATE, STEP_ASK, STEP_DELETE, STEPS };
enum { METADATA_MAX = 12, CREATE_MAX = 7, DELETE_MAX = 5 };

struct asker {
    enum step step;
    uint64_t topics; /* made so far */
    char name[ACKLOG_TOPIC_MAX + 1];
};

static int meta_init(struct load *l, struct err *e)
{
    struct asker *a = calloc(1, sizeof *a);
    l->own = a;
    if (!a)
        return err_code(e, -ENOMEM, "clients");
    l->broker = l->id % (uint32_t)l->w->b->n_brokers;
    /* Topics are created at the controller; Metadata is any broker's to answer. */
    if (l->w->b->opt->create_topic)
        l->broker = l->w->b->controller;
    return 0;
}

static void meta_release(struct load *l)
{
    free(l->own);
}

static bool meta_next(struct load *l, struct slot *s)
{
    struct asker *a = l->own;
    struct worker *w = l->w;
    if (!run_take(w->run, 1, s->due_ns))
        return false;
    if (!w->b->opt->create_topic) {
        s->which = STEP_ASK;
        snprintf(a->name, sizeof a->name, "%s", w->b->opt->topic);
        return true;
    }
    s->which = (uint32_t)a->step;
    if (a->step == STEP_CREATE)
        snprintf(a->name, sizeof a->name, "%.200s-%08x-%u-%llu", w->b->opt->topic, w->b->run_id,
                 l->id, (unsigned long long)a->topics++);
    static const enum bench_metric metrics[STEPS] = {METRIC_CREATE, METRIC_MAIN, METRIC_DELETE};
    s->stats = &w->stats[metrics[a->step]];
    a->step = (a->step + 1) % STEPS;
    return true;
}

static int send_create(struct load *l, struct err *e)
{
    const struct asker *a = l->own;
    const struct bench_options *o = l->w->b->opt;
    struct kp_create_topics_req_topics topic = {
        .name = kp_str(a->name),
        .num_partitions = o->partitions ? (int32_t)o->partitions : 1,
        .replication_factor = (int16_t)o->replication,
    };
    struct kp_create_topics_req req = {
        .n_topics = 1, .topics = &topic, .timeout_ms = (int32_t)o->request_timeout_ms};
    return load_send(l, KP_CREATE_TOPICS, CREATE_MAX, &req, e);
}

static int send_ask(struct load *l, struct err *e)
{
    const struct asker *a = l->own;
    struct kp_metadata_req_topics topic = {.name = kp_str(a->name)};
    struct kp_metadata_req req = {.n_topics = 1, .topics = &topic};
    return load_send(l, KP_METADATA, METADATA_MAX, &req, e);
}

static int send_delete(struct load *l, struct err *e)
{
    const struct asker *a = l->own;
    struct kp_str name = kp_str(a->name);
    struct kp_delete_topics_req req = {.n_topic_names = 1,
                                       .topic_names = &name,
                                       .timeout_ms = (int32_t)l->w->b->opt->request_timeout_ms};
    return load_send(l, KP_DELETE_TOPICS, DELETE_MAX, &req, e);
}

static int meta_send(struct load *l, struct slot *s, struct err *e)
{
    switch ((enum step)s->which) {
    case STEP_CREATE:
        return send_create(l, e);
    case STEP_ASK:
        return send_ask(l, e);
    default:
        return send_delete(l, e);
    }
}

/* The error an answer carries for its one topic; 0: none. Negative: it carries no such thing. */
static int topic_error(struct load *l, enum step step, struct client_response *r,
                       struct kp_str *message, struct err *e)
{
    union {
        struct kp_create_topics_resp create;
        struct kp_metadata_resp ask;
        struct kp_delete_topics_resp del;
    } resp;
    int rc = client_response_decode(r, &l->w->arena, &resp, e);
    if (rc)
        return rc;
    int32_t n = step == STEP_CREATE ? resp.create.n_topics
                : step == STEP_ASK  ? resp.ask.n_topics
                                    : resp.del.n_responses;
    if (n != 1)
        return err_set(e, ERR_MALFORMED, "the answer is about %d topics instead of one", n);
    if (step == STEP_CREATE) {
        *message = resp.create.topics[0].error_message;
        return resp.create.topics[0].error_code;
    }
    return step == STEP_ASK ? resp.ask.topics[0].error_code : resp.del.responses[0].error_code;
}

static enum load_verdict meta_reply(struct load *l, struct slot *s, struct client_response *r,
                                    uint64_t *records, uint64_t *bytes, struct err *e)
{
    struct asker *a = l->own;
    struct kp_str message = kp_str(NULL);
    size_t size = rd_left(&r->body);
    arena_reset(&l->w->arena);
    int error = topic_error(l, (enum step)s->which, r, &message, e);
    if (error < 0)
        return LOAD_BROKEN;
    if (error) {
        char text[300];
        err_set(e, client_error_code((int16_t)error), "topic %s: %s", a->name,
                client_error_text((int16_t)error, message, text, sizeof text));
        if (s->which == STEP_ASK && l->w->b->opt->create_topic &&
            kp_error_retriable((int16_t)error))
            return LOAD_AGAIN; /* created, and not yet known everywhere */
        if (s->which == STEP_CREATE)
            a->step = STEP_CREATE; /* there is nothing to ask for */
        return LOAD_FAILED;
    }
    *records = 1;
    *bytes = size;
    return LOAD_OK;
}

const char *meta_leftover(const struct load *l)
{
    const struct asker *a = l->own;
    return a && l->w->b->opt->create_topic && a->step != STEP_CREATE ? a->name : NULL;
}

const struct load_kind meta_kind = {
    .name = "client",
    .paced = true,
    .init = meta_init,
    .release = meta_release,
    .next = meta_next,
    .send = meta_send,
    .reply = meta_reply,
};

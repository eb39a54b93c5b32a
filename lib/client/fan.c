#include "client/fan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/error.h"
#include "kp/error.h"

/* One operation under way. */
struct run {
    struct client_cluster *c;
    const struct client_fan *f;
    struct client_part **parts; /* the unfinished ones, by leader and topic */
    size_t n;
    struct arena a;
    struct err *e;  /* why the last failure was one */
    int rc;         /* the failure that ends it */
    struct err why; /* and why it was one */
};

/* May the same request succeed later? A damaged batch would only be sent again. */
static bool passing(int16_t error)
{
    return kp_error_retriable(error) && error != KP_ERR_CORRUPT_MESSAGE;
}

void client_part_settle(struct client_part *p, int16_t error, struct kp_str message)
{
    p->done = !error || !passing(error);
    p->error = error;
    p->text[0] = 0;
    if (error)
        client_error_text(error, message, p->text, sizeof p->text);
}

struct client_part *client_part_find(struct client_part **parts, size_t n, struct kp_str topic,
                                     int32_t partition, size_t *hint)
{
    for (size_t i = 0; i < n; i++) {
        size_t at = (*hint + i) % n;
        if (parts[at]->partition == partition && kp_str_is(topic, parts[at]->topic)) {
            *hint = at + 1;
            return parts[at];
        }
    }
    return NULL;
}

size_t client_parts_of_topic(struct client_part **parts, size_t n)
{
    size_t k = 1;
    while (k < n && !strcmp(parts[k]->topic, parts[0]->topic))
        k++;
    return k;
}

static int by_leader(const void *x, const void *y)
{
    const struct client_part *a = *(struct client_part *const *)x,
                             *b = *(struct client_part *const *)y;
    if (a->link != b->link)
        return a->link < b->link ? -1 : 1;
    int order = strcmp(a->topic, b->topic);
    return order ? order : (a->order > b->order) - (a->order < b->order);
}

/* A failure of some parts only: keep going if it may pass. */
static void note(struct run *r, int rc)
{
    if (!rc || client_may_retry(rc) || r->rc)
        return;
    r->rc = rc;
    r->why = *r->e;
}

static void drop_done(struct run *r)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->n; i++)
        if (!r->parts[i]->done)
            r->parts[kept++] = r->parts[i];
    r->n = kept;
}

static void find_leaders(struct run *r)
{
    for (size_t i = 0; i < r->n && !r->rc; i++) {
        struct client_part *p = r->parts[i];
        p->link = NULL;
        int rc = client_leader(r->c, p->topic, p->partition, &p->link, r->e);
        if (rc)
            p->link = NULL;
        note(r, rc);
    }
    qsort(r->parts, r->n, sizeof *r->parts, by_leader);
}

/* How many parts, from the one at i on, go to the same leader. */
static size_t group(const struct run *r, size_t i)
{
    size_t n = 1;
    while (i + n < r->n && r->parts[i + n]->link == r->parts[i]->link)
        n++;
    return n;
}

static void group_failed(struct run *r, size_t i, size_t n, int rc)
{
    for (size_t k = i; k < i + n; k++) {
        r->parts[k]->link = NULL;
        client_forget(r->c, r->parts[k]->topic);
    }
    note(r, rc);
}

static int send_group(struct run *r, struct client_part **parts, size_t n)
{
    const struct client_fan *f = r->f;
    const struct kp_schema *s = kp_api(f->key)->req;
    void *req = arena_alloc(&r->a, kp_sizeof(s));
    if (!req)
        return err_code(r->e, -ENOMEM, "%s request", kp_api(f->key)->name);
    kp_init(s, req);
    int rc = f->build(f->ctx, parts, n, req, &r->a);
    if (rc)
        return err_code(r->e, rc, "%s request", kp_api(f->key)->name);
    rc = f->unanswered ? client_link_send_unanswered(parts[0]->link, f->key, f->max, req, r->e)
                       : client_link_send(parts[0]->link, f->key, f->max, req, r->e);
    return rc ? rc : client_link_flush(parts[0]->link, &r->c->wait, r->e);
}

static int take_group(struct run *r, struct client_part **parts, size_t n)
{
    const struct client_fan *f = r->f;
    void *resp = arena_alloc(&r->a, kp_sizeof(kp_api(f->key)->resp));
    if (!resp)
        return err_code(r->e, -ENOMEM, "%s answer", kp_api(f->key)->name);
    int rc = client_link_receive(parts[0]->link, resp, &r->a, &r->c->wait, r->e);
    if (rc)
        return rc;
    rc = f->take(f->ctx, parts, n, resp, r->e);
    for (size_t i = 0; i < n && !rc; i++) {
        if (parts[i]->done)
            continue;
        err_set(r->e, ERR_NOTLEADER, "%s: partition %d: %s", parts[i]->topic, parts[i]->partition,
                parts[i]->text[0] ? parts[i]->text : "the broker did not answer for it");
        client_forget(r->c, parts[i]->topic);
    }
    return rc;
}

static void each_group(struct run *r, int (*f)(struct run *, struct client_part **, size_t))
{
    for (size_t i = 0, n; i < r->n; i += n) {
        n = group(r, i);
        if (!r->parts[i]->link)
            continue;
        int rc = f(r, r->parts + i, n);
        if (rc)
            group_failed(r, i, n, rc);
    }
}

static int mark_sent(struct run *r, struct client_part **parts, size_t n)
{
    (void)r;
    for (size_t i = 0; i < n; i++)
        client_part_settle(parts[i], KP_ERR_NONE, kp_str(NULL));
    return 0;
}

/* Everything a round sent is also received, or its link is closed: no answer is left behind for the
 * next operation to stumble over. */
static void round_of(struct run *r)
{
    find_leaders(r);
    if (r->rc)
        return;
    each_group(r, send_group);
    each_group(r, r->f->unanswered ? mark_sent : take_group);
    drop_done(r);
}

int client_fan_run(struct client_cluster *c, const struct client_fan *f, struct client_part **parts,
                   size_t n, struct err *e)
{
    struct run r = {.c = c, .f = f, .n = n, .e = e};
    r.parts = calloc(n + 1, sizeof *r.parts);
    if (!r.parts)
        return err_code(e, -ENOMEM, "%s", kp_api(f->key)->name);
    for (size_t i = 0; i < n; i++) {
        r.parts[i] = parts[i];
        parts[i]->order = i;
    }
    arena_init(&r.a, 0);
    drop_done(&r);
    while (r.n && !r.rc) {
        size_t before = r.n;
        arena_reset(&r.a);
        round_of(&r);
        if (r.rc)
            *e = r.why; /* other leaders may have failed after it */
        if (r.n < before)
            client_progress(c);
        if (r.n && !r.rc)
            r.rc = client_pause(c, e);
    }
    arena_free(&r.a);
    free(r.parts);
    return r.rc;
}

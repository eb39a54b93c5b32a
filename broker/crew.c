#include "broker/crew.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "broker/rcu.h"

/* Wait for a job; NULL when the crew stops and none is left. */
static struct loop_msg *take(struct crew *c)
{
    pthread_mutex_lock(&c->lock);
    while ((!c->first || c->held) && !c->stop)
        pthread_cond_wait(&c->more, &c->lock);
    struct loop_msg *job = c->first;
    if (job)
        c->first = atomic_load_explicit(&job->next, memory_order_relaxed);
    if (!c->first)
        c->last = NULL;
    pthread_mutex_unlock(&c->lock);
    return job;
}

static void *work(void *arg)
{
    struct crew *c = arg;
    rcu_register();
    for (struct loop_msg *job = take(c); job; job = take(c))
        job->run(job);
    rcu_unregister();
    return NULL;
}

int crew_start(struct crew *c, const char *name, uint32_t n)
{
    memset(c, 0, sizeof *c);
    c->threads = calloc(n, sizeof *c->threads);
    if (!c->threads)
        return -ENOMEM;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->more, NULL);
    for (; c->n < n; c->n++) {
        int rc = pthread_create(&c->threads[c->n], NULL, work, c);
        if (rc) {
            crew_stop(c);
            return -rc;
        }
        pthread_setname_np(c->threads[c->n], name);
    }
    return 0;
}

static void set_held(struct crew *c, bool held)
{
    pthread_mutex_lock(&c->lock);
    c->held = held;
    pthread_mutex_unlock(&c->lock);
    pthread_cond_broadcast(&c->more);
}

void crew_hold(struct crew *c)
{
    set_held(c, true);
}

void crew_release(struct crew *c)
{
    if (c->threads)
        set_held(c, false);
}

void crew_post(struct crew *c, struct loop_msg *job)
{
    atomic_store_explicit(&job->next, NULL, memory_order_relaxed);
    pthread_mutex_lock(&c->lock);
    if (c->last)
        atomic_store_explicit(&c->last->next, job, memory_order_relaxed);
    else
        c->first = job;
    c->last = job;
    pthread_mutex_unlock(&c->lock);
    pthread_cond_signal(&c->more);
}

void crew_stop(struct crew *c)
{
    if (!c->threads)
        return;
    pthread_mutex_lock(&c->lock);
    c->stop = true;
    pthread_mutex_unlock(&c->lock);
    pthread_cond_broadcast(&c->more);
    for (uint32_t i = 0; i < c->n; i++)
        pthread_join(c->threads[i], NULL);
    pthread_cond_destroy(&c->more);
    pthread_mutex_destroy(&c->lock);
    free(c->threads);
    c->threads = NULL;
}

#include "broker/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "broker/rcu.h"

static const int64_t second = 1000000000;

static void put(struct reader *r, struct reading *what)
{
    what->next = NULL;
    if (r->last)
        r->last->next = what;
    else
        r->first = what;
    r->last = what;
}

static struct reading *take(struct reader *r)
{
    struct reading *what = r->first;
    r->first = what->next;
    if (!r->first)
        r->last = NULL;
    return what;
}

static void wait_until(struct reader *r, int64_t ns)
{
    if (ns == INT64_MAX) {
        pthread_cond_wait(&r->more, &r->lock);
        return;
    }
    struct timespec t = {.tv_sec = ns / second, .tv_nsec = ns % second};
    pthread_cond_timedwait(&r->more, &r->lock, &t);
}

/* Wait for a reading whose next piece may be read now; NULL when it stops and none is left. */
static struct reading *next(struct reader *r)
{
    for (;;) {
        if (r->first) {
            int64_t now = r->clock->mono_ns(r->clock), at = pace_next(&r->pace, now);
            if (at <= now || r->stop)
                return take(r);
            wait_until(r, at);
        } else if (r->stop) {
            return NULL;
        } else {
            pthread_cond_wait(&r->more, &r->lock);
        }
    }
}

/* Locked before and after. */
static void read_piece(struct reader *r, struct reading *what, uint8_t *buf)
{
    struct pace_piece piece;
    int64_t now = r->clock->mono_ns(r->clock);
    bool sparing = pace_log_in_use(&r->pace, now);
    pace_begin(&r->pace, &piece, now);
    pthread_mutex_unlock(&r->lock);
    bool more = what->piece(what, buf, sparing);
    pthread_mutex_lock(&r->lock);
    pace_end(&r->pace, &piece, r->clock->mono_ns(r->clock));
    if (r->first) /* otherwise this thread goes on with what there is */
        pthread_cond_signal(&r->more);
    if (more) {
        put(r, what);
        return;
    }
    pthread_mutex_unlock(&r->lock);
    what->done(what);
    pthread_mutex_lock(&r->lock);
}

static void *work(void *arg)
{
    struct reader_thread *t = arg;
    struct reader *r = t->reader;
    rcu_register();
    pthread_mutex_lock(&r->lock);
    for (struct reading *what = next(r); what; what = next(r))
        read_piece(r, what, t->buf);
    pthread_mutex_unlock(&r->lock);
    rcu_unregister();
    return NULL;
}

static void init_lock(struct reader *r)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->more, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&r->lock, NULL);
}

static int start_thread(struct reader *r, struct reader_thread *t)
{
    *t = (struct reader_thread){.reader = r, .buf = malloc(READER_PIECE)};
    if (!t->buf)
        return -ENOMEM;
    int rc = pthread_create(&t->id, NULL, work, t);
    if (rc) {
        free(t->buf);
        return -rc;
    }
    pthread_setname_np(t->id, "reader");
    return 0;
}

int reader_start(struct reader *r, struct clock *clock, const struct commits *commits, uint32_t n)
{
    memset(r, 0, sizeof *r);
    r->clock = clock;
    pace_init(&r->pace, commits);
    r->threads = calloc(n, sizeof *r->threads);
    if (!r->threads)
        return -ENOMEM;
    init_lock(r);
    int rc = 0;
    while (rc == 0 && r->n < n) {
        rc = start_thread(r, &r->threads[r->n]);
        if (rc == 0)
            r->n++;
    }
    if (rc)
        reader_stop(r);
    return rc;
}

void reader_post(struct reader *r, struct reading *what)
{
    pthread_mutex_lock(&r->lock);
    put(r, what);
    pthread_mutex_unlock(&r->lock);
    pthread_cond_signal(&r->more);
}

void reader_stop(struct reader *r)
{
    if (!r->threads)
        return;
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    pthread_mutex_unlock(&r->lock);
    pthread_cond_broadcast(&r->more);
    for (uint32_t i = 0; i < r->n; i++) {
        pthread_join(r->threads[i].id, NULL);
        free(r->threads[i].buf);
    }
    pthread_cond_destroy(&r->more);
    pthread_mutex_destroy(&r->lock);
    free(r->threads);
    r->threads = NULL;
}

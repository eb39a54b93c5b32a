#include "broker/wait.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Out of memory is not the end of the program: the caller is told. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "broker/container.h"

struct watch_key {
    struct uuid topic_id;
    int32_t partition;
};

struct watch {
    struct loop_msg msg; /* from the shard thread to the loop */
    struct watch *next;  /* in the partition's stack, while it hangs there */
    struct waiting *home;
    struct watch_key key;
    bool hung_up; /* on the partition, or on its way back */
    struct wait_link *links;
    UT_hash_handle hh;
};

/* ---- the shard's side
 *
 * Why no wake-up is lost: both sides change the top of the stack by a read-modify-write. If the
 * notifier's comes first, the one that hangs up a watch has seen it, and with it the new high
 * watermark; if it comes second, it finds the watch. */

static void post_all(struct watchers *all)
{
    struct watch *w = atomic_exchange(&all->top, NULL);
    while (w) {
        struct watch *next = w->next; /* the loop may free it as soon as it is posted */
        loop_post(w->home->loop, &w->msg);
        w = next;
    }
}

void watchers_notify(struct watchers *all)
{
    post_all(all);
}

void watchers_close(struct watchers *all)
{
    atomic_store(&all->closed, true);
    post_all(all);
}

/* ---- the loop's side */

static void hang_up(struct watch *w, struct watchers *all)
{
    w->hung_up = true;
    struct watch *top = atomic_load_explicit(&all->top, memory_order_relaxed);
    do {
        w->next = top;
    } while (!atomic_compare_exchange_weak(&all->top, &top, w));
    if (atomic_load(&all->closed))
        post_all(all); /* nobody else would */
}

static void drop_watch(struct watch *w)
{
    if (w->links || w->hung_up)
        return; /* needed, or out of our hands until it comes back */
    HASH_DEL(w->home->watches, w);
    free(w);
}

static void wake(struct wait *w)
{
    struct waiting *home = w->home;
    if (w->prev_woken)
        return;
    w->next_woken = home->woken;
    w->prev_woken = &home->woken;
    if (w->next_woken)
        w->next_woken->prev_woken = &w->next_woken;
    home->woken = w;
    loop_at_end(home->loop, &home->hook);
}

static void come_back(struct loop_msg *m)
{
    struct watch *w = container_of(m, struct watch, msg);
    w->hung_up = false;
    for (struct wait_link *l = w->links; l; l = l->next)
        wake(l->wait);
    drop_watch(w);
}

static void tell_woken(struct loop_hook *h)
{
    struct waiting *home = container_of(h, struct waiting, hook);
    while (home->woken) {
        struct wait *w = home->woken;
        wait_end(w);
        w->over(w, true);
    }
}

static void too_late(struct deadline *d)
{
    struct wait *w = container_of(d, struct wait, deadline);
    wait_end(w);
    w->over(w, false);
}

static struct watch *watch_of(struct waiting *home, const struct uuid *topic_id, int32_t partition)
{
    struct watch_key key;
    memset(&key, 0, sizeof key);
    key.topic_id = *topic_id;
    key.partition = partition;
    struct watch *w;
    HASH_FIND(hh, home->watches, &key, sizeof key, w);
    if (w)
        return w;
    w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->msg.run = come_back;
    w->home = home;
    w->key = key;
    HASH_ADD(hh, home->watches, key, sizeof key, w);
    if (!w->hh.tbl) {
        free(w);
        return NULL;
    }
    return w;
}

int wait_begin(struct waiting *home, struct wait *w, struct wait_link *links, int64_t ms,
               void (*over)(struct wait *w, bool woken))
{
    *w = (struct wait){
        .home = home, .links = links, .over = over, .next = home->all, .prev = &home->all};
    int rc = deadline_set(home->deadlines, &w->deadline, ms, too_late);
    if (rc)
        return rc;
    if (w->next)
        w->next->prev = &w->next;
    home->all = w;
    return 0;
}

int wait_on(struct wait *w, const struct uuid *topic_id, int32_t partition,
            struct watchers *watchers)
{
    struct watch *watch = watch_of(w->home, topic_id, partition);
    if (!watch)
        return -ENOMEM;
    struct wait_link *l = &w->links[w->n++];
    *l = (struct wait_link){.wait = w, .watch = watch, .next = watch->links, .prev = &watch->links};
    if (l->next)
        l->next->prev = &l->next;
    watch->links = l;
    if (!watch->hung_up)
        hang_up(watch, watchers);
    return 0;
}

void wait_end(struct wait *w)
{
    deadline_clear(w->home->deadlines, &w->deadline);
    if (w->prev_woken) {
        *w->prev_woken = w->next_woken;
        if (w->next_woken)
            w->next_woken->prev_woken = w->prev_woken;
        w->prev_woken = NULL;
    }
    *w->prev = w->next;
    if (w->next)
        w->next->prev = w->prev;
    for (uint32_t i = 0; i < w->n; i++) {
        struct wait_link *l = &w->links[i];
        *l->prev = l->next;
        if (l->next)
            l->next->prev = l->prev;
        drop_watch(l->watch);
    }
    w->n = 0;
}

void waiting_init(struct waiting *w, struct loop *loop, struct deadlines *deadlines)
{
    *w = (struct waiting){.loop = loop, .deadlines = deadlines, .hook.run = tell_woken};
}

void waiting_expire(struct waiting *w)
{
    while (w->all) {
        struct wait *first = w->all;
        wait_end(first);
        first->over(first, false);
    }
}

void waiting_release(struct waiting *w)
{
    struct watch *one, *next;
    HASH_ITER(hh, w->watches, one, next)
    {
        HASH_DEL(w->watches, one);
        free(one);
    }
}

#include "loop/hooks.h"

#include <stddef.h>

void hooks_init(struct hooks *q)
{
    q->first = q->running = NULL;
    q->last = &q->first;
}

void hooks_add(struct hooks *q, struct loop_hook *h)
{
    if (h->queued)
        return;
    h->queued = true;
    h->next = NULL;
    *q->last = h;
    q->last = &h->next;
}

void hooks_cancel(struct hooks *q, struct loop_hook *h)
{
    if (!h->queued)
        return;
    h->queued = false;
    for (struct loop_hook **p = &q->running; *p; p = &(*p)->next)
        if (*p == h) {
            *p = h->next;
            return;
        }
    for (struct loop_hook **p = &q->first; *p; p = &(*p)->next)
        if (*p == h) {
            *p = h->next;
            if (q->last == &h->next)
                q->last = p;
            return;
        }
}

int hooks_run(struct hooks *q)
{
    int n = 0;
    q->running = q->first;
    q->first = NULL;
    q->last = &q->first;
    while (q->running) {
        struct loop_hook *h = q->running;
        q->running = h->next;
        h->queued = false;
        h->run(h); /* may free what holds h */
        n++;
    }
    return n;
}

/* epoch.c - which leader epoch wrote which offsets. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plog/plog_impl.h"

static const struct plog_epochs *current(const struct plog *p)
{
    return atomic_load_explicit(&p->epochs, memory_order_acquire);
}

struct plog_epochs *plog_epochs_new(const struct plog_epoch *e, size_t n, size_t more)
{
    struct plog_epochs *s = calloc(1, sizeof *s + (n + more) * sizeof *s->e);
    if (!s)
        return NULL;
    s->n = n;
    if (n)
        memcpy(s->e, e, n * sizeof *e);
    return s;
}

void plog_epochs_publish(struct plog *p, struct plog_epochs *epochs)
{
    struct plog_epochs *was = atomic_load_explicit(&p->epochs, memory_order_relaxed);
    atomic_store_explicit(&p->epochs, epochs, memory_order_release);
    p->new_epochs = true;
    if (was)
        plog_retire(p, free, was);
}

int plog_epochs_trim(struct plog *p, int64_t log_start)
{
    const struct plog_epochs *is = current(p);
    size_t gone = 0; /* epochs that end at or before log_start */
    while (gone + 1 < is->n && is->e[gone + 1].start <= log_start)
        gone++;
    if (is->n == 0 || (gone == 0 && is->e[0].start >= log_start))
        return 0;
    struct plog_epochs *s = plog_epochs_new(is->e + gone, is->n - gone, 0);
    if (!s)
        return -ENOMEM;
    s->e[0].start = log_start;
    plog_epochs_publish(p, s);
    return 0;
}

/* Version, number of lines, then a line for each epoch. */
char *plog_epochs_text(const struct plog_epochs *epochs)
{
    enum { LINE = 40 };
    size_t cap = (epochs->n + 2) * LINE;
    char *text = malloc(cap);
    if (!text)
        return NULL;
    int n = snprintf(text, cap, "0\n%zu\n", epochs->n);
    for (size_t i = 0; i < epochs->n; i++)
        n += snprintf(text + n, cap - (size_t)n, "%" PRId32 " %" PRId64 "\n", epochs->e[i].epoch,
                      epochs->e[i].start);
    return text;
}

const struct plog_epoch *plog_epochs(const struct plog *p, size_t *n)
{
    const struct plog_epochs *s = current(p);
    *n = s->n;
    return s->e;
}

/* How many epochs are <= epoch. */
static size_t count_to(const struct plog_epochs *s, int32_t epoch)
{
    size_t n = s->n;
    while (n && s->e[n - 1].epoch > epoch)
        n--;
    return n;
}

void plog_epoch_end(const struct plog *p, int32_t epoch, struct plog_epoch *found, int64_t *end)
{
    int64_t log_end = plog_log_end(p); /* before the epochs: they may only know more */
    const struct plog_epochs *s = current(p);
    *found = (struct plog_epoch){-1, -1};
    *end = -1;
    if (s->n == 0 || epoch < 0)
        return;
    size_t n = count_to(s, epoch);
    *found = n ? s->e[n - 1] : (struct plog_epoch){epoch, s->e[0].start};
    *end = n < s->n ? s->e[n].start : log_end;
}

int32_t plog_epochs_at(const struct plog_epochs *s, int64_t offset)
{
    for (size_t n = s->n; n; n--) {
        if (s->e[n - 1].start <= offset)
            return s->e[n - 1].epoch;
    }
    return -1;
}

int32_t plog_epoch_of(const struct plog *p, int64_t offset)
{
    return plog_epochs_at(current(p), offset);
}

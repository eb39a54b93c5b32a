/* io_mem_trace.c - the list of changes and what syncs make of it, and how a change of content is
 * done. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/io_mem_impl.h"

void mem_change_free(struct mem_change *c)
{
    mem_data_free(c->data);
    free(c->from);
    free(c->to);
}

void mem_trace_free(struct mem_trace *t)
{
    for (size_t i = 0; i < t->n; i++)
        mem_change_free(&t->at[i]);
    free(t->at);
    free(t->pending);
    *t = (struct mem_trace){0};
}

int mem_trace_reserve(struct mem_trace *t)
{
    if (t->n < t->cap)
        return 0;
    size_t cap = t->cap ? 2 * t->cap : 64;
    struct mem_change *at = reallocarray(t->at, cap, sizeof *at);
    if (at)
        t->at = at;
    size_t *pending = reallocarray(t->pending, cap, sizeof *pending);
    if (pending)
        t->pending = pending;
    if (!at || !pending)
        return -ENOMEM;
    t->cap = cap;
    return 0;
}

void mem_trace_add(struct mem_trace *t, struct mem_change c)
{
    c.durable = SIZE_MAX;
    if (c.kind != MEM_SYNC)
        t->pending[t->n_pending++] = t->n;
    t->at[t->n++] = c;
}

/* Whether a sync of that node concerns c. A directory's is noted in c: a rename between two waits
 * for both. */
static bool covers(uint32_t node, struct mem_change *c)
{
    if (c->kind != MEM_NAME)
        return node == MEM_NONE || node == c->node;
    if (node == MEM_NONE || node == c->from_dir)
        c->from_dir_synced = true;
    if (node == MEM_NONE || node == c->to_dir)
        c->to_dir_synced = true;
    return (c->from_dir_synced || !c->from) && (c->to_dir_synced || !c->to);
}

void mem_trace_sync(struct mem_trace *t, uint32_t node)
{
    mem_trace_add(t, (struct mem_change){.kind = MEM_SYNC, .node = node});
    size_t left = 0;
    for (size_t i = 0; i < t->n_pending; i++) {
        struct mem_change *c = &t->at[t->pending[i]];
        if (covers(node, c))
            c->durable = t->n;
        else
            t->pending[left++] = t->pending[i];
    }
    t->n_pending = left;
}

bool mem_trace_sync_failed(struct mem_trace *t, uint32_t node)
{
    bool any = false;
    for (size_t i = 0; i < t->n_pending; i++) {
        struct mem_change *c = &t->at[t->pending[i]];
        if (c->kind == MEM_WRITE && c->node == node)
            any = c->lost = true;
    }
    return any;
}

static bool keeps_none(const struct mem_tear *tear, uint64_t sector)
{
    (void)tear;
    (void)sector;
    return false;
}

const struct mem_tear mem_tear_size_only = {.keeps = keeps_none};

int mem_trace_reload(struct mem_trace *t, uint32_t node, struct mem_content *c)
{
    int err = 0;
    for (size_t i = 0; !err && i < t->n; i++) {
        struct mem_change *x = &t->at[i];
        if (x->node != node || (x->kind != MEM_WRITE && x->kind != MEM_SIZE))
            continue;
        x->absent = x->lost;
        err = mem_content_apply(c, x, x->absent ? &mem_tear_size_only : NULL);
    }
    return err;
}

/* Doing a write */

static int put_torn(struct mem_content *f, const struct mem_data *d, uint64_t end,
                    const struct mem_tear *tear)
{
    int err = 0;
    for (uint64_t at = d->off; !err && at < end;) {
        uint64_t stop = (at / MEM_SECTOR + 1) * MEM_SECTOR;
        stop = stop < end ? stop : end;
        if (tear->keeps(tear, at / MEM_SECTOR))
            err = mem_content_put(f, d, at, stop);
        at = stop;
    }
    return err;
}

/* Where the last sector ends that survived. */
static uint64_t end_of_kept(const struct mem_data *d, const struct mem_tear *tear)
{
    uint64_t end = d->off + d->len;
    while (end > d->off && !tear->keeps(tear, (end - 1) / MEM_SECTOR))
        end = (end - 1) / MEM_SECTOR * MEM_SECTOR;
    return end > d->off ? end : d->off;
}

/* A write that did not grow the file when it was made does not grow it now: where the size it
 * relied on was lost, so are its bytes beyond. */
static int apply_write(struct mem_content *f, const struct mem_change *c,
                       const struct mem_tear *tear)
{
    uint64_t end = c->data->off + c->data->len;
    if (tear && tear->short_size)
        end = end_of_kept(c->data, tear);
    if (c->size > c->old_size && end > f->size) {
        int err = mem_content_resize(f, end);
        if (err)
            return err;
    }
    if (end > f->size)
        end = f->size;
    return tear ? put_torn(f, c->data, end, tear) : mem_content_put(f, c->data, c->data->off, end);
}

int mem_content_apply(struct mem_content *f, const struct mem_change *c,
                      const struct mem_tear *tear)
{
    return c->kind == MEM_SIZE ? mem_content_resize(f, c->size) : apply_write(f, c, tear);
}

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/io_mem_impl.h"

static void node_free(struct mem_node *d)
{
    if (!d)
        return;
    mem_content_free(&d->content);
    for (size_t i = 0; i < d->n_entries; i++)
        free(d->entries[i].name);
    free(d->entries);
    free(d);
}

int mem_tree_init(struct mem_tree *t)
{
    *t = (struct mem_tree){0};
    return mem_tree_need(t, MEM_ROOT, true) ? 0 : -ENOMEM;
}

void mem_tree_free(struct mem_tree *t)
{
    for (size_t i = 0; i < t->n; i++)
        node_free(t->node[i]);
    free(t->node);
    *t = (struct mem_tree){0};
}

static int reserve_nodes(struct mem_tree *t, size_t n)
{
    if (n <= t->cap)
        return 0;
    size_t cap = n > 2 * t->cap ? n : 2 * t->cap;
    struct mem_node **node = reallocarray(t->node, cap, sizeof *node);
    if (!node)
        return -ENOMEM;
    t->node = node;
    t->cap = cap;
    return 0;
}

struct mem_node *mem_tree_need(struct mem_tree *t, uint32_t id, bool is_dir)
{
    if (id < t->n && t->node[id])
        return t->node[id];
    if (reserve_nodes(t, (size_t)id + 1))
        return NULL;
    while (t->n <= id)
        t->node[t->n++] = NULL;
    struct mem_node *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->is_dir = is_dir;
    d->in_dir = MEM_NONE;
    return t->node[id] = d;
}

/* Directories: unordered arrays; the disks of tests have few names. */

static struct mem_entry *find_entry(const struct mem_node *dir, const char *name)
{
    for (size_t i = 0; i < dir->n_entries; i++) {
        if (strcmp(dir->entries[i].name, name) == 0)
            return &dir->entries[i];
    }
    return NULL;
}

const struct mem_entry *mem_dir_find(const struct mem_node *dir, const char *name)
{
    return find_entry(dir, name);
}

static int add_entry(struct mem_node *dir, const char *name, uint32_t node)
{
    if (dir->n_entries == dir->cap_entries) {
        size_t cap = dir->cap_entries ? 2 * dir->cap_entries : 8;
        struct mem_entry *e = reallocarray(dir->entries, cap, sizeof *e);
        if (!e)
            return -ENOMEM;
        dir->entries = e;
        dir->cap_entries = cap;
    }
    char *copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    dir->entries[dir->n_entries++] = (struct mem_entry){copy, node};
    return 0;
}

/* Later entries move down by one: a walk from the end may remove the entry it is at. */
static void remove_entry(struct mem_node *dir, struct mem_entry *e)
{
    size_t i = (size_t)(e - dir->entries);
    free(e->name);
    memmove(e, e + 1, (dir->n_entries - i - 1) * sizeof *e);
    dir->n_entries--;
}

static void take_name(struct mem_tree *t, struct mem_node *dir, struct mem_entry *e)
{
    t->node[e->node]->in_dir = MEM_NONE;
    remove_entry(dir, e);
}

static void take_any_name(struct mem_tree *t, uint32_t id)
{
    if (t->node[id]->in_dir == MEM_NONE)
        return;
    struct mem_node *dir = t->node[t->node[id]->in_dir];
    for (size_t i = 0; i < dir->n_entries; i++) {
        if (dir->entries[i].node == id) {
            take_name(t, dir, &dir->entries[i]);
            return;
        }
    }
}

/* A node has one name at most. When an earlier rename was lost in the crash it may have another one
 * than this change thinks: it loses that. */
static int apply_name(struct mem_tree *t, const struct mem_change *c)
{
    if (!mem_tree_need(t, c->node, c->is_dir))
        return -ENOMEM;
    if (c->from) {
        struct mem_node *dir = mem_tree_need(t, c->from_dir, true);
        if (!dir)
            return -ENOMEM;
        struct mem_entry *e = find_entry(dir, c->from);
        if (e)
            take_name(t, dir, e);
    }
    if (c->to) {
        struct mem_node *dir = mem_tree_need(t, c->to_dir, true);
        if (!dir)
            return -ENOMEM;
        take_any_name(t, c->node);
        struct mem_entry *e = find_entry(dir, c->to);
        if (e)
            take_name(t, dir, e);
        if (add_entry(dir, c->to, c->node))
            return -ENOMEM;
        t->node[c->node]->in_dir = c->to_dir;
    }
    return 0;
}

int mem_tree_apply(struct mem_tree *t, const struct mem_change *c, const struct mem_tear *tear)
{
    if (c->kind == MEM_SYNC)
        return 0;
    if (c->kind == MEM_NAME)
        return apply_name(t, c);
    struct mem_node *d = mem_tree_need(t, c->node, false);
    return d ? mem_content_apply(&d->content, c, tear) : -ENOMEM;
}

/* Whole trees */

static struct mem_node *node_copy(const struct mem_node *from)
{
    struct mem_node *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->is_dir = from->is_dir;
    d->in_dir = from->in_dir;
    int err = mem_content_copy(&d->content, &from->content);
    for (size_t i = 0; !err && i < from->n_entries; i++)
        err = add_entry(d, from->entries[i].name, from->entries[i].node);
    if (!err)
        return d;
    node_free(d);
    return NULL;
}

int mem_tree_copy(struct mem_tree *to, const struct mem_tree *from)
{
    *to = (struct mem_tree){0};
    if (reserve_nodes(to, from->n))
        return -ENOMEM;
    for (; to->n < from->n; to->n++) {
        const struct mem_node *d = from->node[to->n];
        to->node[to->n] = d ? node_copy(d) : NULL;
        if (d && !to->node[to->n]) {
            mem_tree_free(to);
            return -ENOMEM;
        }
    }
    return 0;
}

void mem_tree_drop_unused(struct mem_tree *t, uint32_t id)
{
    struct mem_node *d = t->node[id];
    if (id != MEM_ROOT && d && d->in_dir == MEM_NONE && d->opens == 0) {
        node_free(d);
        t->node[id] = NULL;
    }
}

static void mark(const struct mem_tree *t, uint32_t id, bool *seen)
{
    const struct mem_node *d = t->node[id];
    seen[id] = true;
    for (size_t i = 0; i < d->n_entries; i++)
        mark(t, d->entries[i].node, seen);
}

int mem_tree_sweep(struct mem_tree *t)
{
    bool *seen = calloc(t->n, sizeof *seen);
    if (!seen)
        return -ENOMEM;
    mark(t, MEM_ROOT, seen);
    for (size_t i = 0; i < t->n; i++) {
        if (!seen[i]) {
            node_free(t->node[i]);
            t->node[i] = NULL;
        }
    }
    free(seen);
    return 0;
}

uint64_t mem_tree_bytes(const struct mem_tree *t)
{
    uint64_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        n += t->node[i] ? t->node[i]->content.size : 0;
    return n;
}

static uint64_t scramble(uint64_t h)
{
    h = (h ^ h >> 31) * UINT64_C(0xbf58476d1ce4e5b9);
    return h ^ h >> 29;
}

/* A sum over the entries, so that their order does not count. */
static uint64_t node_digest(const struct mem_tree *t, uint32_t id)
{
    const struct mem_node *d = t->node[id];
    uint64_t sum = d->is_dir ? 1 : mem_content_hash(&d->content);
    for (size_t i = 0; i < d->n_entries; i++) {
        uint64_t h = 2;
        for (const char *s = d->entries[i].name; *s; s++)
            h = scramble(h + (unsigned char)*s);
        sum += scramble(h ^ node_digest(t, d->entries[i].node));
    }
    return scramble(sum);
}

uint64_t mem_tree_digest(const struct mem_tree *t)
{
    return node_digest(t, MEM_ROOT);
}

int mem_tree_place(const struct mem_tree *t, const char *path, struct mem_place *p)
{
    *p = (struct mem_place){.dir = MEM_NONE, .node = MEM_ROOT};
    for (;;) {
        path += strspn(path, "/");
        size_t n = strcspn(path, "/");
        if (n == 0)
            return 0;
        if (n == 1 && path[0] == '.') {
            path++;
            continue;
        }
        if (n > NAME_MAX)
            return -ENAMETOOLONG;
        if (n == 2 && memcmp(path, "..", 2) == 0)
            return -EINVAL;
        if (p->node == MEM_NONE)
            return -ENOENT;
        const struct mem_node *dir = t->node[p->node];
        if (!dir->is_dir)
            return -ENOTDIR;
        memcpy(p->name, path, n);
        p->name[n] = 0;
        p->dir = p->node;
        const struct mem_entry *e = mem_dir_find(dir, p->name);
        p->node = e ? e->node : MEM_NONE;
        path += n;
    }
}

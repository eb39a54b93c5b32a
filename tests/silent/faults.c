#include "tests/silent/faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const fault_names[FAULT_SORTS] = {
    [FAULT_BYTE] = "byte",         [FAULT_MISSING] = "missing", [FAULT_TRUNCATED] = "truncated",
    [FAULT_EXTENDED] = "extended", [FAULT_SWAPPED] = "swapped", [FAULT_FOREIGN_FILE] = "foreign",
    [FAULT_STALE] = "stale",
};

static uint64_t draw(uint64_t *rng)
{
    uint64_t x = *rng += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

static struct fault_plan *add(struct fault_plans *p)
{
    struct fault_plan *v = reallocarray(p->v, p->n + 1, sizeof *v);
    if (!v)
        disk_die("out of memory");
    p->v = v;
    memset(&v[p->n], 0, sizeof *v);
    return &v[p->n++];
}

void plans_release(struct fault_plans *p)
{
    free(p->v);
    *p = (struct fault_plans){0};
}

/* ---- bytes */

/* The regions of one kind, as if they followed each other. */
struct stretch {
    size_t bytes;
    const struct regions *all;
    enum kind kind;
};

static size_t bytes_of(const struct regions *all, enum kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < all->n; i++)
        n += all->v[i].kind == kind ? all->v[i].to - all->v[i].from : 0;
    return n;
}

static const struct region *find(const struct stretch *s, size_t *at)
{
    for (size_t i = 0;; i++) {
        const struct region *r = &s->all->v[i];
        if (r->kind != s->kind)
            continue;
        if (*at < r->to - r->from) {
            *at += r->from;
            return r;
        }
        *at -= r->to - r->from;
    }
}

/* A bit is flipped, or the byte is zeroed, or it becomes any other. */
static uint8_t another(uint8_t was, uint64_t *rng)
{
    uint64_t how = draw(rng) % 4;
    uint8_t is = (uint8_t)(how < 2    ? was ^ 1u << draw(rng) % 8
                           : how == 2 ? 0
                                      : was + 1 + draw(rng) % 255);
    return is != was ? is : (uint8_t)(was ^ 0xff);
}

static bool is_new(const struct fault_plans *p, size_t since, const struct fault_plan *f)
{
    for (size_t i = since; i + 1 < p->n; i++) {
        if (p->v[i].file == f->file && p->v[i].at == f->at && p->v[i].value == f->value)
            return false;
    }
    return true;
}

static void plan_byte(struct fault_plans *to, size_t since, const struct stretch *s,
                      const struct disk *disk, uint64_t *rng)
{
    size_t at = draw(rng) % s->bytes, n;
    const struct region *r = find(s, &at);
    const uint8_t *bytes = io_mem_bytes(disk->mem, r->file->path, &n);
    struct fault_plan *f = add(to);
    *f = (struct fault_plan){.disk = disk,
                             .file = r->file,
                             .sort = FAULT_BYTE,
                             .kind = s->kind,
                             .at = at,
                             .value = another(bytes[at], rng)};
    if (!is_new(to, since, f))
        to->n--;
}

void plan_bytes(struct fault_plans *to, const struct disk *disk, size_t n, uint64_t seed)
{
    enum { TRIES = 20, VALUES = 64 };
    struct regions all;
    size_t kinds = 0, left = n;
    regions_of(&all, disk);
    for (int k = 0; k < KINDS; k++)
        kinds += bytes_of(&all, (enum kind)k) > 0;
    for (int k = 0; k < KINDS; k++) {
        struct stretch s = {bytes_of(&all, (enum kind)k), &all, (enum kind)k};
        if (s.bytes == 0)
            continue;
        size_t since = to->n, share = left / kinds--;
        if (share > s.bytes * VALUES)
            share = s.bytes * VALUES;
        for (size_t tries = 0; to->n < since + share && tries < share * TRIES; tries++)
            plan_byte(to, since, &s, disk, &seed);
        left -= to->n - since;
    }
    regions_release(&all);
}

/* ---- files */

struct file_plans {
    struct fault_plans *to;
    const struct disk *disk, *older, *foreign;
};

static void plan(struct file_plans *p, const struct fault_plan *f)
{
    *add(p->to) = *f;
}

static const struct disk_file *named(const struct disk *d, const char *path)
{
    for (size_t i = 0; i < d->n; i++) {
        if (strcmp(d->files[i].path, path) == 0)
            return &d->files[i];
    }
    return NULL;
}

static bool differ(const struct disk *a, const struct disk_file *fa, const struct disk *b,
                   const struct disk_file *fb)
{
    size_t n, m;
    if (fa->size != fb->size)
        return true;
    uint8_t *x = disk_read(a->mem, fa->path, &n), *y = disk_read(b->mem, fb->path, &m);
    bool same = memcmp(x, y, n) == 0;
    free(x);
    free(y);
    return !same;
}

static void plan_size(struct file_plans *p, const struct disk_file *f, size_t size)
{
    struct fault_plan one = {.disk = p->disk,
                             .file = f,
                             .sort = size < f->size ? FAULT_TRUNCATED : FAULT_EXTENDED,
                             .at = size};
    if (size != f->size)
        plan(p, &one);
}

static void plan_sizes(struct file_plans *p, const struct disk_file *f, const struct regions *parts)
{
    const size_t simple[] = {0,
                             1,
                             f->size / 2,
                             f->size - 1,
                             f->size & ~(size_t)511,
                             f->size & ~(size_t)4095,
                             f->size + 1,
                             f->size + 4096};
    if (f->size == 0)
        return;
    for (size_t i = 0; i < sizeof simple / sizeof *simple; i++)
        plan_size(p, f, simple[i]);
    for (size_t i = 0; i < parts->n; i++) {
        if (parts->v[i].file == f && parts->v[i].from > 1)
            plan_size(p, f, parts->v[i].from);
    }
}

static void plan_swaps(struct file_plans *p, const struct disk_file *f)
{
    const struct disk *d = p->disk;
    for (size_t i = 0; i < d->n; i++) {
        const struct disk_file *with = &d->files[i];
        struct fault_plan one = {.disk = d, .file = f, .sort = FAULT_SWAPPED, .with = with};
        if (with > f && strcmp(file_kind(f->path), file_kind(with->path)) == 0 &&
            differ(d, f, d, with))
            plan(p, &one);
    }
}

static void plan_replacement(struct file_plans *p, const struct disk_file *f, enum fault_sort sort,
                             const struct disk *other)
{
    const struct disk_file *with = named(other, f->path);
    struct fault_plan one = {
        .disk = p->disk, .file = f, .sort = sort, .other = other, .with = with};
    if (with && differ(p->disk, f, other, with))
        plan(p, &one);
}

static void plan_file(struct file_plans *p, const struct disk_file *f, const struct regions *parts)
{
    struct fault_plan gone = {.disk = p->disk, .file = f, .sort = FAULT_MISSING};
    plan(p, &gone);
    plan_sizes(p, f, parts);
    plan_swaps(p, f);
    plan_replacement(p, f, FAULT_FOREIGN_FILE, p->foreign);
    plan_replacement(p, f, FAULT_STALE, p->older);
}

static void plan_all(struct file_plans *p, const struct regions *parts)
{
    for (size_t i = 0; i < p->disk->n; i++) {
        const char *slash = strrchr(p->disk->files[i].path, '/');
        if (strcmp(slash, "/lock") != 0)
            plan_file(p, &p->disk->files[i], parts);
    }
}

/* Faults of one sort to files of one kind are alike. */
static bool alike(const struct fault_plan *a, const struct fault_plan *b)
{
    return a->sort == b->sort && strcmp(file_kind(a->file->path), file_kind(b->file->path)) == 0;
}

/* Of each sort and kind as many as of any other, `most` in all. */
static void choose(struct fault_plans *to, struct fault_plans *all, size_t most, uint64_t rng)
{
    size_t chosen = 0;
    for (size_t round = 0; chosen < most && chosen < all->n; round++) {
        size_t from = all->n ? draw(&rng) % all->n : 0, before = chosen;
        struct fault_plans seen = {0};
        for (size_t k = 0; k < all->n && chosen < most; k++) {
            struct fault_plan *f = &all->v[(from + k) % all->n];
            bool known = !f->file;
            for (size_t i = 0; i < seen.n && !known; i++)
                known = alike(&seen.v[i], f);
            if (known)
                continue;
            *add(&seen) = *f;
            *add(to) = *f;
            f->file = NULL; /* taken */
            chosen++;
        }
        plans_release(&seen);
        if (chosen == before)
            return;
    }
}

void plan_files(struct fault_plans *to, const struct disk *disk, const struct disk *older,
                const struct disk *foreign, size_t most, uint64_t seed)
{
    struct fault_plans all = {0};
    struct file_plans p = {&all, disk, older, foreign};
    struct regions parts;
    regions_of(&parts, disk);
    plan_all(&p, &parts);
    choose(to, &all, most ? most : all.n, seed);
    plans_release(&all);
    regions_release(&parts);
}

/* ---- doing it */

static void swap(struct io_mem *mem, const char *a, const char *b)
{
    size_t n, m;
    uint8_t *x = disk_read(mem, a, &n), *y = disk_read(mem, b, &m);
    disk_write(mem, a, y, m);
    disk_write(mem, b, x, n);
    free(x);
    free(y);
}

static void resize(struct io_mem *mem, const char *path, size_t size)
{
    struct io_file *f;
    if (io_open(io_mem_io(mem), path, IO_WRITE, &f) < 0 || io_truncate(f, size) < 0)
        disk_die("%s: cannot be resized", path);
    io_close(f);
}

static void replace(struct io_mem *mem, const struct fault_plan *p)
{
    size_t n;
    uint8_t *bytes = disk_read(p->other->mem, p->with->path, &n);
    disk_write(mem, p->file->path, bytes, n);
    free(bytes);
}

struct io_mem *plan_apply(const struct fault_plan *p)
{
    struct io_mem *mem = disk_copy(p->disk);
    const char *path = p->file->path;
    size_t n;
    switch (p->sort) {
    case FAULT_BYTE:
        io_mem_bytes(mem, path, &n)[p->at] = p->value;
        break;
    case FAULT_MISSING:
        disk_remove(mem, path);
        break;
    case FAULT_TRUNCATED:
    case FAULT_EXTENDED:
        resize(mem, path, p->at);
        break;
    case FAULT_SWAPPED:
        swap(mem, path, p->with->path);
        break;
    default:
        replace(mem, p);
    }
    return mem;
}

static void restore(struct io_mem *mem, const struct disk *from, const struct disk_file *f)
{
    size_t n;
    uint8_t *bytes = disk_read(from->mem, f->path, &n);
    disk_write(mem, f->path, bytes, n);
    free(bytes);
}

void plan_heal(const struct fault_plan *p, struct io_mem *mem)
{
    restore(mem, p->disk, p->file);
    if (p->sort == FAULT_SWAPPED)
        restore(mem, p->disk, p->with);
}

void plan_text(const struct fault_plan *p, char *buf, size_t cap)
{
    const char *name = p->disk->name, *path = p->file->path;
    if (p->sort == FAULT_BYTE)
        snprintf(buf, cap, "%s: byte %zu of %s becomes %02x (%s)", name, p->at, path, p->value,
                 kind_names[p->kind]);
    else if (p->sort == FAULT_SWAPPED)
        snprintf(buf, cap, "%s: %s swapped with %s", name, path, p->with->path);
    else if (p->sort == FAULT_TRUNCATED || p->sort == FAULT_EXTENDED)
        snprintf(buf, cap, "%s: %s has %zu bytes instead of %zu", name, path, p->at, p->file->size);
    else
        snprintf(buf, cap, "%s: %s is %s", name, path, fault_names[p->sort]);
}

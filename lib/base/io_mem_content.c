#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/io_mem_impl.h"

static struct mem_chunk *chunk_new(size_t n)
{
    struct mem_chunk *k = malloc(sizeof *k + n);
    if (k)
        *k = (struct mem_chunk){.refs = 1, .n = (uint32_t)n};
    return k;
}

static struct mem_chunk *chunk_ref(struct mem_chunk *k)
{
    if (k)
        k->refs++;
    return k;
}

static void chunk_unref(struct mem_chunk *k)
{
    if (k && --k->refs == 0)
        free(k);
}

static size_t pages_of(uint64_t size)
{
    return (size_t)(size / MEM_PAGE + (size % MEM_PAGE != 0));
}

/* Data of a write */

static size_t data_chunks(const struct mem_data *d)
{
    return (size_t)((d->off + d->len - 1) / MEM_PAGE - d->off / MEM_PAGE + 1);
}

struct gather {
    const struct iovec *iov;
    size_t skip; /* bytes of iov[0] taken */
};

static void take(struct gather *g, uint8_t *to, size_t n)
{
    while (n > 0) {
        size_t left = g->iov->iov_len - g->skip, part = left < n ? left : n;
        if (part)
            memcpy(to, (const uint8_t *)g->iov->iov_base + g->skip, part);
        to += part;
        n -= part;
        g->skip += part;
        if (g->skip == g->iov->iov_len) {
            g->iov++;
            g->skip = 0;
        }
    }
}

struct mem_data *mem_data_new(const struct iovec *iov, int n, uint64_t off, uint64_t len)
{
    (void)n; /* len is at most their sum */
    struct mem_data shape = {.off = off, .len = len};
    size_t chunks = data_chunks(&shape);
    struct mem_data *d = calloc(1, sizeof *d + chunks * sizeof *d->chunk);
    if (!d)
        return NULL;
    *d = shape;
    struct gather g = {iov, 0};
    uint64_t at = off, end = off + len;
    for (size_t i = 0; i < chunks; i++) {
        uint64_t stop = (at / MEM_PAGE + 1) * MEM_PAGE;
        size_t part = (size_t)((stop < end ? stop : end) - at);
        d->chunk[i] = chunk_new(part);
        if (!d->chunk[i]) {
            mem_data_free(d);
            return NULL;
        }
        take(&g, d->chunk[i]->data, part);
        at += part;
    }
    return d;
}

struct mem_data *mem_data_share(const struct mem_data *d)
{
    size_t bytes = sizeof *d + data_chunks(d) * sizeof *d->chunk;
    struct mem_data *same = malloc(bytes);
    if (!same)
        return NULL;
    memcpy(same, d, bytes);
    for (size_t i = 0; i < data_chunks(d); i++)
        same->chunk[i]->refs++;
    return same;
}

void mem_data_free(struct mem_data *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < data_chunks(d); i++)
        chunk_unref(d->chunk[i]);
    free(d);
}

/* Content of a file */

void mem_content_free(struct mem_content *c)
{
    for (size_t i = 0; i < c->n_pages; i++)
        chunk_unref(c->page[i]);
    free(c->page);
    free(c->flat);
    *c = (struct mem_content){0};
}

static int set_pages(struct mem_content *c, size_t n)
{
    if (n > c->cap) {
        size_t cap = n > 2 * c->cap ? n : 2 * c->cap;
        struct mem_chunk **page = reallocarray(c->page, cap, sizeof *page);
        if (!page)
            return -ENOMEM;
        c->page = page;
        c->cap = cap;
    }
    while (c->n_pages > n)
        chunk_unref(c->page[--c->n_pages]);
    while (c->n_pages < n)
        c->page[c->n_pages++] = NULL;
    return 0;
}

/* Page i, ours alone and ready to be changed. */
static struct mem_chunk *own_page(struct mem_content *c, size_t i)
{
    struct mem_chunk *old = c->page[i];
    if (old && old->refs == 1) {
        old->hash = 0;
        return old;
    }
    struct mem_chunk *k = chunk_new(MEM_PAGE);
    if (!k)
        return NULL;
    if (old)
        memcpy(k->data, old->data, MEM_PAGE);
    else
        memset(k->data, 0, MEM_PAGE);
    chunk_unref(old);
    return c->page[i] = k;
}

/* Pages from the flat copy. */
static int fill_from_flat(struct mem_content *to, const uint8_t *flat, uint64_t size)
{
    int err = set_pages(to, pages_of(size));
    if (err)
        return err;
    for (size_t i = 0; i < to->n_pages; i++) {
        uint64_t at = (uint64_t)i * MEM_PAGE;
        struct mem_chunk *k = own_page(to, i);
        if (!k)
            return -ENOMEM;
        memcpy(k->data, flat + at, size - at < MEM_PAGE ? (size_t)(size - at) : MEM_PAGE);
    }
    to->size = size;
    return 0;
}

static int unflatten(struct mem_content *c)
{
    if (!c->flat)
        return 0;
    int err = fill_from_flat(c, c->flat, c->size);
    if (err)
        return err;
    free(c->flat);
    c->flat = NULL;
    return 0;
}

uint8_t *mem_content_flatten(struct mem_content *c)
{
    if (c->flat)
        return c->flat;
    uint8_t *flat = malloc((size_t)c->size + 1);
    if (!flat)
        return NULL;
    mem_content_read(c, flat, (size_t)c->size, 0);
    (void)set_pages(c, 0); /* fewer pages need no memory */
    return c->flat = flat;
}

int mem_content_copy(struct mem_content *to, const struct mem_content *from)
{
    *to = (struct mem_content){0};
    if (from->flat)
        return fill_from_flat(to, from->flat, from->size);
    int err = set_pages(to, from->n_pages);
    if (err)
        return err;
    for (size_t i = 0; i < from->n_pages; i++)
        to->page[i] = chunk_ref(from->page[i]);
    to->size = from->size;
    return 0;
}

int mem_content_resize(struct mem_content *c, uint64_t size)
{
    int err = unflatten(c);
    if (!err)
        err = set_pages(c, pages_of(size));
    if (err)
        return err;
    size_t tail = size % MEM_PAGE;
    if (size < c->size && tail && c->page[c->n_pages - 1]) {
        struct mem_chunk *k = own_page(c, c->n_pages - 1);
        if (!k)
            return -ENOMEM;
        memset(k->data + tail, 0, MEM_PAGE - tail);
    }
    c->size = size;
    return 0;
}

int mem_content_put(struct mem_content *c, const struct mem_data *d, uint64_t from, uint64_t to)
{
    int err = unflatten(c);
    for (uint64_t at = from; !err && at < to;) {
        size_t i = (size_t)(at / MEM_PAGE), in_page = at % MEM_PAGE;
        uint64_t stop = (uint64_t)(i + 1) * MEM_PAGE;
        size_t part = (size_t)((stop < to ? stop : to) - at);
        size_t first = (size_t)(d->off / MEM_PAGE);
        struct mem_chunk *k = d->chunk[i - first];
        if (part == MEM_PAGE) {
            chunk_unref(c->page[i]);
            c->page[i] = chunk_ref(k);
        } else {
            struct mem_chunk *page = own_page(c, i);
            size_t in_chunk = in_page - (i == first ? (size_t)(d->off % MEM_PAGE) : 0);
            if (page)
                memcpy(page->data + in_page, k->data + in_chunk, part);
            else
                err = -ENOMEM;
        }
        at += part;
    }
    return err;
}

size_t mem_content_read(const struct mem_content *c, void *buf, size_t n, uint64_t off)
{
    if (off >= c->size)
        return 0;
    if (n > c->size - off)
        n = (size_t)(c->size - off);
    if (c->flat) {
        memcpy(buf, c->flat + off, n);
        return n;
    }
    for (size_t done = 0; done < n;) {
        size_t i = (size_t)((off + done) / MEM_PAGE), in_page = (off + done) % MEM_PAGE;
        size_t part = n - done < MEM_PAGE - in_page ? n - done : MEM_PAGE - in_page;
        if (c->page[i])
            memcpy((uint8_t *)buf + done, c->page[i]->data + in_page, part);
        else
            memset((uint8_t *)buf + done, 0, part);
        done += part;
    }
    return n;
}

uint64_t mem_content_blocks(const struct mem_content *c)
{
    if (c->flat)
        return (uint64_t)pages_of(c->size) * MEM_PAGE;
    uint64_t n = 0;
    for (size_t i = 0; i < c->n_pages; i++)
        n += c->page[i] != NULL;
    return n * MEM_PAGE;
}

/* Any good mixing function serves: digests never leave the process. */
static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

static uint64_t page_hash(const uint8_t *p, size_t n)
{
    uint64_t h = 1, v;
    for (size_t i = 0; i < MEM_PAGE; i += sizeof v) {
        size_t part = i >= n ? 0 : n - i < sizeof v ? n - i : sizeof v;
        v = 0;
        memcpy(&v, p + (part ? i : 0), part);
        h = mix(h, v);
    }
    return h ? h : 1;
}

static uint64_t hash_of_zeros(void)
{
    uint64_t h = 1;
    for (size_t i = 0; i < MEM_PAGE; i += sizeof h)
        h = mix(h, 0);
    return h ? h : 1;
}

uint64_t mem_content_hash(const struct mem_content *c)
{
    const uint64_t zeros = hash_of_zeros();
    uint64_t h = c->size;
    for (size_t i = 0; i < pages_of(c->size); i++) {
        uint64_t at = (uint64_t)i * MEM_PAGE, page = zeros;
        if (c->flat) {
            page = page_hash(c->flat + at,
                             c->size - at < MEM_PAGE ? (size_t)(c->size - at) : MEM_PAGE);
        } else if (c->page[i]) {
            struct mem_chunk *k = c->page[i];
            page = k->hash = k->hash ? k->hash : page_hash(k->data, MEM_PAGE);
        }
        h = mix(h, page);
    }
    return h;
}

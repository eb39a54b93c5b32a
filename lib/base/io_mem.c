/* io_mem.c - the calls of a disk in memory. Each checks what a real one would refuse, makes a
 * change, applies it to the tree, and puts it on the trace. */
#include "base/io_mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/io_mem_impl.h"

struct fault {
    uint64_t wait;  /* calls that go well before the first that fails */
    uint64_t times; /* left to fail; UINT64_MAX: for ever; 0: no fault */
    int errnum;
};

struct io_mem {
    struct io io;
    struct mem_tree tree;
    struct mem_tree base; /* the tree before the trace; without nodes while that is empty */
    struct mem_trace trace;
    uint64_t space;
    struct fault fault[IO_MEM_CALLS];
    uint64_t calls[IO_MEM_CALLS], faults;
};

struct mem_file {
    struct io_file f;
    uint32_t node;
    bool writable, holds_lock;
};

static struct io_mem *disk_of(struct io *io)
{
    return (struct io_mem *)io; /* its first member */
}

static struct mem_file *file_of(struct io_file *f)
{
    return (struct mem_file *)f;
}

static struct mem_node *node_of(struct io_file *f)
{
    return disk_of(f->io)->tree.node[file_of(f)->node];
}

/* Count a call; the fault to fail with, or 0. */
static int count(struct io_mem *m, enum io_mem_call call)
{
    struct fault *f = &m->fault[call];
    m->calls[call]++;
    if (f->times == 0)
        return 0;
    if (f->wait > 0) {
        f->wait--;
        return 0;
    }
    if (f->times != UINT64_MAX)
        f->times--;
    m->faults++;
    return -f->errnum;
}

/* Make room for one more change and, before the first one, remember what it is made to. */
static int ready(struct io_mem *m)
{
    int err = mem_trace_reserve(&m->trace);
    if (!err && m->base.n == 0)
        err = mem_tree_copy(&m->base, &m->tree);
    return err;
}

/* Make c happen. It is freed if it does not. */
static int change(struct io_mem *m, struct mem_change c)
{
    int err = ready(m);
    if (!err)
        err = mem_tree_apply(&m->tree, &c, NULL);
    if (err) {
        mem_change_free(&c);
        return err;
    }
    mem_trace_add(&m->trace, c);
    return 0;
}

static int change_name(struct io_mem *m, uint32_t node, bool is_dir, const struct mem_place *from,
                       const struct mem_place *to)
{
    struct mem_change c = {.kind = MEM_NAME, .node = node, .is_dir = is_dir};
    c.from_dir = from ? from->dir : MEM_NONE;
    c.to_dir = to ? to->dir : MEM_NONE;
    c.from = from ? strdup(from->name) : NULL;
    c.to = to ? strdup(to->name) : NULL;
    if ((from && !c.from) || (to && !c.to)) {
        mem_change_free(&c);
        return -ENOMEM;
    }
    return change(m, c);
}

static int change_size(struct io_mem *m, uint32_t node, uint64_t size)
{
    uint64_t old = m->tree.node[node]->content.size;
    if (size == old)
        return 0;
    return change(
        m, (struct mem_change){.kind = MEM_SIZE, .node = node, .old_size = old, .size = size});
}

static bool has_room(struct io_mem *m, uint64_t old_size, uint64_t size)
{
    if (m->space == UINT64_MAX || size <= old_size)
        return true;
    uint64_t used = mem_tree_bytes(&m->tree);
    return used <= m->space && size - old_size <= m->space - used;
}

static int record_sync(struct io_mem *m, uint32_t node)
{
    int err = ready(m);
    if (!err)
        mem_trace_sync(&m->trace, node);
    return err;
}

/* Open files */

static int file_new(struct io_mem *m, uint32_t node, bool writable, struct io_file **out)
{
    struct mem_file *f = malloc(sizeof *f);
    if (!f)
        return -ENOMEM;
    *f = (struct mem_file){.f = {m->io.ops, &m->io}, .node = node, .writable = writable};
    m->tree.node[node]->opens++;
    *out = &f->f;
    return 0;
}

static int open_node(struct io_mem *m, const char *path, int flags, uint32_t *node)
{
    struct mem_place p;
    int err = mem_tree_place(&m->tree, path, &p);
    if (err)
        return err;
    if (p.node == MEM_NONE) {
        if (!(flags & IO_CREATE))
            return -ENOENT;
        *node = (uint32_t)m->tree.n;
        return change_name(m, *node, false, NULL, &p);
    }
    *node = p.node;
    if (flags & IO_EXCL)
        return -EEXIST;
    if (m->tree.node[p.node]->is_dir)
        return flags & IO_WRITE ? -EISDIR : 0;
    return flags & IO_TRUNC ? change_size(m, p.node, 0) : 0;
}

static int mem_open(struct io *io, const char *path, int flags, struct io_file **out)
{
    struct io_mem *m = disk_of(io);
    uint32_t node;
    int err = count(m, IO_MEM_OPEN);
    if (!err)
        err = open_node(m, path, flags, &node);
    return err ? err : file_new(m, node, flags & IO_WRITE, out);
}

static int mem_lock(struct io *io, const char *path, struct io_file **out)
{
    int err = mem_open(io, path, IO_WRITE | IO_CREATE, out);
    if (err)
        return err;
    if (node_of(*out)->locked) {
        io_close(*out);
        return -EAGAIN;
    }
    node_of(*out)->locked = true;
    file_of(*out)->holds_lock = true;
    return 0;
}

static void mem_close(struct io_file *f)
{
    struct mem_node *d = node_of(f);
    d->opens--;
    if (file_of(f)->holds_lock)
        d->locked = false;
    mem_tree_drop_unused(&disk_of(f->io)->tree, file_of(f)->node);
    free(f);
}

static ssize_t mem_pread(struct io_file *f, void *buf, size_t n, uint64_t off)
{
    int err = count(disk_of(f->io), IO_MEM_READ);
    if (err)
        return err;
    if (node_of(f)->is_dir)
        return -EISDIR;
    return (ssize_t)mem_content_read(&node_of(f)->content, buf, n, off);
}

static int write_bytes(struct io_file *f, const struct iovec *iov, int n, uint64_t off,
                       uint64_t len)
{
    struct io_mem *m = disk_of(f->io);
    uint64_t old = node_of(f)->content.size, end = off + len;
    if (len == 0)
        return 0;
    struct mem_change c = {.kind = MEM_WRITE, .node = file_of(f)->node, .old_size = old};
    c.size = end > old ? end : old;
    if (!has_room(m, old, c.size))
        return -ENOSPC;
    c.data = mem_data_new(iov, n, off, len);
    return c.data ? change(m, c) : -ENOMEM;
}

/* A write that is to fail with `fault` leaves its first half, as a disk that fills up or breaks
 * does. */
static int write_or_fail(struct io_file *f, const struct iovec *iov, int n, uint64_t off, int fault)
{
    uint64_t len = 0;
    if (!file_of(f)->writable)
        return -EBADF;
    for (int i = 0; i < n; i++)
        len += iov[i].iov_len;
    int err = write_bytes(f, iov, n, off, fault ? len / 2 : len);
    return fault ? fault : err;
}

static int mem_pwritev(struct io_file *f, const struct iovec *iov, int n, uint64_t off)
{
    return write_or_fail(f, iov, n, off, count(disk_of(f->io), IO_MEM_WRITE));
}

static int sync_or_fail(struct io_file *f, int fault)
{
    struct io_mem *m = disk_of(f->io);
    if (!fault)
        return record_sync(m, file_of(f)->node);
    if (mem_trace_sync_failed(&m->trace, file_of(f)->node))
        node_of(f)->lost = true;
    return fault;
}

static int mem_sync(struct io_file *f)
{
    return sync_or_fail(f, count(disk_of(f->io), IO_MEM_SYNC));
}

static int mem_commit(struct io_file *f, const struct iovec *iov, int n, uint64_t off)
{
    int fault = count(disk_of(f->io), IO_MEM_COMMIT);
    int err = write_or_fail(f, iov, n, off, fault);
    return err && !fault ? err : sync_or_fail(f, fault);
}

static int set_size(struct io_file *f, uint64_t size)
{
    if (!file_of(f)->writable)
        return -EBADF;
    if (!has_room(disk_of(f->io), node_of(f)->content.size, size))
        return -ENOSPC;
    return change_size(disk_of(f->io), file_of(f)->node, size);
}

static int mem_truncate(struct io_file *f, uint64_t size)
{
    int err = count(disk_of(f->io), IO_MEM_TRUNCATE);
    return err ? err : set_size(f, size);
}

static int mem_allocate(struct io_file *f, uint64_t off, uint64_t n)
{
    uint64_t old = node_of(f)->content.size;
    int err = count(disk_of(f->io), IO_MEM_ALLOCATE);
    return err ? err : set_size(f, off + n > old ? off + n : old);
}

static void fill_stat(const struct mem_node *d, struct io_stat *st)
{
    *st = (struct io_stat){
        .size = d->content.size,
        .blocks = mem_content_blocks(&d->content),
        .mtime_ms = d->mtime_ms,
        .is_dir = d->is_dir,
    };
}

static int mem_fstat(struct io_file *f, struct io_stat *st)
{
    fill_stat(node_of(f), st);
    return 0;
}

static int mem_drop_cache(struct io_file *f)
{
    struct io_mem *m = disk_of(f->io);
    uint32_t node = file_of(f)->node;
    if (!node_of(f)->lost)
        return 0;
    struct mem_content fresh = {0};
    int err = 0;
    if (node < m->base.n && m->base.node[node])
        err = mem_content_copy(&fresh, &m->base.node[node]->content);
    if (!err)
        err = mem_trace_reload(&m->trace, node, &fresh);
    if (err) {
        mem_content_free(&fresh);
        return err;
    }
    mem_content_free(&node_of(f)->content);
    node_of(f)->content = fresh;
    node_of(f)->lost = false;
    return 0;
}

static int mem_fd(struct io_file *f)
{
    (void)f;
    return -1;
}

/* Names */

/* Where an existing node is. */
static int find(struct io_mem *m, const char *path, struct mem_place *p)
{
    int err = mem_tree_place(&m->tree, path, p);
    return err ? err : p->node == MEM_NONE ? -ENOENT : 0;
}

static int find_dir(struct io_mem *m, const char *path, struct mem_place *p)
{
    int err = find(m, path, p);
    return err ? err : m->tree.node[p->node]->is_dir ? 0 : -ENOTDIR;
}

static int mem_stat(struct io *io, const char *path, struct io_stat *st)
{
    struct mem_place p;
    int err = find(disk_of(io), path, &p);
    if (!err)
        fill_stat(disk_of(io)->tree.node[p.node], st);
    return err;
}

/* Whether a node may take the place of another one, as rename(2) rules. */
static int may_replace(const struct mem_tree *t, const struct mem_node *new, uint32_t old)
{
    const struct mem_node *d = t->node[old];
    if (new->is_dir && !d->is_dir)
        return -ENOTDIR;
    if (!new->is_dir && d->is_dir)
        return -EISDIR;
    return d->n_entries ? -ENOTEMPTY : 0;
}

static bool is_above(const struct mem_tree *t, uint32_t dir, uint32_t node)
{
    for (; node != MEM_NONE; node = t->node[node]->in_dir) {
        if (node == dir)
            return true;
    }
    return false;
}

static int rename_place(struct io_mem *m, const struct mem_place *from, const struct mem_place *to)
{
    const struct mem_node *d = m->tree.node[from->node];
    if (from->dir == MEM_NONE || to->dir == MEM_NONE)
        return -EBUSY; /* the root */
    if (from->node == to->node)
        return 0;
    if (is_above(&m->tree, from->node, to->dir))
        return -EINVAL;
    int err = to->node == MEM_NONE ? 0 : may_replace(&m->tree, d, to->node);
    if (!err)
        err = change_name(m, from->node, d->is_dir, from, to);
    if (!err && to->node != MEM_NONE)
        mem_tree_drop_unused(&m->tree, to->node);
    return err;
}

static int mem_rename(struct io *io, const char *from, const char *to)
{
    struct io_mem *m = disk_of(io);
    struct mem_place a, b;
    int err = count(m, IO_MEM_RENAME);
    if (!err)
        err = find(m, from, &a);
    if (!err)
        err = mem_tree_place(&m->tree, to, &b);
    return err ? err : rename_place(m, &a, &b);
}

static int remove_place(struct io_mem *m, const struct mem_place *p)
{
    int err = change_name(m, p->node, m->tree.node[p->node]->is_dir, p, NULL);
    if (!err)
        mem_tree_drop_unused(&m->tree, p->node);
    return err;
}

static int mem_unlink(struct io *io, const char *path)
{
    struct io_mem *m = disk_of(io);
    struct mem_place p;
    int err = count(m, IO_MEM_UNLINK);
    if (!err)
        err = find(m, path, &p);
    if (!err && m->tree.node[p.node]->is_dir)
        err = -EISDIR;
    return err ? err : remove_place(m, &p);
}

static int mem_mkdir(struct io *io, const char *path)
{
    struct io_mem *m = disk_of(io);
    struct mem_place p;
    int err = mem_tree_place(&m->tree, path, &p);
    if (err)
        return err;
    if (p.node != MEM_NONE)
        return -EEXIST;
    return change_name(m, (uint32_t)m->tree.n, true, NULL, &p);
}

static int mem_rmdir(struct io *io, const char *path)
{
    struct io_mem *m = disk_of(io);
    struct mem_place p;
    int err = find_dir(m, path, &p);
    if (err)
        return err;
    if (p.node == MEM_ROOT)
        return -EBUSY;
    return m->tree.node[p.node]->n_entries ? -ENOTEMPTY : remove_place(m, &p);
}

static int mem_sync_dir(struct io *io, const char *path)
{
    struct io_mem *m = disk_of(io);
    struct mem_place p;
    int fault = count(m, IO_MEM_SYNC_DIR);
    int err = find_dir(m, path, &p);
    if (fault || err)
        return fault ? fault : err;
    return record_sync(m, p.node);
}

static int mem_list(struct io *io, const char *path, int (*each)(void *ctx, const char *name),
                    void *ctx)
{
    struct io_mem *m = disk_of(io);
    struct mem_place p;
    int r = find_dir(m, path, &p);
    if (r)
        return r;
    const struct mem_node *dir = m->tree.node[p.node];
    for (size_t i = dir->n_entries; !r && i-- > 0;)
        r = each(ctx, dir->entries[i].name);
    return r;
}

/* The cache of this disk has no write-back to wait for: a cut may keep any unsynced change. */
static int mem_write_back(struct io_file *f, uint64_t off, uint64_t n)
{
    (void)off;
    (void)n;
    return ready(disk_of(f->io));
}

/* Like the kernel's, it loses what it fails to write. */
static int mem_start_write_back(struct io_file *f, uint64_t off, uint64_t n)
{
    int fault = count(disk_of(f->io), IO_MEM_WRITE_BACK);
    if (fault == -ENOTSUP)
        return fault;
    return fault ? sync_or_fail(f, fault) : mem_write_back(f, off, n);
}

static int mem_sync_fs(struct io_file *f)
{
    return record_sync(disk_of(f->io), MEM_NONE);
}

static int mem_space(struct io *io, const char *path, uint64_t *free_bytes)
{
    struct io_mem *m = disk_of(io);
    struct mem_place p;
    int err = find(m, path, &p);
    if (err)
        return err;
    uint64_t used = mem_tree_bytes(&m->tree);
    *free_bytes = used < m->space ? m->space - used : 0;
    return 0;
}

static const struct io_ops mem_ops = {
    .open = mem_open,
    .close = mem_close,
    .pread = mem_pread,
    .pwritev = mem_pwritev,
    .sync = mem_sync,
    .commit = mem_commit,
    .truncate = mem_truncate,
    .allocate = mem_allocate,
    .fstat = mem_fstat,
    .drop_cache = mem_drop_cache,
    .fd = mem_fd,
    .stat = mem_stat,
    .rename = mem_rename,
    .unlink = mem_unlink,
    .mkdir = mem_mkdir,
    .rmdir = mem_rmdir,
    .sync_dir = mem_sync_dir,
    .list = mem_list,
    .write_back = mem_write_back,
    .start_write_back = mem_start_write_back,
    .sync_fs = mem_sync_fs,
    .lock = mem_lock,
    .space = mem_space,
};

/* The disk itself */

struct io_mem *mem_disk_new(struct mem_tree *t)
{
    struct io_mem *m = calloc(1, sizeof *m);
    if (!m) {
        mem_tree_free(t);
        return NULL;
    }
    m->io.ops = &mem_ops;
    m->tree = *t;
    m->space = UINT64_MAX;
    return m;
}

struct io_mem *io_mem_new(void)
{
    struct mem_tree t;
    if (mem_tree_init(&t)) {
        mem_tree_free(&t);
        return NULL;
    }
    return mem_disk_new(&t);
}

void io_mem_free(struct io_mem *m)
{
    if (!m)
        return;
    mem_tree_free(&m->tree);
    mem_tree_free(&m->base);
    mem_trace_free(&m->trace);
    free(m);
}

/* A change of m's once more. */
static int change_again(struct io_mem *m, const struct mem_change *old)
{
    struct mem_change c = *old;
    if (c.kind == MEM_SYNC)
        return record_sync(m, c.node);
    c.data = old->data ? mem_data_share(old->data) : NULL;
    c.from = old->from ? strdup(old->from) : NULL;
    c.to = old->to ? strdup(old->to) : NULL;
    c.from_dir_synced = c.to_dir_synced = false;
    if ((old->data && !c.data) || (old->from && !c.from) || (old->to && !c.to)) {
        mem_change_free(&c);
        return -ENOMEM;
    }
    return change(m, c);
}

struct io_mem *io_mem_kill(const struct io_mem *m, size_t upto)
{
    struct mem_tree base;
    if (mem_tree_copy(&base, mem_disk_base(m)))
        return NULL;
    struct io_mem *left = mem_disk_new(&base);
    int err = left ? 0 : -ENOMEM;
    for (size_t i = 0; i < upto && i < m->trace.n && !err; i++)
        err = change_again(left, &m->trace.at[i]);
    if (!err)
        err = mem_tree_sweep(&left->tree); /* files that only the killed one had open */
    if (!err)
        return left;
    io_mem_free(left);
    return NULL;
}

struct io *io_mem_io(struct io_mem *m)
{
    return &m->io;
}

const struct mem_trace *mem_disk_trace(const struct io_mem *m)
{
    return &m->trace;
}

const struct mem_tree *mem_disk_base(const struct io_mem *m)
{
    return m->base.n ? &m->base : &m->tree;
}

void io_mem_set_space(struct io_mem *m, uint64_t bytes)
{
    m->space = bytes;
}

void io_mem_fail(struct io_mem *m, enum io_mem_call call, uint64_t nth, int errnum, uint64_t times)
{
    m->fault[call] = (struct fault){
        .wait = nth > 0 ? nth - 1 : 0,
        .times = nth == 0     ? 0
                 : times == 0 ? UINT64_MAX
                              : times,
        .errnum = errnum,
    };
}

uint64_t io_mem_faults(const struct io_mem *m)
{
    return m->faults;
}

uint64_t io_mem_calls(const struct io_mem *m, enum io_mem_call call)
{
    return m->calls[call];
}

size_t io_mem_trace_len(const struct io_mem *m)
{
    return m->trace.n;
}

uint64_t io_mem_digest(const struct io_mem *m)
{
    return mem_tree_digest(&m->tree);
}

int io_mem_set_mtime(struct io_mem *m, const char *path, int64_t ms)
{
    struct mem_place p;
    int rc = find(m, path, &p);
    if (rc == 0)
        m->tree.node[p.node]->mtime_ms = ms;
    return rc;
}

uint8_t *io_mem_bytes(struct io_mem *m, const char *path, size_t *n)
{
    struct mem_place p;
    if (find(m, path, &p) || m->tree.node[p.node]->is_dir)
        return NULL;
    *n = (size_t)m->tree.node[p.node]->content.size;
    return mem_content_flatten(&m->tree.node[p.node]->content);
}

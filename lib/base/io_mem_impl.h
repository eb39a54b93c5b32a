/* io_mem_impl.h - the parts of the disk in memory; for io_mem*.c only.
 *
 *   content  the bytes of a file: 4 KiB pages, shared by all who hold the same ones
 *   tree     files and directories by number, and the names that lead to them
 *   trace    the changes made to a tree, in order, and when each became durable
 *
 * A change is applied to a tree by one function, whether it happens now or is replayed after a
 * crash.
 */
#ifndef BASE_IO_MEM_IMPL_H
#define BASE_IO_MEM_IMPL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum { MEM_PAGE = 4096, MEM_SECTOR = 512 };

/* Bytes of one page or of a part of it. Counted references; changed only while there is one. */
struct mem_chunk {
    uint32_t refs, n;
    uint64_t hash; /* of a whole page's bytes, 0 while not known */
    uint8_t data[];
};

/* What one write brought: chunk[0] begins at off, each other one at the page behind. */
struct mem_data {
    uint64_t off, len; /* len > 0 */
    struct mem_chunk *chunk[];
};

struct mem_data *mem_data_new(const struct iovec *iov, int n, uint64_t off, uint64_t len);
/* Shares its bytes; NULL when out of memory. */
struct mem_data *mem_data_share(const struct mem_data *d);
void mem_data_free(struct mem_data *d);

struct mem_content {
    uint64_t size;
    struct mem_chunk **page; /* NULL: zeros. Bytes of the last page beyond size are zero. */
    size_t n_pages, cap;
    uint8_t *flat; /* instead of pages, after mem_content_flatten */
};

void mem_content_free(struct mem_content *c);
int mem_content_copy(struct mem_content *to, const struct mem_content *from);
int mem_content_resize(struct mem_content *c, uint64_t size);
/* The part of d that lies in [from, to) of the file; to must not be beyond its size. */
int mem_content_put(struct mem_content *c, const struct mem_data *d, uint64_t from, uint64_t to);
size_t mem_content_read(const struct mem_content *c, void *buf, size_t n, uint64_t off);
uint64_t mem_content_hash(const struct mem_content *c);
uint64_t mem_content_blocks(const struct mem_content *c);
/* All bytes in one piece, until the next change. */
uint8_t *mem_content_flatten(struct mem_content *c);

/* Trees. Node 0 is the root. Numbers are never used again. */

enum { MEM_ROOT = 0 };
#define MEM_NONE UINT32_MAX

struct mem_entry {
    char *name;
    uint32_t node;
};

struct mem_node {
    bool is_dir, locked;
    bool lost;       /* some of its bytes are only in the cache and count as clean */
    uint32_t in_dir; /* the directory with its one name, or MEM_NONE */
    uint32_t opens;
    int64_t mtime_ms;
    struct mem_content content;
    struct mem_entry *entries;
    size_t n_entries, cap_entries;
};

struct mem_tree {
    struct mem_node **node; /* by number; NULL: never was or is gone */
    size_t n, cap;
};

int mem_tree_init(struct mem_tree *t); /* with a root */
void mem_tree_free(struct mem_tree *t);
int mem_tree_copy(struct mem_tree *to, const struct mem_tree *from);
/* Node `id`, made (without a name) if it is not there; NULL when out of memory. */
struct mem_node *mem_tree_need(struct mem_tree *t, uint32_t id, bool is_dir);
/* Free what has neither a name nor an open file. */
void mem_tree_drop_unused(struct mem_tree *t, uint32_t id);
/* Free what cannot be reached from the root. */
int mem_tree_sweep(struct mem_tree *t);
uint64_t mem_tree_bytes(const struct mem_tree *t);
uint64_t mem_tree_digest(const struct mem_tree *t);

const struct mem_entry *mem_dir_find(const struct mem_node *dir, const char *name);

/* Where a path leads: its directory, its last name, and the node or MEM_NONE. The root has no
 * directory (MEM_NONE) and an empty name. 0, -ENOENT or -ENOTDIR if the way ends before, or -EINVAL
 * for "..". */
struct mem_place {
    uint32_t dir, node;
    char name[NAME_MAX + 1];
};
int mem_tree_place(const struct mem_tree *t, const char *path, struct mem_place *p);

/* Traces */

enum mem_kind {
    MEM_WRITE, /* data, and the size if it grew */
    MEM_SIZE,
    MEM_NAME, /* node leaves from_dir/from and gets to_dir/to; either may be missing */
    MEM_SYNC  /* of a file, a directory, or all (MEM_NONE) */
};

struct mem_change {
    enum mem_kind kind;
    bool is_dir;
    uint32_t node;
    uint64_t old_size, size; /* of the file, before and after */
    struct mem_data *data;
    uint32_t from_dir, to_dir; /* MEM_NONE: none */
    char *from, *to;
    bool from_dir_synced, to_dir_synced; /* while the other one is not */
    bool lost;   /* a sync that should have saved data failed: it may or may not be on the disk */
    bool absent; /* it turned out not to be */
    size_t durable; /* it is in every crash state of a trace at least this long */
};

struct mem_trace {
    struct mem_change *at;
    size_t n, cap;
    size_t *pending; /* changes that a sync will make durable, ascending */
    size_t n_pending, cap_pending;
};

void mem_trace_free(struct mem_trace *t);
/* Room for one more, so that mem_trace_add cannot fail. */
int mem_trace_reserve(struct mem_trace *t);
/* Takes what c points to. */
void mem_trace_add(struct mem_trace *t, struct mem_change c);
/* A sync of a file or directory, or of all (MEM_NONE), that went well. */
void mem_trace_sync(struct mem_trace *t, uint32_t node);
/* A sync of a file that failed: nobody knows which of its pending bytes are on the disk, and the
 * system will not try them again. True if there were any. Sizes and names stay pending. */
bool mem_trace_sync_failed(struct mem_trace *t, uint32_t node);
/* Make of c, the file's content before the trace, what the disk has without the lost bytes; from
 * now on they are in no crash state. */
int mem_trace_reload(struct mem_trace *t, uint32_t node, struct mem_content *c);
void mem_change_free(struct mem_change *c);

/* How much of a write survives: which sectors of the file, and whether the file ends behind the
 * last of them. */
struct mem_tear {
    bool (*keeps)(const struct mem_tear *tear, uint64_t sector);
    uint64_t seed, first, last; /* sectors of the write */
    bool short_size;
};
extern const struct mem_tear mem_tear_size_only;
/* Do a write or a change of size; tear NULL: all of it. */
int mem_content_apply(struct mem_content *f, const struct mem_change *c,
                      const struct mem_tear *tear);
/* Do any change. */
int mem_tree_apply(struct mem_tree *t, const struct mem_change *c, const struct mem_tear *tear);

struct io_mem;
struct io_mem *mem_disk_new(struct mem_tree *t); /* takes t, also on failure */
const struct mem_trace *mem_disk_trace(const struct io_mem *m);
const struct mem_tree *mem_disk_base(const struct io_mem *m); /* before the first change */

#endif

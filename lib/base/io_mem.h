/* io_mem.h - a disk in memory that can lose power.
 *
 * It keeps, beside the current content, a trace of every change in order (writes, sizes, names,
 * syncs). From a prefix of the trace the states in which a power cut could leave a real disk can be
 * made: each change not covered by a sync may be there, missing, or, for a write, torn at any
 * 512-byte sector; names and content are independent until synced. See tests/crash and reliability
 * notes in HACKING.md. One thread at a time. Paths start at the root, with or without a slash;
 * there is no "..". Times of files are 0. Close all files before the disk is freed.
 */
#ifndef BASE_IO_MEM_H
#define BASE_IO_MEM_H

#include <stddef.h>
#include <stdint.h>

#include "base/io.h"

struct io_mem; /* opaque */

/* An empty disk with a root directory "/"; NULL when out of memory. */
struct io_mem *io_mem_new(void);
void io_mem_free(struct io_mem *m);
struct io *io_mem_io(struct io_mem *m);

/* Limits and faults. */
/* Bound the sum of all file sizes; beyond it -ENOSPC. UINT64_MAX: no bound. */
void io_mem_set_space(struct io_mem *m, uint64_t bytes);
/* The calls a fault can be put on. IO_MEM_OPEN includes lock; a commit counts as that alone, not as
 * a write and a sync; WRITE_BACK is start_write_back. */
enum io_mem_call {
    IO_MEM_WRITE,
    IO_MEM_SYNC,
    IO_MEM_COMMIT,
    IO_MEM_RENAME,
    IO_MEM_SYNC_DIR,
    IO_MEM_OPEN,
    IO_MEM_TRUNCATE,
    IO_MEM_ALLOCATE,
    IO_MEM_UNLINK,
    IO_MEM_READ,
    IO_MEM_WRITE_BACK,
    IO_MEM_CALLS
};
/* The nth call (1 = the next) of that kind fails with -errnum, `times` times in a row (0: for
 * ever); nth 0 takes a fault away. One fault per kind. A failed write or commit leaves the first
 * half of its bytes behind. A failed sync, commit, sync_dir or write-back makes nothing durable, and what it
 * should have made so never will be, as on Linux, where a second fsync succeeds without writing the
 * lost pages. */
void io_mem_fail(struct io_mem *m, enum io_mem_call call, uint64_t nth, int errnum, uint64_t times);
/* How many faults have fired since the disk was made. */
uint64_t io_mem_faults(const struct io_mem *m);
/* Calls of that kind so far: for tests that count syncs. */
uint64_t io_mem_calls(const struct io_mem *m, enum io_mem_call call);

/* Changes recorded so far: a position in the trace. */
size_t io_mem_trace_len(const struct io_mem *m);
/* How a crash treats what was not synced at its time. */
enum io_mem_cut {
    IO_CUT_NONE,  /* nothing unsynced survives */
    IO_CUT_ALL,   /* everything does: a kill, not a power cut */
    IO_CUT_SEED,  /* each unsynced change is kept, lost or torn as a generator seeded with `seed`
                     says */
    IO_CUT_DROP,  /* all but the seed-th unsynced change (modulo their number) */
    IO_CUT_ALONE, /* only the seed-th unsynced change */
    IO_CUT_LAST_FIRST, /* of the unsynced writes only the last, torn by seed; all sizes and names */
    IO_CUT_SIZES,      /* no unsynced bytes, but all sizes (zeros stand there) and all names */
    IO_CUT_NAMES,      /* no unsynced bytes nor sizes, but all names */
    IO_CUT_KINDS
};
/* A new disk: the state after the first `upto` changes of m's trace, cut as said; NULL when out of
 * memory. Its own trace is empty and everything on it counts as synced. It outlives m. */
struct io_mem *io_mem_crash(const struct io_mem *m, size_t upto, enum io_mem_cut cut,
                            uint64_t seed);
/* A new disk: what a kill after the first `upto` changes of m leaves, until then with m's trace: all
 * changes are there, and those that were not synced may still be lost. No sync of m may have
 * failed. NULL when out of memory. It outlives m. */
struct io_mem *io_mem_kill(const struct io_mem *m, size_t upto);
/* Unsynced changes at that point of the trace: how many choices a cut has. */
size_t io_mem_unsynced(const struct io_mem *m, size_t upto);
/* A digest of all names and contents, to tell states apart. */
uint64_t io_mem_digest(const struct io_mem *m);
/* Content in place, until the file is next changed: for tests that flip bytes. That is no change on
 * the trace: flip before the first change or in a crash state. NULL if there is no such file. */
uint8_t *io_mem_bytes(struct io_mem *m, const char *path, size_t *n);
/* When the file says it was last written: here there is no clock, and it is what the test makes it,
 * 0 to begin with. 0 or -ENOENT. */
int io_mem_set_mtime(struct io_mem *m, const char *path, int64_t ms);

#endif

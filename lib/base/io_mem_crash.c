/* io_mem_crash.c - the states a power cut can leave.
 *
 * A change is durable once a sync that covers it follows in the trace: of its file for bytes and
 * sizes, of its directory for names (of both for a rename from one to another). Until then a crash
 * may keep it, lose it, or keep some sectors of it, whatever becomes of the others. A crash state
 * is the disk before the trace with the durable changes and the lucky ones replayed in order. Pages
 * are shared with the disk it came from, so that a state costs little more than the number of
 * changes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/io_mem.h"
#include "base/io_mem_impl.h"

#define NEVER SIZE_MAX

/* What a crash may take. */
static bool is_unsynced(const struct mem_change *c, size_t upto)
{
    return c->kind != MEM_SYNC && (c->durable > upto || c->lost) && !c->absent;
}

static size_t bound(const struct mem_trace *t, size_t upto)
{
    return upto < t->n ? upto : t->n;
}

size_t io_mem_unsynced(const struct io_mem *m, size_t upto)
{
    const struct mem_trace *t = mem_disk_trace(m);
    size_t n = 0;
    upto = bound(t, upto);
    for (size_t i = 0; i < upto; i++)
        n += is_unsynced(&t->at[i], upto);
    return n;
}

/* splitmix64: numbers that look random from any seed, 0 too. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Tears: the front is there, the back is there, or any sectors are. */

static bool keeps_front(const struct mem_tear *tear, uint64_t sector)
{
    return (sector - tear->first) < tear->seed % (tear->last - tear->first + 1);
}

static bool keeps_back(const struct mem_tear *tear, uint64_t sector)
{
    return !keeps_front(tear, sector);
}

static bool keeps_some(const struct mem_tear *tear, uint64_t sector)
{
    uint64_t state = tear->seed + sector;
    return next_random(&state) & 1;
}

static struct mem_tear make_tear(const struct mem_change *c, uint64_t random)
{
    struct mem_tear tear = {
        .seed = random / 8,
        .first = c->data->off / MEM_SECTOR,
        .last = (c->data->off + c->data->len - 1) / MEM_SECTOR,
    };
    tear.keeps = random % 4 == 0 ? keeps_front : random % 4 == 1 ? keeps_back : keeps_some;
    tear.short_size = random / 4 % 2;
    return tear;
}

enum fate { KEPT, LOST, TORN, SIZED };

struct cut {
    enum io_mem_cut kind;
    uint64_t random;
    size_t chosen; /* DROP and ALONE: which unsynced change; LAST_FIRST: which place in the trace */
    size_t n_unsynced; /* met so far */
};

/* What becomes of an unsynced change. */
static enum fate fate_of(struct cut *cut, const struct mem_change *c, size_t at)
{
    size_t number = cut->n_unsynced++;
    uint64_t dice;
    switch (cut->kind) {
    case IO_CUT_ALL:
        return KEPT;
    case IO_CUT_DROP:
        return number == cut->chosen ? LOST : KEPT;
    case IO_CUT_ALONE:
        return number == cut->chosen ? KEPT : LOST;
    case IO_CUT_LAST_FIRST:
        return c->kind != MEM_WRITE ? KEPT : at == cut->chosen ? TORN : LOST;
    case IO_CUT_SEED:
        dice = next_random(&cut->random) % 3;
        return dice == 0 ? KEPT : dice == 1 || c->kind != MEM_WRITE ? LOST : TORN;
    case IO_CUT_SIZES:
        return c->kind == MEM_WRITE ? SIZED : KEPT;
    case IO_CUT_NAMES:
        return c->kind == MEM_NAME ? KEPT : LOST;
    case IO_CUT_NONE:
    case IO_CUT_KINDS:
        break;
    }
    return LOST;
}

static size_t last_unsynced_write(const struct mem_trace *t, size_t upto)
{
    for (size_t i = upto; i-- > 0;) {
        if (t->at[i].kind == MEM_WRITE && is_unsynced(&t->at[i], upto))
            return i;
    }
    return NEVER;
}

static struct cut make_cut(const struct io_mem *m, size_t upto, enum io_mem_cut kind, uint64_t seed)
{
    struct cut cut = {.kind = kind, .random = seed, .chosen = NEVER};
    if (kind == IO_CUT_LAST_FIRST) {
        cut.chosen = last_unsynced_write(mem_disk_trace(m), upto);
    } else if (kind == IO_CUT_DROP || kind == IO_CUT_ALONE) {
        size_t n = io_mem_unsynced(m, upto);
        cut.chosen = n ? (size_t)(seed % n) : NEVER;
    }
    return cut;
}

static enum fate next_fate(struct cut *cut, const struct mem_change *c, size_t at, size_t upto)
{
    if (c->absent)
        return LOST;
    return is_unsynced(c, upto) ? fate_of(cut, c, at) : KEPT;
}

static int replay(struct mem_tree *tree, const struct mem_trace *t, size_t upto, struct cut *cut)
{
    int err = 0;
    for (size_t i = 0; !err && i < upto; i++) {
        const struct mem_change *c = &t->at[i];
        enum fate fate = next_fate(cut, c, i, upto);
        if (fate == TORN) {
            struct mem_tear tear = make_tear(c, next_random(&cut->random));
            err = mem_tree_apply(tree, c, &tear);
        } else if (fate == KEPT) {
            err = mem_tree_apply(tree, c, NULL);
        } else if (fate == SIZED ||
                   c->durable <= upto) { /* or lost bytes of a size that a later sync saved */
            err = mem_tree_apply(tree, c, &mem_tear_size_only);
        }
    }
    return err;
}

struct io_mem *io_mem_crash(const struct io_mem *m, size_t upto, enum io_mem_cut cut, uint64_t seed)
{
    const struct mem_trace *t = mem_disk_trace(m);
    struct mem_tree tree;
    if (mem_tree_copy(&tree, mem_disk_base(m)))
        return NULL;
    upto = bound(t, upto);
    struct cut how = make_cut(m, upto, cut, seed);
    if (replay(&tree, t, upto, &how) || mem_tree_sweep(&tree)) {
        mem_tree_free(&tree);
        return NULL;
    }
    return mem_disk_new(&tree);
}

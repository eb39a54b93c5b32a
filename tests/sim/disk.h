/* disk.h - a node's disk: a disk in memory (base/io_mem.h) behind a layer that decides, call by
 * call, what goes wrong.
 *
 *   death    the node dies at its n-th change from now, before it, after it, or between the write
 *            and the sync of a commit; from then on no call does anything
 *   faults   a call fails (io_mem knows what a failed one leaves behind)
 *   time     a call in a fiber may let other events happen first; a sync may take seconds
 *
 * The checker's own reads are quiet: none of this befalls them.
 */
#ifndef TESTS_SIM_DISK_H
#define TESTS_SIM_DISK_H

#include "base/io_mem.h"

struct sim_world;

struct sim_disk {
    struct io io; /* first */
    struct io_mem *mem;
    struct sim_world *w;
    uint32_t node;
    bool dead;
    bool quiet;
    bool half_done;       /* it died between the write and the sync of a commit */
    bool faulty;          /* faults may happen now */
    uint64_t die_in;      /* changes left to live; 0: no death is planned */
    bool die_in_commit;   /* only commits count, and it dies between write and sync */
    uint64_t changes;     /* so far */
    uint64_t life_faults; /* injected since the last start */
    uint64_t rot;         /* of those, on writes and syncs of a WAL */
};

/* mem is the disk's from here on. */
void sim_disk_init(struct sim_disk *d, struct sim_world *w, uint32_t node, struct io_mem *mem);
void sim_disk_release(struct sim_disk *d);
/* The power came back: only what `cut` and `seed` say is left. All files are closed. */
void sim_disk_power_cut(struct sim_disk *d, enum io_mem_cut cut, uint64_t seed);

#endif

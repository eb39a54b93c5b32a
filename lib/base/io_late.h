/* io_late.h - a disk whose syncs are put off until all is written.
 *
 * For what is built aside and counts for nothing before it is renamed into place: each of its
 * files and directories is written and synced several times on the way there, and needs it once. A
 * struct io over another one: it passes everything on but sync, commit's sync and sync_dir, which
 * it keeps in mind, until io_late_sync does them. No promise of io.h about durability holds before.
 * One thread.
 */
#ifndef BASE_IO_LATE_H
#define BASE_IO_LATE_H

#include "base/err.h"
#include "base/io.h"

struct io_late {
    struct io io; /* what to build with */
    /* private */
    struct io *real;
    struct io_late_file *unsynced; /* closed ones, kept open for their sync */
    char **dirs;                   /* whose names are to be synced, each once */
    size_t n_dirs;
};

/* real outlives l. */
void io_late_init(struct io_late *l, struct io *real);
/* Sync the content of every file that is closed by now, then the names in every directory. 0, or a
 * code with the path in e: nobody knows what is durable then. */
int io_late_sync(struct io_late *l, struct err *e);
/* Without io_late_sync nothing that was put off happens. */
void io_late_release(struct io_late *l);

#endif

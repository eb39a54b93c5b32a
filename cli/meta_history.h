/* meta_history.h - the metadata at any retained index: the newest snapshot at or below it, and the
 * log from there on.
 *
 * The log is read twice: once to learn which write of each index counts (a later group of the same
 * or a lower index discards what was written before it), then the entries that are wanted are read
 * again by their positions. A broker may be running: files that vanish between the two make it
 * begin anew.
 */
#ifndef CLI_META_HISTORY_H
#define CLI_META_HISTORY_H

#include "cli/meta_place.h"
#include "meta/meta.h"
#include "wal/reader.h"

/* Where something is wrong. */
struct history_fault {
    char file[IO_PATH_MAX];
    uint64_t position; /* byte */
};

struct history_entry {
    uint64_t term;
    struct wal_pos pos;
};

struct history {
    const struct place *place;
    struct meta_snapshot_name *snapshots; /* ascending */
    size_t n_snapshots;
    struct wal_reader *log; /* NULL: there is none */
    uint64_t first;         /* index of entries[0] */
    struct history_entry *entries;
    size_t n_entries, cap_entries;
    uint64_t n_groups, n_written; /* groups of the log; those with an entry */
    uint64_t n_bytes;             /* in the groups */
    struct wal_end end;
};

/* Look at what there is: lists snapshots, reads the whole log. 0; ERR_CORRUPT with where in fault
 * (the entries before it are known then); what wal_reader_open gives; -ENOENT if a running broker
 * took files away meanwhile. history_close in every case. */
int history_open(struct history *h, const struct place *p, struct history_fault *fault,
                 struct err *e);
void history_close(struct history *h);

/* The image of a snapshot of the list. As meta_snapshot_decode, and ERR_CORRUPT if its name is not
 * its own. */
int history_snapshot(const struct history *h, struct meta_snapshot_name name,
                     struct meta_image **out, struct history_fault *fault, struct err *e);

/* Apply the log from *m (which is replaced) up to index `to`. 0; ERR_NOTFOUND if the log does not
 * hold all of them; ERR_CORRUPT with where in fault; ERR_UNSUPPORTED for what a newer program
 * wrote; -ENOENT as above. */
int history_replay(struct history *h, struct meta_image **m, uint64_t to,
                   struct history_fault *fault, struct err *e);

/* The image that a log which begins at index 1 starts from. 0; ERR_NOTFOUND for any other; -ENOMEM.
 */
int history_empty(const struct history *h, struct meta_image **out, struct err *e);

/* Index of the newest entry there is, in a snapshot or in the log; 0: none. */
uint64_t history_last(const struct history *h);

/* All of it: the image at that index, HISTORY_LATEST for the newest. A snapshot that is damaged is
 * passed over with a warning if an older one and the log make up for it. 0; ERR_NOTFOUND if the
 * index is not retained; ERR_CORRUPT. */
#define HISTORY_LATEST UINT64_MAX
int history_image(const struct place *p, uint64_t at, struct meta_image **out, struct err *e);

#endif

/* plog_impl.h - private to lib/plog: the log object and what its files share.
 *
 * What readers follow is immutable or atomic: the list of segments and the epochs are replaced as a
 * whole by the writer, and the old ones retired through the hook. log_end is stored after
 * everything below it can be found, the high watermark after that.
 */
#ifndef PLOG_IMPL_H
#define PLOG_IMPL_H

#include "plog/plog.h"
#include "plog/progress.h"
#include "plog/segment.h"

enum {
    PLOG_NAME_MAX =
        320,           /* of a partition's directory: Kafka's topic names have at most 249 bytes */
    PLOG_WARM_OLD = 8, /* segments behind the newest two that may stay loaded when the log rolls */
    PLOG_WINDOW =
        4 << 10 /* bytes read at once while looking for batches; about an index interval */
};

struct plog_list {
    size_t n; /* at least 1; the last one is the active segment */
    struct plog_segment *seg[];
};

struct plog_epochs {
    size_t n;
    struct plog_epoch e[];
};

struct plog {
    struct plog_config cfg; /* dir: owned here; settings: the writer's */
    char *dir;              /* of the partition */
    char *topic;
    int32_t partition;
    struct uuid topic_id;

    _Atomic int64_t log_start, high_watermark, log_end;
    _Atomic bool failed, abandoned;
    _Atomic uint32_t interval; /* = settings.index_interval_bytes, for readers */
    _Atomic(struct plog_list *) list;
    _Atomic(struct plog_epochs *) epochs;

    /* The writer's */
    int64_t floor;                  /* segments below it may be unlinked */
    struct plog_progress compacted; /* how far compaction has come */
    bool compacting;                /* one is under way */
    bool spoilt;                    /* none is tried again before a restart */
    bool on_disk;                   /* the directory exists */
    bool new_dir;    /* and its name, its metadata and those below are not synced yet */
    bool new_names;  /* files were created in it since the last syncing began */
    bool new_epochs; /* the epochs changed since then */
};

/* plog.c */
/* An empty segment of p; NULL when out of memory. */
struct plog_segment *plog_new_segment(const struct plog *p, int64_t base);

/* list.c */
struct plog_list *plog_list_new(size_t n); /* NULL when out of memory */
static inline struct plog_list *plog_segments(const struct plog *p)
{
    return atomic_load_explicit(&p->list, memory_order_acquire);
}
static inline struct plog_segment *plog_active(const struct plog *p)
{
    const struct plog_list *l = plog_segments(p);
    return l->seg[l->n - 1];
}
static inline bool plog_is_abandoned(const struct plog *p)
{
    return atomic_load_explicit(&p->abandoned, memory_order_acquire);
}
static inline uint32_t plog_interval(const struct plog *p)
{
    return atomic_load_explicit(&p->interval, memory_order_relaxed);
}
/* Index of the segment that holds offset: the last one that begins at or below it; -1 if none does.
 */
ptrdiff_t plog_list_find(const struct plog_list *l, int64_t offset);
/* [w] Show readers this list instead. Its segments but the last are sealed; those it no longer
 * holds lose the list's reference once readers are gone. Cold ones may be exchanged for unloaded
 * twins. */
void plog_list_publish(struct plog *p, struct plog_list *l);
void plog_retire(const struct plog *p, void (*fn)(void *arg), void *arg);

/* dir.c */
/* [w] Make the partition's directory, with its metadata file, if there is none. */
int plog_dir_make(struct plog *p, struct err *e);
/* Write a small derived file as a whole, without a sync. */
int plog_write_plain(struct io *io, const char *path, const void *p, size_t n, struct err *e);
/* Is it one of the files a segment has (plog_endings)? */
bool plog_segment_name(const char *name, int64_t *base);

/* epoch.c */
struct plog_epochs *plog_epochs_new(const struct plog_epoch *e, size_t n, size_t more);
/* The epoch that wrote an offset, -1 if that is not known. */
int32_t plog_epochs_at(const struct plog_epochs *epochs, int64_t offset);
static inline const struct plog_epochs *plog_epochs_of(const struct plog *p)
{
    return atomic_load_explicit(&p->epochs, memory_order_acquire);
}
void plog_epochs_publish(struct plog *p, struct plog_epochs *epochs);
/* [w] The log begins at log_start now: forget epochs that end before. */
int plog_epochs_trim(struct plog *p, int64_t log_start);
/* The text of Kafka's leader-epoch-checkpoint, malloc'ed; NULL when out of memory. */
char *plog_epochs_text(const struct plog_epochs *epochs);

/* retain.c */
/* [w] Let go of the first segments as far as the log start, the floor and compactions allow. */
int plog_drop_segments(struct plog *p, struct err *e);

/* remove.c */
/* The endings of a segment's files, NULL behind the last. */
extern const char *const plog_endings[];
/* Unlink a segment's files; a missing one is fine. */
int plog_unlink_segment(struct io *io, const char *log_path, struct err *e);

/* verify.c */
/* Check the old part's regions that bytes [pos, end) reach into, as far as they were not checked
 * yet. Any thread. 0, ERR_CORRUPT, or another code. */
int plog_segment_verify(const struct plog_epochs *epochs, struct plog_segment *s, uint32_t interval,
                        uint64_t pos, uint64_t end, struct err *e);

/* read.c */
/* Something was not there, at or behind offset: it may just have been removed, which is no damage.
 * rc, or what it really means. */
int plog_explain(const struct plog *p, int64_t offset, int rc, struct err *e);
/* A batch's place in a segment. */
struct plog_place {
    uint64_t pos;
    int64_t base_offset;
};
/* The first batch of s that ends at or above offset, looked for in its first `end` bytes; pos is
 * end if there is none. now: -EAGAIN rather than read from the disk; the segment is warm. */
int plog_locate(struct plog *p, struct plog_segment *s, int64_t offset, uint64_t end, bool now,
                struct plog_place *out, struct err *e);

#endif

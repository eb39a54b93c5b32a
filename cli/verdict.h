/* verdict.h - what a verify command looked at and what it found wrong, and how it says so: the same
 * for chronik-log, chronik-meta and chronik-wal. Faults are results, so they go to standard output;
 * they are said on standard error too. */
#ifndef CLI_VERDICT_H
#define CLI_VERDICT_H

#include "base/io.h"
#include "cli/cli.h"

/* What a fault is. */
enum fault_kind {
    FAULT_CORRUPTION, /* something that was written is not there any more */
    FAULT_FOREIGN,    /* of another cluster, node or shard */
    FAULT_NEWER,      /* of a format that this program does not know */
    /* These fail nothing: */
    FAULT_TORN,    /* the end of an unfinished write: cut when the broker starts */
    FAULT_DERIVED, /* in a file that the broker makes anew from another one */
    FAULT_GAP,     /* offsets are missing, and nothing says whether compaction took them */
};

struct fault {
    char file[IO_PATH_MAX];
    uint64_t position; /* byte */
    enum fault_kind kind;
    char reason[ERR_TEXT_MAX];
};

struct faults {
    struct fault *v;
    size_t n;
    bool failed; /* one of them is more than a torn tail */
    int trouble; /* what kept verify from looking at something; 0: nothing */
};

/* Put e's complaint into the list, once for each place (unless many others came between); if it is not about bytes (no permission, a
 * failing disk), print it and remember the trouble. */
void faults_add(struct faults *f, const char *file, uint64_t position, const struct err *e);
/* The same for a complaint of that kind. */
void faults_put(struct faults *f, enum fault_kind kind, const char *file, uint64_t position,
                const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* All of from's to the end of f; from is empty after it. */
void faults_move(struct faults *f, struct faults *from);
void faults_release(struct faults *f);

struct verdict {
    uint64_t files, units, records, bytes; /* looked at */
    struct faults faults;
};

/* Add what another look found; from is empty after it. */
void verdict_add(struct verdict *v, struct verdict *from);

/* What a command has to say beside its verdict. */
struct verdict_more {
    const char *name;  /* of the field */
    struct json *json; /* taken over */
    void (*print)(const struct json *json);
};
/* Say the faults on standard error, write the result (the units are "groups" or "batches"; more may
 * be NULL), give the exit status. */
enum cli_exit verdict_report(const struct verdict *v, const char *units,
                             const struct verdict_more *more, const struct cli_common *common);

#endif

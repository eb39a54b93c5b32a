#include "cli/checkpoint_check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { AT_SEQUENCE = 24, AT_OWNER = 32 }; /* in the file */

/* Even numbers go into checkpoint.0, odd ones into checkpoint.1; a copy may have any name. */
static bool is_misplaced(const char *path, uint64_t sequence)
{
    size_t n = strlen(path);
    const char *name = n > 12 ? path + n - 12 : "";
    return strcmp(name, sequence % 2 ? "checkpoint.0" : "checkpoint.1") == 0;
}

static bool is_foreign(const struct wal_owner *ours, const struct wal_owner *theirs)
{
    return ours && (!uuid_eq(&ours->cluster_id, &theirs->cluster_id) ||
                    ours->node_id != theirs->node_id || ours->shard != theirs->shard);
}

bool checkpoint_check(struct verdict *v, struct io *io, const char *path,
                      const struct wal_owner *owner, struct checkpoint *cp)
{
    uint8_t *buf;
    size_t n;
    struct err e;
    int rc = io_read_file(io, path, CHECKPOINT_FILE_MAX, &buf, &n);
    if (rc == -ENOENT)
        return false;
    if (rc < 0) {
        err_code(&e, rc, "%s", path);
        faults_add(&v->faults, path, 0, &e);
        return false;
    }
    v->files++;
    v->bytes += n;
    rc = checkpoint_decode(span_of(buf, n), cp, &e);
    free(buf);
    if (rc < 0) {
        faults_add(&v->faults, path, 0, &e);
        return false;
    }
    bool foreign = is_foreign(owner, &cp->owner), misplaced = is_misplaced(path, cp->sequence);
    if (!foreign && !misplaced)
        return true;
    if (foreign)
        faults_put(&v->faults, FAULT_FOREIGN, path, AT_OWNER,
                   "a checkpoint of another cluster, node or shard");
    else
        faults_put(&v->faults, FAULT_CORRUPTION, path, AT_SEQUENCE,
                   "checkpoint %" PRIu64 ", which belongs into the other file", cp->sequence);
    checkpoint_release(cp);
    return false;
}

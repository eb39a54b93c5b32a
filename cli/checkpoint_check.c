#include "cli/checkpoint_check.h"

#include <errno.h>
#include <stdlib.h>

enum { AT_OWNER = 32 }; /* in the file */

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
    if (!is_foreign(owner, &cp->owner))
        return true;
    faults_put(&v->faults, FAULT_FOREIGN, path, AT_OWNER,
               "a checkpoint of another cluster, node or shard");
    checkpoint_release(cp);
    return false;
}

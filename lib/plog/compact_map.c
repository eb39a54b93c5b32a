/* compact_map.c - note where each key of the dirty part was written last.
 *
 * It ends early where the keys fill their memory, and before the first batch of a transaction:
 * whether its records count is known by an index of aborted transactions, which logs do not have
 * yet. What lies behind stays as it is.
 */
#include <errno.h>
#include <inttypes.h>

#include "batch/records.h"
#include "plog/compact_impl.h"

static int map_records(struct plog_compaction *c, struct records *it)
{
    struct record r;
    int rc;
    while ((rc = records_next(it, &r)) > 0) {
        if (r.offset < c->first_dirty)
            continue;
        if (r.key.p && !plog_keys_put(&c->keys, r.key, r.offset)) {
            c->map_ends = true;
            return 0;
        }
        c->mapped = r.offset + 1;
    }
    if (rc == 0)
        c->mapped = batch_last_offset(&it->batch) + 1;
    return rc;
}

static int map_batch(struct plog_compaction *c, struct err *e)
{
    struct records it;
    struct span bytes;
    if (batch_last_offset(&c->scan.batch) < c->first_dirty)
        return 0;
    if (c->scan.batch.attributes & (BATCH_ATTR_TXN | BATCH_ATTR_CONTROL)) {
        c->map_ends = true;
        return 0;
    }
    int rc = plog_scan_bytes(&c->scan, &bytes, e);
    if (rc < 0)
        return rc;
    rc = records_init(&it, bytes, PLOG_COMPACT_EXPANDED_MAX);
    if (rc == 0)
        rc = map_records(c, &it);
    records_release(&it);
    if (rc < 0)
        return err_code(e, rc == -ENOMEM ? rc : ERR_CORRUPT, "%s: byte %" PRIu64 ": its records",
                        c->scan.path, c->scan.at);
    return 0;
}

static int make_room(struct plog_compaction *c, struct err *e)
{
    if (c->keys.slots)
        return 0;
    int rc = plog_keys_init(&c->keys, (uint64_t)(c->stop - c->first_dirty), c->rules.key_bytes,
                            c->rules.seed);
    return rc < 0 ? err_code(e, rc, "%s: memory for keys", c->dir) : 0;
}

int plog_compact_map(struct plog_compaction *c, struct err *e)
{
    uint64_t done = 0;
    int rc = make_room(c, e);
    c->more = false;
    while (rc == 0 && !c->map_ends && (rc = plog_compact_next_batch(c, e)) > 0) {
        rc = map_batch(c, e);
        done += batch_size(&c->scan.batch);
        if (done >= PLOG_COMPACT_SLICE) {
            c->more = !c->map_ends;
            return rc;
        }
    }
    return rc;
}

#include "cli/log_truth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/meta_history.h"
#include "shard/node.h"
#include "wal/reader.h"

void log_truth_release(struct log_truth *t)
{
    meta_image_unref(t->image);
    for (size_t i = 0; i < t->n; i++)
        checkpoint_release(&t->shards[i]);
    free(t->shards);
    free(t->trims);
    *t = (struct log_truth){0};
}

static int read_checkpoint(struct checkpoint *c, struct io *io, const char *wal_dir,
                           const struct wal_owner *owner, struct err *e)
{
    char dir[IO_PATH_MAX];
    struct checkpoint older;
    bool bad;
    int rc = node_wal_dir(dir, sizeof dir, wal_dir, owner->shard);
    if (rc < 0)
        return err_code(e, rc, "%s", wal_dir);
    rc = checkpoint_load(io, dir, owner, c, &older, &bad, e);
    if (rc == 0)
        checkpoint_release(&older);
    return rc;
}

/* Data shards are numbered from 1 on. */
static int read_checkpoints(struct log_truth *t, struct io *io, struct err *e)
{
    struct wal_owner owner = {t->node.cluster_id, t->node.node_id, 1};
    for (;; owner.shard++) {
        char dir[IO_PATH_MAX];
        struct io_stat st;
        struct checkpoint *v = reallocarray(t->shards, t->n + 1, sizeof *v);
        if (!v)
            return err_code(e, -ENOMEM, "%s", t->node.wal_dir);
        t->shards = v;
        if (node_wal_dir(dir, sizeof dir, t->node.wal_dir, owner.shard) < 0 ||
            io_stat(io, dir, &st) < 0)
            return 0;
        int rc = read_checkpoint(&v[t->n], io, t->node.wal_dir, &owner, e);
        if (rc < 0)
            return rc;
        t->n++;
    }
}

/* ---- what came after the checkpoint */

static int take_trims(struct log_truth *t, const struct wal_group *g)
{
    size_t at = WAL_PAYLOAD_HEADER;
    struct wal_frame f;
    while (wal_frame_next(g->payload, &at, &f) == 1) {
        struct wal_trim trim;
        if (f.type != WAL_TRIM || wal_trim_decode(f.body, &trim) < 0)
            continue;
        struct wal_trim *v = reallocarray(t->trims, t->n_trims + 1, sizeof *v);
        if (!v)
            return -ENOMEM;
        t->trims = v;
        v[t->n_trims++] = trim;
    }
    return 0;
}

/* As far as the log can be read: whether it is damaged is for chronik-wal to say. */
static int read_trims(struct log_truth *t, struct io *io, const struct checkpoint *cp,
                      struct err *e)
{
    char dir[IO_PATH_MAX];
    struct wal_reader_config cfg = {.io = io, .path = dir, .from = cp->replay, .live = true};
    struct wal_reader *r;
    struct wal_group g;
    int rc = node_wal_dir(dir, sizeof dir, t->node.wal_dir, cp->owner.shard);
    if (rc < 0)
        return err_code(e, rc, "%s", t->node.wal_dir);
    if (wal_reader_open(&r, &cfg, NULL) < 0)
        return 0;
    while (rc == 0 && wal_reader_next(r, &g, NULL) == 1)
        rc = take_trims(t, &g);
    wal_reader_free(r);
    return rc < 0 ? err_code(e, rc, "%s", dir) : 0;
}

int64_t log_truth_start(const struct log_truth *t, const struct checkpoint_partition *cp)
{
    int64_t start = cp->mark.log_start;
    for (size_t i = 0; i < t->n_trims; i++) {
        const struct wal_trim *trim = &t->trims[i];
        if (uuid_eq(&trim->topic_id, &cp->topic_id) && trim->partition == (uint32_t)cp->partition &&
            trim->log_start > start)
            start = trim->log_start;
    }
    return start;
}

/* ---- both */

int log_truth_read(struct log_truth *t, const struct log_place *p, struct err *e)
{
    struct place node;
    *t = (struct log_truth){0};
    if (!p->is_node)
        return 0;
    int rc = node_read(p->io, p->path, &t->node, e);
    /* Checkpoints first: what a broker does meanwhile only adds to what they say. */
    if (rc == 0)
        rc = read_checkpoints(t, p->io, e);
    for (size_t i = 0; rc == 0 && i < t->n; i++)
        rc = read_trims(t, p->io, &t->shards[i], e);
    if (rc == 0)
        rc = place_find(&node, p->io, p->path, e);
    if (rc == 0)
        rc = history_image(&node, HISTORY_LATEST, &t->image, e);
    t->known = rc == 0;
    return rc;
}

bool log_truth_stale(const struct log_truth *t, const struct log_place *p)
{
    for (size_t i = 0; t->known && i < t->n; i++) {
        struct checkpoint now;
        if (read_checkpoint(&now, p->io, t->node.wal_dir, &t->shards[i].owner, NULL) < 0)
            continue;
        bool newer = now.sequence != t->shards[i].sequence;
        checkpoint_release(&now);
        if (newer)
            return true;
    }
    return false;
}

const struct meta_topic *log_truth_topic(const struct log_truth *t,
                                         const struct log_partition *part)
{
    return t->known ? meta_topic_by_name(t->image, span_str(part->topic)) : NULL;
}

const struct checkpoint_partition *log_truth_mark(const struct log_truth *t,
                                                  const struct uuid *topic_id, int32_t partition)
{
    for (size_t i = 0; i < t->n; i++) {
        for (uint32_t j = 0; j < t->shards[i].n_partitions; j++) {
            const struct checkpoint_partition *cp = &t->shards[i].partitions[j];
            if (cp->partition == partition && uuid_eq(&cp->topic_id, topic_id))
                return cp;
        }
    }
    return NULL;
}

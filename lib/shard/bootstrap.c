/* bootstrap.c - a shard's first files: one segment and one checkpoint. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shard/shard_impl.h"

static int open_writer(const struct shard_config *cfg, struct wal_writer **w, struct wal_pos end,
                       uint64_t last_segment, uint64_t term, uint64_t vote, struct err *e)
{
    struct wal_writer_config wc = {.io = cfg->io,
                                   .log = cfg->log,
                                   .dir = cfg->wal_dir,
                                   .owner = cfg->owner,
                                   .segment_bytes = cfg->segment_bytes};
    return wal_writer_open(w, &wc, end, last_segment, term, vote, cfg->clock->wall_ms(cfg->clock),
                           e);
}

static int add_configuration(struct wal_payload *p, const uint64_t *voters, size_t n)
{
    struct shard_conf conf = {.n = (uint32_t)n};
    struct wr w;
    if (n == 0 || n > SHARD_SERVERS_MAX)
        return ERR_INVALID;
    for (size_t i = 0; i < n; i++)
        conf.servers[i] = (struct shard_server){voters[i], SHARD_VOTER};
    wr_init(&w, 0);
    shard_conf_encode(&conf, &w);
    uint8_t *body = w.err ? NULL : wal_payload_frame(p, WAL_CHANGE, 0, w.len);
    if (body)
        memcpy(body, w.buf, w.len);
    wr_free(&w);
    return body ? 0 : -ENOMEM;
}

/* Entry 1, the configuration, is the same on every node; raft counts it as committed. */
static int write_first_entry(const struct shard_config *cfg, struct wal_writer *w, uint64_t vote,
                             const uint64_t *voters, size_t n, struct err *e)
{
    struct wal_payload p;
    struct wal_write wr;
    int rc = wal_payload_init(&p, 256);
    if (rc)
        return err_code(e, rc, "%s", cfg->wal_dir);
    wal_write_init(&wr, w);
    rc = add_configuration(&p, voters, n);
    wal_payload_stamp(&p, 0, 0);
    if (rc == 0)
        rc = wal_write_entry(&wr, &p, 1, 1);
    if (rc == 0)
        rc = wal_write_seal(&wr, 1, vote, cfg->clock->wall_ms(cfg->clock), NULL);
    if (rc == 0) {
        wal_write_run(&wr, cfg->clock);
        rc = wal_write_done(&wr, NULL);
    }
    wal_write_release(&wr);
    wal_payload_release(&p);
    return rc ? err_code(e, rc, "first entry in %s", cfg->wal_dir) : 0;
}

static int save(const struct shard_config *cfg, const struct checkpoint *c, struct err *e)
{
    struct wr w;
    wr_init(&w, 0);
    checkpoint_encode(c, &w);
    int rc = w.err ? err_code(e, w.err, "checkpoint")
                   : checkpoint_save(cfg->io, cfg->wal_dir, c->sequence, &w, e);
    wr_free(&w);
    return rc;
}

static int save_empty_image(const struct shard_config *cfg, struct err *e)
{
    struct meta_image *m = meta_image_new(&cfg->owner.cluster_id);
    if (!m)
        return err_code(e, -ENOMEM, "snapshot");
    int rc = meta_snapshot_save(cfg->io, cfg->meta_dir, m, cfg->clock->wall_ms(cfg->clock), e);
    meta_image_unref(m);
    return rc;
}

int shard_bootstrap(const struct shard_config *cfg, const uint64_t *voters, size_t n, struct err *e)
{
    struct wal_writer *w = NULL;
    uint64_t vote = n == 1 ? voters[0] : 0;
    int rc = open_writer(cfg, &w, (struct wal_pos){0, 0}, 0, 1, vote, e);
    if (rc)
        return rc;
    struct wal_pos first = wal_writer_end(w);
    rc = write_first_entry(cfg, w, vote, voters, n, e);
    struct checkpoint c = {.sequence = 1,
                           .owner = cfg->owner,
                           .current_term = 1,
                           .vote = vote,
                           .wall_ms = cfg->clock->wall_ms(cfg->clock),
                           .live_segment = first.segment,
                           .replay = first,
                           .synced = wal_writer_synced(w),
                           .flags = CHECKPOINT_CLEAN};
    if (rc == 0 && cfg->owner.shard == 0)
        rc = save_empty_image(cfg, e);
    if (rc == 0)
        rc = save(cfg, &c, e);
    wal_writer_free(w);
    return rc;
}

/* Where the node's own log stands: the segments that are there will be dead. */
static int own_end(const struct shard_config *cfg, uint64_t *sequence, struct wal_end *end,
                   struct err *e)
{
    struct checkpoint newest, older;
    struct wal_reader *r = NULL;
    struct wal_group g;
    bool bad;
    int rc = checkpoint_load(cfg->io, cfg->wal_dir, &cfg->owner, &newest, &older, &bad, e);
    if (rc)
        return rc;
    struct wal_reader_config rcfg = {.io = cfg->io,
                                     .path = cfg->wal_dir,
                                     .owner = &cfg->owner,
                                     .from = newest.replay,
                                     .synced = newest.synced};
    *sequence = newest.sequence;
    checkpoint_release(&newest);
    checkpoint_release(&older);
    rc = wal_reader_open(&r, &rcfg, e);
    if (rc)
        return rc;
    while ((rc = wal_reader_next(r, &g, e)) == 1)
        continue;
    wal_reader_end(r, end);
    wal_reader_free(r);
    return rc;
}

int shard_import(const struct shard_config *cfg, struct span checkpoint, uint64_t term,
                 uint64_t vote, struct err *e)
{
    struct checkpoint c;
    struct wal_end end;
    struct wal_writer *w = NULL;
    uint64_t sequence = 0;
    int rc = checkpoint_decode(checkpoint, &c, e);
    if (rc)
        return rc;
    if (!uuid_eq(&c.owner.cluster_id, &cfg->owner.cluster_id) || c.owner.shard != cfg->owner.shard)
        rc = err_set(e, ERR_FOREIGN, "the checkpoint is of another cluster or shard");
    if (rc == 0)
        rc = own_end(cfg, &sequence, &end, e);
    if (rc == 0)
        rc = open_writer(cfg, &w, end.pos, end.last_segment, term, vote, e);
    if (rc == 0) {
        c.owner = cfg->owner;
        c.current_term = term;
        c.vote = vote;
        c.replay = c.synced = wal_writer_synced(w);
        c.live_segment = c.replay.segment;
        c.flags = 0;
        /* Both files: the log no longer reaches back to what the other one says. */
        for (int i = 0; i < 2 && rc == 0; i++) {
            c.sequence = ++sequence;
            rc = save(cfg, &c, e);
        }
    }
    wal_writer_free(w);
    checkpoint_release(&c);
    return rc;
}

/* recover.c - bring a shard up from its directory.
 *
 * In this order, so that being killed anywhere and starting again gives the same state:
 *   1 the newest checkpoint that checks, and for shard 0 its snapshot
 *   2 read the whole WAL from the checkpoint on, past the page cache: any corruption stops here,
 *     nothing was changed; then sync what was read, because a killed process may have left it in
 *     the page cache only
 *   3 the partition logs, cut to their checkpointed ends
 *   4 raft gets indexes and terms; what it reports committed is applied by the ordinary path
 *   5 the partition logs are synced; a new WAL segment is opened, its OPEN ending the log where
 *     step 2 found the end; a checkpoint names it
 *
 * A sole voter starts in a new term: libraft elects it without raising the term, and an index that
 * was cut off as a torn tail must not come again in the same term. OPEN makes that term durable
 * before the first entry of it is written.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "shard/shard_impl.h"

/* What reading the WAL gave. */
struct recovery {
    struct checkpoint ckpt, older;
    bool damaged; /* the other one is */
    struct wal_reader *reader;
    struct wal_end end;
    /* Where the log ends, but for segments behind it that hold nothing but their OPEN: starts that
     * died young. Segment 0: there are none. */
    struct wal_pos bare;
    bool rolled; /* the last group ended a segment */
    uint64_t term, vote;
    struct shard_conf conf, *changes; /* of the checkpoint; and of every CHANGE entry, in order */
    uint64_t *change_index;
    size_t n_changes;
    struct consensus_entry *entries;
};

static void recovery_release(struct recovery *r)
{
    checkpoint_release(&r->ckpt);
    checkpoint_release(&r->older);
    wal_reader_free(r->reader);
    free(r->changes);
    free(r->change_index);
    free(r->entries);
}

/* ---- 1 the checkpoint */

static int load_checkpoint(struct shard *s, struct recovery *r, struct err *e)
{
    int rc =
        checkpoint_load(s->cfg.io, s->wal_dir, &s->cfg.owner, &r->ckpt, &r->older, &r->damaged, e);
    if (rc)
        return rc == ERR_NOTFOUND
                   ? err_set(e, ERR_CORRUPT, "%s: there is a log but no checkpoint", s->wal_dir)
                   : rc;
    if (r->damaged)
        log_warn(s->cfg.log, "shard", "one of two checkpoints is damaged, the other one serves: %s",
                 e->text);
    r->ckpt.lone = !r->damaged && r->older.sequence == 0;
    r->conf.n = r->ckpt.n_servers;
    if (r->conf.n > SHARD_SERVERS_MAX)
        return err_set(e, ERR_CORRUPT, "%s: the checkpoint names %u servers", s->wal_dir,
                       r->conf.n);
    for (uint32_t i = 0; i < r->conf.n; i++)
        r->conf.servers[i] = (struct shard_server){r->ckpt.servers[i].id, r->ckpt.servers[i].role};
    r->term = r->ckpt.current_term;
    r->vote = r->ckpt.vote;
    s->conf = r->conf;
    s->conf_index = r->ckpt.conf_index;
    s->applied = s->commit = s->persisted = s->written = r->ckpt.index;
    s->applied_term = r->ckpt.term;
    s->checkpoint_index = r->ckpt.index;
    s->checkpoint_term = r->ckpt.term;
    s->checkpoint_replay = s->trail_replay = r->ckpt.replay;
    s->trail_index = r->ckpt.index;
    s->next_sequence = r->ckpt.sequence + 1;
    entries_init(&s->entries, r->ckpt.index + 1, &s->pool);
    return 0;
}

/* ---- 2 the log */

/* Says the checkpoint that all before p was synced? */
static bool is_durable(const struct recovery *r, struct wal_pos p)
{
    return wal_pos_cmp(p, r->ckpt.synced) <= 0;
}

static void note_term(struct recovery *r, uint64_t term, uint64_t vote)
{
    if (term >= r->term) {
        r->term = term;
        r->vote = vote;
    }
}

/* Does a checkpoint know of what lies behind p? */
static bool is_named(const struct recovery *r, struct wal_pos p)
{
    return wal_pos_cmp(p, r->ckpt.synced) < 0 || wal_pos_cmp(p, r->ckpt.replay) < 0 ||
           wal_pos_cmp(p, r->older.synced) < 0;
}

/* A segment that a ROLL or a checkpoint names must stay. */
static void note_bare(struct recovery *r, const struct wal_open *o)
{
    if (r->rolled || is_named(r, o->prev))
        r->bare = (struct wal_pos){0, 0};
    else if (r->bare.segment == 0)
        r->bare = o->prev;
}

static int note_local(struct recovery *r, const struct wal_group *g)
{
    size_t at = WAL_PAYLOAD_HEADER;
    struct wal_frame f;
    int rc;
    bool opens = false, rolls = false;
    while ((rc = wal_frame_next(g->payload, &at, &f)) == 1) {
        struct wal_open o;
        struct wal_state st;
        rolls |= f.type == WAL_ROLL;
        if (f.type == WAL_OPEN && wal_open_decode(f.body, &o) == 0) {
            opens = true;
            note_term(r, o.term, o.vote);
            note_bare(r, &o);
        } else if (f.type == WAL_STATE && wal_state_decode(f.body, &st) == 0) {
            note_term(r, st.term, st.vote);
        }
    }
    if (!opens)
        r->bare = (struct wal_pos){0, 0};
    r->rolled = rolls;
    return rc;
}

static int keep_change(struct recovery *r, uint64_t index, const struct shard_conf *conf)
{
    while (r->n_changes && r->change_index[r->n_changes - 1] >= index)
        r->n_changes--;
    struct shard_conf *c = realloc(r->changes, (r->n_changes + 1) * sizeof *c);
    if (c)
        r->changes = c;
    uint64_t *x = realloc(r->change_index, (r->n_changes + 1) * sizeof *x);
    if (x)
        r->change_index = x;
    if (!c || !x)
        return -ENOMEM;
    r->changes[r->n_changes] = *conf;
    r->change_index[r->n_changes++] = index;
    return 0;
}

static int note_entry(struct shard *s, struct recovery *r, const struct wal_group *g, struct err *e)
{
    struct shard_conf conf;
    if (g->index <= r->ckpt.index)
        return 0; /* covered; its successors may still be needed */
    uint64_t last = entries_last(&s->entries);
    if (g->index > last + 1)
        return err_set(e, ERR_CORRUPT,
                       "%s: entry %" PRIu64 " at byte %" PRIu64 " follows entry %" PRIu64
                       ": entries are missing",
                       wal_reader_file(r->reader), g->index, g->pos.offset, last);
    entries_truncate(&s->entries, g->index);
    while (r->n_changes && r->change_index[r->n_changes - 1] >= g->index)
        r->n_changes--;
    const struct entry *before = entries_get(&s->entries, g->index - 1);
    if (g->term < (before ? before->term : r->ckpt.term))
        return err_set(e, ERR_CORRUPT,
                       "%s: the term of entry %" PRIu64 " at byte %" PRIu64
                       " is lower than the one before it",
                       wal_reader_file(r->reader), g->index, g->pos.offset);
    struct entry en = {.term = g->term, .pos = g->pos, .payload_len = g->payload_len};
    en.change = shard_payload_change(g->payload, &conf);
    if (g->term > r->term)
        note_term(r, g->term, 0);
    int rc = entries_append(&s->entries, &en);
    if (rc == 0 && en.change)
        rc = keep_change(r, g->index, &conf);
    return rc ? err_code(e, rc, "%s", wal_reader_file(r->reader)) : 0;
}

/* A killed process leaves bytes in the page cache that no sync has covered: before anything is
 * built on them, one must. */
static int sync_segments(struct shard *s, struct recovery *r, struct err *e)
{
    size_t n = 0;
    if (is_durable(r, r->end.pos))
        return 0;
    const struct wal_segment_header *segs = wal_reader_segments(r->reader, &n);
    for (size_t i = 0; i < n; i++) {
        char path[IO_PATH_MAX];
        struct io_file *f = NULL;
        if (segs[i].id < r->ckpt.replay.segment)
            continue;
        int rc = wal_segment_path(path, sizeof path, s->wal_dir, segs[i].id);
        if (rc == 0)
            rc = io_open(s->cfg.io, path, IO_WRITE, &f);
        if (rc == 0) {
            rc = io_sync(f);
            io_close(f);
        }
        if (rc)
            return err_code(e, rc, "sync %s", path);
    }
    return 0;
}

static void report_end(struct shard *s, const struct recovery *r)
{
    if (!r->end.torn)
        return;
    log_warn(s->cfg.log, "wal",
             "torn tail cut file=%s/%020" PRIu64 ".wal position=%" PRIu64 " bytes=%" PRIu64
             ": an unfinished write, never acknowledged",
             s->wal_dir, r->end.pos.segment, r->end.pos.offset, r->end.torn_bytes);
}

/* Did the log's writer stop behind this checkpoint? Unless the other one is newer, who knows. */
static bool was_closed(const struct recovery *r)
{
    return r->ckpt.flags & CHECKPOINT_CLEAN && !r->damaged;
}

static int read_log(struct shard *s, struct recovery *r, struct err *e)
{
    struct wal_reader_config cfg = {.io = s->cfg.io,
                                    .path = s->wal_dir,
                                    .owner = &s->cfg.owner,
                                    .from = r->ckpt.replay,
                                    .synced = r->ckpt.synced,
                                    .closed = was_closed(r),
                                    .fresh = true};
    int rc = wal_reader_open(&r->reader, &cfg, e);
    if (rc)
        return rc == ERR_NOTFOUND
                   ? err_set(e, ERR_CORRUPT, "%s: there is a checkpoint but no log", s->wal_dir)
                   : rc;
    struct wal_group g;
    while ((rc = wal_reader_next(r->reader, &g, e)) == 1) {
        if (g.index) {
            r->bare = (struct wal_pos){0, 0};
            r->rolled = false;
        }
        rc = g.index ? note_entry(s, r, &g, e) : note_local(r, &g);
        if (rc < 0)
            return rc;
    }
    if (rc < 0)
        return rc;
    wal_reader_end(r->reader, &r->end);
    report_end(s, r);
    return sync_segments(s, r, e);
}

/* ---- 4 raft */

static int start_raft(struct shard *s, struct recovery *r, struct consensus_update *u,
                      struct err *e)
{
    size_t n = s->entries.n, c = 0;
    const struct shard_conf *latest = &r->conf;
    if (n) {
        r->entries = calloc(n, sizeof *r->entries);
        if (!r->entries)
            return err_code(e, -ENOMEM, "raft");
    }
    for (size_t i = 0; i < n; i++) {
        const struct entry *en = entries_get(&s->entries, s->entries.first + i);
        r->entries[i].term = en->term;
        if (en->change && c < r->n_changes)
            latest = r->entries[i].change = &r->changes[c++];
    }
    uint64_t id = s->cfg.owner.node_id;
    if (shard_conf_sole_voter(latest, id)) {
        r->term++;
        r->vote = id;
    }
    struct consensus_start st = {.id = id,
                                 .seed = (uint32_t)(id * 2654435761u) ^
                                         (uint32_t)s->cfg.clock->mono_ns(s->cfg.clock),
                                 .now_ms = shard_now(s),
                                 .term = r->term,
                                 .vote = r->vote,
                                 .index = r->ckpt.index,
                                 .index_term = r->ckpt.term,
                                 .conf = r->conf,
                                 .conf_index = r->ckpt.conf_index,
                                 .entries = r->entries,
                                 .n = n};
    s->raft = consensus_new(&st, u, e);
    if (!s->raft)
        return e->code ? e->code : -ENOMEM;
    s->written = s->persisted = entries_last(&s->entries);
    return 0;
}

/* All that raft knows to be committed, from the files that were just read. */
static int replay(struct shard *s, struct consensus_update *u, struct err *e)
{
    u->state = false; /* OPEN will hold term and vote */
    if (shard_update(s, u) == 0) {
        s->commit = consensus_commit(s->raft);
        shard_apply(s);
    }
    if (s->stalled)
        return err_set(e, s->stalled,
                       "%s: entry %" PRIu64
                       " cannot be applied: %s: see to what is short, then start "
                       "again: nothing is lost",
                       s->wal_dir, s->applied + 1, s->why.text);
    if (!s->poisoned)
        return 0;
    return err_set(e, s->poison_code, "%s: entry %" PRIu64 " cannot be applied: %s", s->wal_dir,
                   s->applied + 1, s->why.code ? s->why.text : err_str(s->poison_code));
}

/* ---- 5 the new segment */

/* Where the new OPEN says that the log ends: before bare segments, so that these are dead then. */
static struct wal_pos log_end(const struct recovery *r)
{
    return r->bare.segment ? r->bare : r->end.pos;
}

static int open_wal(struct shard *s, struct recovery *r, struct err *e)
{
    struct wal_writer_config cfg = {.io = s->cfg.io,
                                    .log = s->cfg.log,
                                    .dir = s->wal_dir,
                                    .owner = s->cfg.owner,
                                    .segment_bytes = s->cfg.segment_bytes,
                                    .first_bytes = s->cfg.first_segment_bytes,
                                    .spare = shard_spare_segments(s),
                                    .durable = true, /* by read_log */
                                    .direct = s->cfg.wal_direct,
                                    .leave_free = s->cfg.reserve_bytes};
    int rc = wal_writer_open(&s->wal, &cfg, log_end(r), r->end.last_segment, r->term, r->vote,
                             s->cfg.clock->wall_ms(s->cfg.clock), e);
    if (rc)
        return rc;
    wal_write_init(&s->write, s->wal);
    s->last_write_ms = shard_now(s);
    return 0;
}

static int recover(struct shard *s, struct recovery *r, struct err *e)
{
    struct consensus_update u;
    int rc = load_checkpoint(s, r, e);
    if (rc == 0)
        rc = read_log(s, r, e);
    if (rc == 0)
        rc = s->ops->load(s, &r->ckpt, e);
    if (rc == 0)
        rc = start_raft(s, r, &u, e);
    if (rc == 0)
        rc = replay(s, &u, e);
    if (rc == 0 && s->ops->hold_checkpoints(s))
        rc = err_set(e, s->hold_why.code ? s->hold_why.code : -EIO,
                     "a partition log cannot be written: %s: see to the disk, then start again",
                     s->hold_why.text);
    if (rc == 0)
        rc = open_wal(s, r, e);
    if (rc == 0)
        rc = shard_checkpoint_now(s, 0, e);
    return rc;
}

/* ---- life */

static struct shard *make(const struct shard_config *cfg, struct err *e)
{
    struct shard *s = calloc(1, sizeof *s);
    if (!s) {
        err_code(e, -ENOMEM, "shard");
        return NULL;
    }
    s->cfg = *cfg;
    s->ops = cfg->owner.shard == 0 ? &shard_machine_meta : &shard_machine_data;
    s->wal_dir = strdup(cfg->wal_dir);
    s->meta_dir = cfg->meta_dir ? strdup(cfg->meta_dir) : NULL;
    s->checkpoint_max = CHECKPOINT_FILE_MAX;
    s->log_dir = cfg->plog.dir ? strdup(cfg->plog.dir) : NULL;
    s->cfg.plog.dir = s->log_dir;
    hdr_init(&s->sync_us);
    entries_init(&s->entries, 1, &s->pool);
    if (!s->wal_dir || (cfg->meta_dir && !s->meta_dir) || (cfg->plog.dir && !s->log_dir) ||
        s->ops->make(s)) {
        shard_free(s);
        err_code(e, -ENOMEM, "shard");
        return NULL;
    }
    return s;
}

/* syncfs tells of the writes that failed since its descriptor was opened: so before the first. */
static int open_log_fs(struct shard *s, struct err *e)
{
    if (!s->cfg.sync_fs || !s->log_dir)
        return 0;
    int rc = io_open(s->cfg.io, s->log_dir, IO_READ, &s->log_fs);
    return rc ? err_code(e, rc, "%s", s->log_dir) : 0;
}

int shard_open(struct shard **out, const struct shard_config *cfg, struct err *e)
{
    struct err local = {0};
    struct recovery r = {0};
    struct shard *s = make(cfg, e);
    *out = NULL;
    if (!s)
        return -ENOMEM;
    int rc = open_log_fs(s, e);
    if (rc == 0)
        rc = recover(s, &r, e ? e : &local);
    if (rc == 0) {
        s->checkpoint_at_ms = shard_now(s);
        s->ops->loaded(s);
        /* Where something was replayed, the checkpoint has let raft speak, and its own first entry
         * is submitted already. */
        if (consensus_role(s->raft) == CONSENSUS_LEADER && !s->lead_index)
            rc = shard_submit_noop(s);
    }
    recovery_release(&r);
    if (rc) {
        shard_free(s);
        return rc;
    }
    *out = s;
    shard_advance(s);
    return 0;
}

void shard_free(struct shard *s)
{
    if (!s)
        return;
    if (s->data) /* or s->meta: the union's members have one address */
        s->ops->free(s);
    while (s->n_flying)
        shard_payload_unref(&s->pool, s->flying[--s->n_flying]);
    free(s->flying);
    while (s->held.head) {
        struct shard_message *m = s->held.head;
        s->held.head = m->next;
        shard_message_free(m);
    }
    wal_reader_free(s->reader);
    if (s->wal) {
        wal_write_release(&s->write);
        wal_writer_free(s->wal);
    }
    entries_release(&s->entries);
    shard_payload_pool_release(&s->pool);
    consensus_free(s->raft);
    free(s->wal_dir);
    free(s->meta_dir);
    free(s->log_dir);
    io_close(s->log_fs);
    free(s);
}

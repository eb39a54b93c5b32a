/* shard.c - the order of things: events in, raft, the WAL, apply, events out.
 *
 * The happy path of an entry on the leader:
 *   start_write    takes what the machine gathered, submits it to raft, which gives it an index;
 *                  the entry goes into the table and, with every other entry not yet written, into
 *                  one write
 *   shard_written  the write is durable: positions are noted, raft is told (never of an entry a
 *                  truncation dropped meanwhile, never twice of the same), its commit index moves
 *   shard_apply    committed and durable entries are applied in order; the machine completes who
 *                  waits
 *
 * On a follower entries come with a message instead and take the same way from the table on.
 *
 * Failure modes:
 *   a write or sync fails    poison: nobody is told anything but ERR_POISONED from here on
 *   raft reports an error    the same, also where it lacks memory: the flags of that step are
 *                            lost, the state in memory is not to be trusted
 *   leadership is lost       what is staged fails; what is in the log stays, and completes when it
 *                            is applied or truncated: until then its outcome is not known
 *   no room in the WAL       entries wait; staged batches too, or are refused if the disk is full
 *   room, descriptors or memory are short
 *                            nothing fails: see space.c
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mutant.h"
#include "shard/shard_impl.h"

enum {
    MARK_IDLE_MS = 50,       /* the rule says within 100 ms of idling */
    ENTRIES_PER_WRITE = 512, /* a bound on one write's groups */
    MEMORY_RETRY_MS = 100,   /* there was none for a write */
};

int64_t shard_now(struct shard *s)
{
    return clock_mono_ms(s->cfg.clock);
}

/* ---- poison */

static void fail_uncommitted(struct shard *s, uint64_t from, int code)
{
    for (uint64_t i = from; i <= entries_last(&s->entries); i++) {
        struct entry *e = entries_get(&s->entries, i);
        if (e && e->payload)
            s->ops->fail_waiters(s, e->payload, code);
    }
}

void shard_poison_why(struct shard *s, const struct err *why)
{
    if (s->poisoned || MUTANT(poison_ignored))
        return;
    s->poisoned = true;
    s->poison_code = why->code;
    log_error(
        s->cfg.log, "shard",
        "stopped: nothing more is written or acknowledged, fetches go on shard=%u error=\"%s\""
        ": see to the cause (the kernel's log tells of disks), then restart, which recovers all "
        "that was acknowledged",
        s->cfg.owner.shard, why->text);
    s->ops->fail_staged(s, ERR_POISONED);
    fail_uncommitted(s, s->applied + 1, ERR_POISONED);
}

void shard_poison(struct shard *s, int code, const char *what)
{
    struct err why;
    err_code(&why, code, "%s", what);
    shard_poison_why(s, &why);
}

/* ---- the table */

bool shard_payload_change(struct span payload, struct shard_conf *conf)
{
    size_t at = WAL_PAYLOAD_HEADER;
    struct wal_frame f;
    return wal_frame_next(payload, &at, &f) == 1 && f.type == WAL_CHANGE &&
           shard_conf_decode(f.body, conf) == 0;
}

static void truncate(struct shard *s, uint64_t index)
{
    fail_uncommitted(s, index, ERR_NOTLEADER);
    entries_truncate(&s->entries, index);
    if (s->written >= index)
        s->written = index - 1;
    if (s->persisted >= index)
        s->persisted = index - 1; /* raft must not be told of it as if the new entry were durable */
    if (s->writing && s->write_last >= index)
        s->write_last = index - 1;
}

/* Takes over the caller's reference on p. */
static int append(struct shard *s, uint64_t index, uint64_t term, struct shard_payload *p)
{
    struct shard_conf conf;
    if (index <= entries_last(&s->entries))
        truncate(s, index);
    struct entry e = {.term = term,
                      .payload_len = (uint32_t)p->wal.len,
                      .change = shard_payload_change(wal_payload_span(&p->wal), &conf),
                      .payload = p};
    int rc = entries_append(&s->entries, &e);
    if (rc)
        s->ops->fail_waiters(s, p, ERR_POISONED);
    shard_payload_unref(&s->pool, p);
    return rc;
}

static struct shard_payload *noop_payload(struct shard *s)
{
    struct shard_payload *p = shard_payload_get(&s->pool, 256);
    if (p && !wal_payload_frame(&p->wal, WAL_NOOP, 0, 0)) {
        shard_payload_unref(&s->pool, p);
        p = NULL;
    }
    return p;
}

int shard_entry_payload(struct shard *s, uint64_t index, struct span *payload, struct err *e)
{
    struct entry *en = entries_get(&s->entries, index);
    if (!en)
        return err_set(e, ERR_NOTFOUND, "entry %" PRIu64 " is not in the log", index);
    if (en->payload) {
        *payload = wal_payload_span(&en->payload->wal);
        return 0;
    }
    if (!s->reader) {
        /* Entries stand in the order of their indexes. What lies before the first that is held is
         * kept for the older checkpoint, or released: damage there is nobody's loss. */
        struct entry *first = entries_get(&s->entries, s->entries.first);
        struct wal_reader_config rc = {.io = s->cfg.io,
                                       .path = s->wal_dir,
                                       .owner = &s->cfg.owner,
                                       .from = {MUTANT(all_segments_read) ? 0 : first->pos.segment},
                                       .live = true};
        int r = wal_reader_open(&s->reader, &rc, e);
        if (r)
            return r;
    }
    struct wal_group g;
    int rc = wal_reader_at(s->reader, en->pos, &g, e);
    if (rc < 0)
        return rc;
    if (g.index != index || g.term != en->term)
        return err_set(e, ERR_CORRUPT,
                       "%s: the group at byte %" PRIu64 " holds entry %" PRIu64 ", not %" PRIu64,
                       wal_reader_file(s->reader), en->pos.offset, g.index, index);
    *payload = g.payload;
    return 0;
}

/* ---- messages */

static void messages_push(struct shard_messages *q, struct shard_message *m)
{
    m->next = NULL;
    if (!q->head)
        q->tail = &q->head;
    *q->tail = m;
    q->tail = &m->next;
}

static int fill_append(struct shard *s, struct shard_message *m)
{
    uint32_t n = m->append.n;
    struct err why;
    m->append.n = 0;
    if (n == 0)
        return 0;
    m->append.entries = calloc(n, sizeof *m->append.entries);
    if (!m->append.entries)
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t index = m->append.prev_index + 1 + i;
        struct span payload;
        struct entry *e = entries_get(&s->entries, index);
        int rc = shard_entry_payload(s, index, &payload, &why);
        if (rc)
            return rc;
        struct shard_message_entry *to = &m->append.entries[i];
        to->payload = malloc(payload.n);
        if (!to->payload)
            return -ENOMEM;
        memcpy(to->payload, payload.p, payload.n);
        to->n = payload.n;
        to->term = e->term;
        m->append.n++;
    }
    return 0;
}

/* Raft would send entries that are not in the log any more. */
static void send_checkpoint_instead(struct shard *s, struct shard_message *m)
{
    for (uint32_t i = 0; i < m->append.n; i++)
        free(m->append.entries[i].payload);
    free(m->append.entries);
    memset(&m->install, 0, sizeof m->install);
    m->type = SHARD_INSTALL;
    m->version = CONSENSUS_INSTALL_VERSION;
    m->install.index = s->checkpoint_index;
    m->install.term = s->checkpoint_term;
}

/* A message goes only when the term and vote it speaks for are durable. One that cannot be filled
 * is dropped: raft sends again. */
static void send_message(struct shard *s, struct shard_message *m)
{
    int rc = s->cfg.host->send && m->type == SHARD_APPEND ? fill_append(s, m) : 0;
    if (rc == ERR_NOTFOUND)
        send_checkpoint_instead(s, m);
    else if (rc || !s->cfg.host->send) {
        shard_message_free(m);
        return;
    }
    if (m->type == SHARD_INSTALL) {
        m->install.conf = s->conf;
        m->install.conf_index = s->conf_index;
    }
    if (s->state_due || s->write_has_state || s->held.head)
        messages_push(&s->held, m);
    else
        s->cfg.host->send(s->cfg.host->ctx, s, m);
}

static void release_held(struct shard *s)
{
    while (s->held.head && !s->state_due && !s->write_has_state) {
        struct shard_message *m = s->held.head;
        s->held.head = m->next;
        m->next = NULL;
        s->cfg.host->send(s->cfg.host->ctx, s, m);
    }
}

/* ---- updates */

static void lose_leadership(struct shard *s)
{
    s->lead_index = 0;
    s->ops->lead(s, false);
    s->ops->fail_staged(s, ERR_NOTLEADER);
    if (s->leading && s->cfg.host->lead)
        s->cfg.host->lead(s->cfg.host->ctx, s, false);
    s->leading = false;
}

static int follow_role(struct shard *s)
{
    bool leader = consensus_role(s->raft) == CONSENSUS_LEADER;
    if (!leader && s->lead_index)
        lose_leadership(s);
    /* Not before recovery has opened the WAL. A leader's first entry is its own: raft commits
     * nothing of earlier terms by counting, and a sole voter's election appends nothing by itself.
     */
    if (leader && !s->lead_index && s->wal && !s->poisoned)
        return shard_submit_noop(s);
    return 0;
}

static int take_entries(struct shard *s, const struct consensus_update *u,
                        const struct shard_message *m)
{
    if (u->barrier) {
        struct shard_payload *p = noop_payload(s);
        if (!p)
            return -ENOMEM;
        wal_payload_stamp(&p->wal, 0, s->cfg.clock->wall_ms(s->cfg.clock));
        s->lead_index = u->first;
        return append(s, u->first, u->barrier_term, p);
    }
    for (size_t i = 0; m && i < u->n; i++) {
        const struct shard_message_entry *e = &m->append.entries[u->from + i];
        struct shard_payload *p = shard_payload_get(&s->pool, e->n);
        if (!p)
            return -ENOMEM;
        int rc = wal_payload_set(&p->wal, span_of(e->payload, e->n));
        if (rc) {
            shard_payload_unref(&s->pool, p);
            return rc;
        }
        rc = append(s, u->first + i, e->term, p);
        if (rc)
            return rc;
    }
    return 0;
}

/* Act on what raft said, in the order it demands: state, entries, messages, commit. m: the message
 * it answers. */
int shard_update_from(struct shard *s, struct consensus_update *u, const struct shard_message *m)
{
    int rc = 0;
    if (u->state)
        s->state_due = true;
    if (u->first && (m || u->barrier))
        rc = take_entries(s, u, m);
    for (size_t i = 0; i < u->n_messages; i++)
        send_message(s, u->messages[i]);
    if (rc == 0 && u->install && s->cfg.host->install) {
        s->installing = true;
        s->cfg.host->install(s->cfg.host->ctx, s, m ? m->from : 0, u->install_index);
    }
    if (rc == 0)
        rc = follow_role(s);
    if (rc == 0 && u->commit) {
        /* libraft takes it back when a message that was overtaken comes from a leader that knows
         * more by now. What is committed stays so. */
        uint64_t commit = consensus_commit(s->raft);
        if (commit > s->commit)
            s->commit = commit;
        shard_apply(s);
    }
    if (rc)
        shard_poison(s, rc, "raft");
    return rc;
}

int shard_update(struct shard *s, struct consensus_update *u)
{
    return shard_update_from(s, u, NULL);
}

/* ---- apply */

static int apply_change(struct shard *s, uint64_t index, struct span payload)
{
    struct shard_conf conf;
    struct consensus_update u;
    if (!shard_payload_change(payload, &conf))
        return 0;
    s->conf = conf;
    s->conf_index = index;
    int rc = consensus_configured(s->raft, shard_now(s), index, &conf, &u);
    return rc ? rc : shard_update(s, &u);
}

static void say_lead(struct shard *s)
{
    if (s->leading || !s->lead_index || s->applied < s->lead_index)
        return;
    s->leading = true;
    s->ops->lead(s, true);
    if (s->cfg.host->lead)
        s->cfg.host->lead(s->cfg.host->ctx, s, true);
}

static int apply_one(struct shard *s, uint64_t index)
{
    struct span payload;
    struct err *e = &s->why;
    e->code = 0;
    int rc = shard_entry_payload(s, index, &payload, e);
    struct entry *en = entries_get(&s->entries, index);
    if (rc == 0)
        rc = s->ops->apply(s, index, en->term, payload, en->payload, e);
    if (rc)
        return e->code == rc || rc == ERR_BUSY ? rc : err_code(e, rc, "apply");
    s->applied = index;
    s->applied_term = en->term;
    if (en->change)
        rc = apply_change(s, index, payload);
    entries_forget_payload(&s->entries, index);
    return rc;
}

void shard_apply(struct shard *s)
{
    if (s->depth) /* a configuration applied below moved the commit index: the loop that is running
                     sees it */
        return;
    s->depth++;
    /* While a checkpoint is on its way, raft's commit index is that of a log we do not have. */
    while (!s->poisoned && !s->installing && s->applied < s->commit && s->applied < s->persisted &&
           !shard_stall_lasts(s)) {
        int rc = apply_one(s, s->applied + 1);
        if (rc == 0) {
            shard_unstall(s);
        } else if (rc == ERR_BUSY) {
            break;
        } else if (err_is_shortage(rc)) {
            shard_stall(s, s->applied + 1, rc, &s->why);
            shard_trim_ahead(s);
        } else {
            err_wrap(&s->why, "entry %" PRIu64 " cannot be applied", s->applied + 1);
            shard_poison_why(s, &s->why);
        }
    }
    s->depth--;
    if (!s->poisoned)
        say_lead(s);
}

/* ---- writing */

int shard_submit(struct shard *s, struct shard_payload *p, const struct shard_conf *change)
{
    struct consensus_update u;
    int rc = consensus_submit(s->raft, shard_now(s), change, &u);
    if (rc) {
        s->ops->fail_waiters(s, p, rc == ERR_NOTLEADER ? rc : ERR_POISONED);
        shard_payload_unref(&s->pool, p);
        if (rc != ERR_NOTLEADER)
            shard_poison(s, rc, "raft submit");
        return rc;
    }
    s->stats.proposals++;
    rc = append(s, u.first, consensus_term(s->raft), p);
    if (rc) {
        shard_poison(s, rc, "raft submit");
        return rc;
    }
    return shard_update(s, &u);
}

int shard_submit_noop(struct shard *s)
{
    struct shard_payload *p = noop_payload(s);
    if (!p)
        return -ENOMEM;
    wal_payload_stamp(&p->wal, 0, s->cfg.clock->wall_ms(s->cfg.clock));
    s->lead_index = entries_last(&s->entries) + 1;
    return shard_submit(s, p, NULL);
}

/* wal.linger.us: wait so long for company, unless the entry is full. */
static bool lingers(struct shard *s)
{
    if (s->cfg.linger_us <= 0 || s->stopping || !s->ops->may_grow(s))
        return false;
    int64_t now = s->cfg.clock->mono_ns(s->cfg.clock);
    if (!s->linger_from_ns)
        s->linger_from_ns = now;
    return now - s->linger_from_ns < s->cfg.linger_us * 1000;
}

/* Is the end of it what the next write waits for? */
static bool is_lingering(const struct shard *s)
{
    return s->linger_from_ns && s->leading && !s->writing && !s->poisoned &&
           entries_last(&s->entries) == s->written;
}

/* -ENOMEM: what is staged waits for memory. Room in the table comes first, for what raft took
 * cannot be taken back. */
static int submit_staged(struct shard *s)
{
    if (!s->leading)
        return 0;
    for (int i = 0; i < ENTRIES_PER_WRITE && !s->poisoned && s->leading; i++) {
        int rc = s->ops->staged(s) && !MUTANT(submit_unreserved) ? entries_reserve(&s->entries) : 0;
        if (rc) {
            s->linger_from_ns = 0;
            if (s->hurried) /* nobody waits for it any more, and what has an offset stays in order */
                shard_poison(s, rc, "stop");
            return rc;
        }
        s->ops->gather(s);
        if (lingers(s))
            return 0;
        s->linger_from_ns = 0;
        struct shard_payload *p = s->ops->take(s);
        if (!p || shard_submit(s, p, NULL))
            return 0;
    }
    return 0;
}

static int add_state(struct shard *s)
{
    uint8_t body[WAL_STATE_SIZE];
    put_le64(body, consensus_term(s->raft));
    put_le64(body + 8, consensus_vote(s->raft));
    return wal_write_local(&s->write, WAL_STATE, span_of(body, sizeof body));
}

static int add_entries(struct shard *s)
{
    size_t bytes = 0;
    s->write_first = s->written + 1;
    s->write_last = s->written;
    for (int n = 0; n < ENTRIES_PER_WRITE && s->write_last < entries_last(&s->entries); n++) {
        struct entry *e = entries_get(&s->entries, s->write_last + 1);
        bytes += wal_group_bytes(e->payload_len);
        if (n && bytes > wal_writer_max_payload(s->wal) / 2)
            break;
        int rc = s->ops->hint(s, wal_payload_span(&e->payload->wal), &s->write);
        if (rc == 0)
            rc = wal_write_entry(&s->write, &e->payload->wal, s->write_last + 1, e->term);
        if (rc)
            return rc;
        s->write_last++;
    }
    return 0;
}

/* For hold_payloads, which may not fail: what is sealed must be written. */
static int reserve_flying(struct shard *s)
{
    size_t n = (size_t)(s->write_last - s->write_first + 1);
    if (n <= s->cap_flying)
        return 0;
    struct shard_payload **p = realloc(s->flying, n * sizeof(struct shard_payload *));
    if (!p)
        return -ENOMEM;
    s->flying = p;
    s->cap_flying = n;
    return 0;
}

/* Compose one write of all that waits for one. 0 and nothing to write, 1, or a code. */
static int compose(struct shard *s)
{
    bool entries = entries_last(&s->entries) > s->written;
    bool state = s->state_due, mark = s->mark_due && !entries;
    if (!entries && !state && !mark)
        return 0;
    wal_write_begin(&s->write);
    int rc = state ? add_state(s) : 0;
    if (rc == 0 && mark)
        rc = wal_write_local(&s->write, WAL_MARK, span_of(NULL, 0));
    if (rc == 0)
        rc = add_entries(s);
    if (rc == 0)
        rc = reserve_flying(s);
    if (rc)
        return rc;
    bool rolled = false;
    rc = wal_write_seal(&s->write, consensus_term(s->raft), consensus_vote(s->raft),
                        s->cfg.clock->wall_ms(s->cfg.clock), &rolled);
    if (rc)
        return rc;
    if (rolled)
        s->ops->rolled(s);
    s->write_has_state = state;
    s->state_due = false;
    s->mark_due = false;
    s->written = s->write_last;
    /* The payloads belong to the write until it is done, even if a truncation drops their entries
     * meanwhile. */
    return 1;
}

static void hold_payloads(struct shard *s)
{
    s->n_flying = 0;
    for (uint64_t i = s->write_first; i <= s->write_last; i++)
        s->flying[s->n_flying++] = shard_payload_ref(entries_get(&s->entries, i)->payload);
}

static void drop_payloads(struct shard *s)
{
    while (s->n_flying)
        shard_payload_unref(&s->pool, s->flying[--s->n_flying]);
}

static void report_persisted(struct shard *s, uint64_t index)
{
    struct consensus_update u;
    s->persisted = index;
    int rc = consensus_persisted(s->raft, shard_now(s), index, &u);
    s->depth++; /* not applied yet */
    if (rc)
        shard_poison(s, rc, "raft persisted");
    else
        shard_update(s, &u);
    s->depth--;
}

static void start_write(struct shard *s)
{
    if (s->writing || s->poisoned)
        return;
    int staged = entries_last(&s->entries) == s->written ? submit_staged(s) : 0;
    if (s->poisoned)
        return;
    int rc = compose(s);
    s->write_short = rc == -ENOMEM || staged == -ENOMEM;
    if (rc == ERR_BUSY || rc == -ENOMEM) {
        /* The next segment is not ready: when it is, shard_advance comes here again. Or memory was
         * short: then shard_tick does. */
        s->ops->rolled(s); /* hints that were added have not been written */
        s->stats.waits_space++;
        return;
    }
    if (rc < 0) {
        shard_poison(s, rc, "compose a write");
        return;
    }
    if (rc == 0)
        return;
    hold_payloads(s);
    s->writing = true;
    if (MUTANT(reply_before_sync)) {
        report_persisted(s, s->write_last);
        shard_apply(s);
    }
    s->cfg.host->write(s->cfg.host->ctx, s);
}

uint64_t shard_write_size(const struct shard *s)
{
    return wal_write_size(&s->write);
}

void shard_write_run(struct shard *s)
{
    wal_write_run(&s->write, s->cfg.clock);
}

static void note_positions(struct shard *s)
{
    /* write_last was lowered if a truncation dropped entries while they were written. */
    for (uint64_t i = s->write_first; i <= s->write_last; i++) {
        struct entry *e = entries_get(&s->entries, i);
        e->pos = wal_write_pos(&s->write, (size_t)(i - s->write_first));
    }
}

void shard_written(struct shard *s)
{
    s->stats.syncs += s->write.n_steps;
    struct err why;
    int rc = wal_write_done(&s->write, &why);
    s->writing = false;
    s->stats.writes++;
    s->stats.bytes += s->write.bytes;
    s->last_write_ms = shard_now(s);
    if (rc) {
        drop_payloads(s);
        shard_poison_why(s, &why);
        shard_advance(s);
        return;
    }
    shard_note_sync(s, s->write.sync_us);
    s->write_has_state = false;
    release_held(s);
    note_positions(s);
    uint64_t durable = s->write_last;
    drop_payloads(s);
    if (durable > s->persisted)
        report_persisted(s, durable);
    /* The next write goes first: while the disk works, this one is applied to the partition logs.
     */
    start_write(s);
    shard_advance(s);
}

/* A host in a hurry has answers to give: what no write and no job under way will bring on is not
 * waited for. */
static void give_answers(struct shard *s)
{
    if (s->hurried && !s->writing && !s->job_prepare && !s->job_checkpoint)
        shard_abandon(s);
}

void shard_advance(struct shard *s)
{
    if (!s->wal)
        return;
    shard_apply(s);
    start_write(s);
    shard_jobs_advance(s);
    if (s->stopping && s->mark_due) {
        start_write(s); /* the last MARK */
        if (s->mark_due)
            shard_jobs_advance(s); /* there is no room for it yet */
    }
    give_answers(s);
}

void shard_flush(struct shard *s)
{
    shard_advance(s);
}

void shard_abandon(struct shard *s)
{
    fail_uncommitted(s, s->applied + 1, ERR_UNKNOWN_OUTCOME);
}

void shard_hurry(struct shard *s)
{
    s->hurried = true;
    s->ops->stopping(s);
    s->retry_apply_ms = 0;
    shard_advance(s);
}

/* ---- time */

static int64_t tick_raft(struct shard *s, int64_t now)
{
    if (s->poisoned || s->stopping)
        return INT64_MAX;
    int64_t due = consensus_deadline(s->raft, s->cfg.owner.node_id);
    if (due > now)
        return due;
    struct consensus_update u;
    int rc = consensus_timeout(s->raft, now, &u);
    if (rc)
        shard_poison(s, rc, "raft timeout");
    else
        shard_update(s, &u);
    due = consensus_deadline(s->raft, s->cfg.owner.node_id);
    return due > now ? due : now + 10; /* a spare's deadline stays in the past for ever */
}

static int64_t tick_mark(struct shard *s, int64_t now)
{
    if (s->poisoned || s->writing || !wal_writer_wants_mark(s->wal) || MUTANT(mark_never))
        return INT64_MAX;
    if (now - s->last_write_ms >= MARK_IDLE_MS) {
        s->mark_due = true;
        return INT64_MAX;
    }
    return s->last_write_ms + MARK_IDLE_MS;
}

int64_t shard_tick(struct shard *s)
{
    int64_t now = shard_now(s);
    int64_t due = tick_raft(s, now), t = tick_mark(s, now);
    due = t < due ? t : due;
    t = shard_jobs_tick(s, now);
    due = t < due ? t : due;
    t = s->poisoned || s->stopping ? INT64_MAX : s->ops->tick(s, now);
    due = t < due ? t : due;
    shard_advance(s);
    if (s->stalled && s->retry_apply_ms < due)
        due = s->retry_apply_ms;
    if (s->write_short && now + MEMORY_RETRY_MS < due)
        due = now + MEMORY_RETRY_MS;
    if (s->easing && !s->poisoned && !s->stopping && s->ease_ms < due)
        due = s->ease_ms;
    if (is_lingering(s) && now + 1 < due)
        due = now + 1;
    return due == INT64_MAX ? due : due > now ? due - now : 0;
}

int64_t shard_linger_ns(const struct shard *s)
{
    if (!is_lingering(s))
        return INT64_MAX;
    int64_t since = s->cfg.clock->mono_ns(s->cfg.clock) - s->linger_from_ns;
    int64_t whole = s->cfg.linger_us * 1000;
    return since < whole ? whole - since : 0;
}

/* ---- looking */

void shard_stats(const struct shard *s, struct shard_stats *st)
{
    *st = s->stats;
    st->wal_bytes = s->wal ? wal_writer_bytes(s->wal) : 0;
}

uint64_t shard_term(const struct shard *s)
{
    return consensus_term(s->raft);
}

uint64_t shard_vote(const struct shard *s)
{
    return consensus_vote(s->raft);
}

bool shard_poisoned(const struct shard *s)
{
    return s->poisoned;
}

uint64_t shard_applied_index(const struct shard *s)
{
    return s->applied;
}

uint64_t shard_commit_index(const struct shard *s)
{
    return s->commit;
}

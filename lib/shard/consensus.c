#include "shard/consensus.h"

#include <errno.h>
#include <inttypes.h>
#include <raft.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mutant.h"

/* Enough in flight to one follower that a group commit every 0.2 ms never waits for its answer. */
enum { MAX_INFLIGHT = 1024, INSTALL_TIMEOUT_MS = 10 * 60 * 1000, SPARE_TIMEOUT_MS = 10 };

struct consensus {
    struct raft raft;
    uint64_t id;
    struct shard_conf conf; /* the latest one: decides whether a timer is needed */
    char address[24];
    struct shard_message **messages;
    size_t cap_messages;
};

/* An address only has to be unique and is kept in configurations for ever: the node id, never
 * host:port. */
static void address_of(uint64_t id, char out[24])
{
    snprintf(out, 24, "%" PRIu64, id);
}

static int conf_to_raft(const struct shard_conf *c, struct raft_configuration *out)
{
    raft_configuration_init(out);
    for (uint32_t i = 0; i < c->n; i++) {
        char address[24];
        address_of(c->servers[i].id, address);
        int rv = raft_configuration_add(out, c->servers[i].id, address, c->servers[i].role);
        if (rv) {
            raft_configuration_close(out);
            return rv == RAFT_NOMEM ? -ENOMEM : ERR_INVALID;
        }
    }
    return 0;
}

static int code_of(int rv)
{
    switch (rv) {
    case 0:
        return 0;
    case RAFT_NOMEM:
        return -ENOMEM;
    case RAFT_NOTLEADER:
    case RAFT_LEADERSHIPLOST:
        return ERR_NOTLEADER;
    case RAFT_CANTCHANGE:
        return ERR_BUSY;
    default:
        return ERR_INVALID;
    }
}

/* Raft keeps a configuration's bytes only while it decodes them, but wants them in its own
 * encoding. */
static int change_buffer(const struct shard_conf *c, struct raft_buffer *buf)
{
    struct raft_configuration conf;
    int rc = conf_to_raft(c, &conf);
    if (rc)
        return rc;
    rc = code_of(raft_configuration_encode(&conf, buf));
    raft_configuration_close(&conf);
    return rc;
}

static bool take_message(struct consensus *c, const struct raft_message *in,
                         struct consensus_update *u)
{
    struct shard_message *m = shard_message_new();
    if (!m)
        return false; /* raft resends */
    m->from = c->id;
    m->to = in->server_id;
    m->type = (enum shard_message_type)in->type;
    switch (in->type) {
    case RAFT_APPEND_ENTRIES:
        m->version = in->append_entries.version;
        m->term = in->append_entries.term;
        m->append.prev_index = in->append_entries.prev_log_index;
        m->append.prev_term = in->append_entries.prev_log_term;
        m->append.commit = in->append_entries.leader_commit;
        m->append.n = in->append_entries
                          .n_entries; /* entries themselves: uninitialised in raft, ours to fill */
        break;
    case RAFT_APPEND_ENTRIES_RESULT:
        m->version = in->append_entries_result.version;
        m->term = in->append_entries_result.term;
        m->append_result.rejected = in->append_entries_result.rejected;
        m->append_result.last_index = in->append_entries_result.last_log_index;
        m->append_result.features = in->append_entries_result.features;
        m->append_result.capacity = in->append_entries_result.capacity;
        break;
    case RAFT_REQUEST_VOTE:
        m->version = in->request_vote.version;
        m->term = in->request_vote.term;
        m->vote.last_index = in->request_vote.last_log_index;
        m->vote.last_term = in->request_vote.last_log_term;
        m->vote.disrupt_leader = in->request_vote.disrupt_leader;
        m->vote.pre_vote = in->request_vote.pre_vote;
        break;
    case RAFT_REQUEST_VOTE_RESULT:
        m->version = in->request_vote_result.version;
        m->term = in->request_vote_result.term;
        m->vote_result.granted = in->request_vote_result.vote_granted;
        m->vote_result.pre_vote = in->request_vote_result.pre_vote;
        m->vote_result.features = in->request_vote_result.features;
        m->vote_result.capacity = in->request_vote_result.capacity;
        break;
    case RAFT_INSTALL_SNAPSHOT:
        m->version = in->install_snapshot.version;
        m->term = in->install_snapshot.term;
        m->install.index = in->install_snapshot.last_index;
        m->install.term = in->install_snapshot.last_term;
        m->install.conf_index = in->install_snapshot.conf_index;
        break;
    case RAFT_TIMEOUT_NOW:
        m->version = in->timeout_now.version;
        m->term = in->timeout_now.term;
        m->timeout_now.last_index = in->timeout_now.last_log_index;
        m->timeout_now.last_term = in->timeout_now.last_log_term;
        break;
    default: /* a message of a later libraft: dropping one is always allowed */
        shard_message_free(m);
        return false;
    }
    u->messages[u->n_messages++] = m;
    return true;
}

static int take_messages(struct consensus *c, const struct raft_update *ru,
                         struct consensus_update *u)
{
    if (ru->messages.n > c->cap_messages) {
        struct shard_message **p = realloc(c->messages, ru->messages.n * sizeof(*p));
        if (!p)
            return -ENOMEM;
        c->messages = p;
        c->cap_messages = ru->messages.n;
    }
    u->messages = c->messages;
    for (unsigned i = 0; i < ru->messages.n; i++)
        take_message(c, &ru->messages.batch[i], u);
    return 0;
}

/* One step. `given` are the entries that were passed in, to tell where in them the update's begin.
 */
static int step(struct consensus *c, struct raft_event *ev, const struct raft_entry *given,
                struct consensus_update *u)
{
    struct raft_update ru;
    memset(&ru, 0, sizeof ru);
    memset(u, 0, sizeof *u);
    int rv = raft_step(&c->raft, ev, &ru);
    if (rv)
        return code_of(rv);
    u->state = (ru.flags & (RAFT_UPDATE_CURRENT_TERM)) || (ru.flags & (RAFT_UPDATE_VOTED_FOR));
    u->commit = (ru.flags & (RAFT_UPDATE_COMMIT_INDEX)) != 0;
    if ((ru.flags & (RAFT_UPDATE_ENTRIES)) && ru.entries.n) {
        u->first = ru.entries.index;
        u->n = ru.entries.n;
        if (ru.entries.batch[0].type == RAFT_BARRIER && !given) {
            u->barrier = true; /* made by raft itself on an election; its buffer is ours to free */
            u->barrier_term = ru.entries.batch[0].term;
            raft_free(ru.entries.batch[0].buf.base);
        } else if (given) {
            u->from = (size_t)(ru.entries.batch - given);
        }
    }
    if (ru.flags & (RAFT_UPDATE_SNAPSHOT)) {
        u->install = true;
        u->install_index = ru.snapshot.metadata.index;
        raft_configuration_close(&ru.snapshot.metadata.configuration);
    }
    if (ru.flags & (RAFT_UPDATE_MESSAGES))
        return take_messages(c, &ru, u);
    return 0;
}

static struct raft_event event(int64_t now, enum raft_event_type type)
{
    struct raft_event ev;
    memset(&ev, 0, sizeof ev);
    ev.time = (raft_time)now;
    ev.type = type;
    return ev;
}

static void free_entries(struct raft_entry *entries, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (entries[i].type == RAFT_CHANGE)
            raft_free(entries[i].batch);
    raft_free(entries);
}

static int load_entries(struct consensus *c, const struct consensus_start *st,
                        struct raft_entry **out)
{
    *out = NULL;
    if (st->n == 0)
        return 0;
    struct raft_entry *entries = raft_calloc(st->n, sizeof *entries);
    if (!entries)
        return -ENOMEM;
    for (size_t i = 0; i < st->n; i++) {
        entries[i].term = st->entries[i].term;
        entries[i].type = st->entries[i].change ? RAFT_CHANGE : RAFT_COMMAND;
        if (!st->entries[i].change)
            continue;
        int rc = change_buffer(st->entries[i].change, &entries[i].buf);
        if (rc) {
            free_entries(entries, i);
            return rc;
        }
        entries[i].batch = entries[i].buf.base;
        c->conf = *st->entries[i].change;
    }
    *out = entries;
    return 0;
}

static int start(struct consensus *c, const struct consensus_start *st, struct consensus_update *u,
                 struct err *e)
{
    struct raft_snapshot_metadata md;
    struct raft_entry *entries = NULL;
    c->conf = st->conf;
    int rc = load_entries(c, st, &entries);
    if (rc)
        return err_code(e, rc, "raft: load %zu entries", st->n);
    struct raft_event ev = event(st->now_ms, RAFT_START);
    ev.start.term = st->term;
    ev.start.voted_for = st->vote;
    /* With a checkpoint but no entries start_index is the one behind it: 1 would wreck the log
     * silently. */
    ev.start.start_index = st->index + 1;
    if (st->index) {
        memset(&md, 0, sizeof md);
        md.index = st->index;
        md.term = st->index_term;
        md.configuration_index = st->conf_index;
        rc = conf_to_raft(&st->conf, &md.configuration); /* moves to raft */
        if (rc) {
            free_entries(entries, st->n);
            return err_code(e, rc, "raft: configuration of the checkpoint");
        }
        ev.start.metadata = &md;
    }
    ev.start.entries = entries;
    ev.start.n_entries = (unsigned)st->n;
    rc = step(c, &ev, entries, u);
    if (rc)
        return err_code(e, rc, "raft: start: %s",
                        raft_errmsg(&c->raft)); /* raft freed the entries */
    free_entries(entries, st->n);
    return 0;
}

struct consensus *consensus_new(const struct consensus_start *st, struct consensus_update *u,
                                struct err *e)
{
    struct consensus *c = calloc(1, sizeof *c);
    if (!c) {
        err_code(e, -ENOMEM, "raft");
        return NULL;
    }
    c->id = st->id;
    address_of(st->id, c->address);
    int rv = raft_init(&c->raft, NULL, NULL, st->id, c->address);
    if (rv) {
        err_set(e, code_of(rv), "raft: %s", raft_strerror(rv));
        free(c);
        return NULL;
    }
    c->raft.tracer = NULL; /* the default one formats every step into static buffers */
    raft_seed(&c->raft, st->seed);
    raft_set_pre_vote(&c->raft, true);
    raft_set_max_inflight_entries(&c->raft, MAX_INFLIGHT);
    raft_set_install_snapshot_timeout(&c->raft, INSTALL_TIMEOUT_MS);
    if (start(c, st, u, e)) {
        consensus_free(c);
        return NULL;
    }
    return c;
}

void consensus_free(struct consensus *c)
{
    if (!c)
        return;
    raft_close(&c->raft, NULL);
    free(c->messages);
    free(c);
}

int consensus_submit(struct consensus *c, int64_t now, const struct shard_conf *change,
                     struct consensus_update *u)
{
    static char unread; /* raft wants a batch pointer, and never looks behind it */
    struct raft_entry entry;
    memset(&entry, 0, sizeof entry);
    entry.term = raft_current_term(&c->raft);
    entry.type = RAFT_COMMAND;
    entry.batch = &unread;
    entry.buf.base = &unread;
    entry.buf.len = 1;
    if (change) {
        int rc = change_buffer(change, &entry.buf);
        if (rc)
            return rc;
        entry.type = RAFT_CHANGE;
        entry.batch = entry.buf.base;
    }
    struct raft_event ev = event(now, RAFT_SUBMIT);
    ev.submit.entries = &entry;
    ev.submit.n = 1;
    int rc = step(c, &ev, &entry, u);
    if (change) {
        raft_free(entry.buf.base);
        if (!rc)
            c->conf = *change;
    }
    return rc;
}

int consensus_persisted(struct consensus *c, int64_t now, uint64_t index,
                        struct consensus_update *u)
{
    struct raft_event ev = event(now, RAFT_PERSISTED_ENTRIES);
    ev.persisted_entries.index = index;
    return step(c, &ev, NULL, u);
}

/* The array of received entries is the caller's, but raft frees the first batch unless it takes the
 * entries over. */
static int fill_append(const struct shard_message *m, const struct shard_conf *first_change,
                       struct raft_message *out, void **batch)
{
    *batch = NULL;
    out->append_entries.version = m->version;
    out->append_entries.term = m->term;
    out->append_entries.prev_log_index = m->append.prev_index;
    out->append_entries.prev_log_term = m->append.prev_term;
    out->append_entries.leader_commit = m->append.commit;
    out->append_entries.n_entries = m->append.n;
    if (m->append.n == 0)
        return 0;
    struct raft_entry *entries = raft_calloc(m->append.n, sizeof *entries);
    if (!entries)
        return -ENOMEM;
    *batch = raft_malloc(1);
    if (!*batch) {
        raft_free(entries);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < m->append.n; i++) {
        entries[i].term = m->append.entries[i].term;
        entries[i].type = RAFT_COMMAND;
        entries[i].batch = *batch;
        entries[i].buf.base = *batch;
        entries[i].buf.len = 1;
    }
    if (first_change) {
        int rc = change_buffer(first_change, &entries[0].buf);
        if (rc) {
            raft_free(*batch);
            raft_free(entries);
            return rc;
        }
        entries[0].type = RAFT_CHANGE;
    }
    out->append_entries.entries = entries;
    return 0;
}

static int receive_append(struct consensus *c, struct raft_event *ev, struct raft_message *rm,
                          const struct shard_message *m, const struct shard_conf *first_change,
                          struct consensus_update *u)
{
    void *batch = NULL;
    int rc = fill_append(m, first_change, rm, &batch);
    if (rc)
        return rc;
    struct raft_entry *entries = rm->append_entries.entries;
    void *change = first_change && entries ? entries[0].buf.base : NULL;
    rc = step(c, ev, entries, u);
    if (u->first && rc == 0)
        raft_free(batch); /* taken over with the entries; else raft has freed it */
    raft_free(change);
    raft_free(entries);
    if (first_change && u->first && u->from == 0)
        c->conf = *first_change;
    return rc;
}

/* A refusal that later answers of the same node have overtaken: what it has confirmed in this term
 * it has. While libraft probes it takes such a one for news, goes back to before what is confirmed,
 * and then counts more entries on their way than there can be: it sends that node nothing any more.
 */
static bool is_overtaken(const struct consensus *c, const struct shard_message *m)
{
    raft_index confirmed;
    return !MUTANT(refusal_believed) && m->append_result.rejected > 0 &&
           m->term == raft_current_term(&c->raft) &&
           raft_match_index(&c->raft, m->from, &confirmed) == 0 &&
           m->append_result.last_index < confirmed;
}

int consensus_receive(struct consensus *c, int64_t now, const struct shard_message *m,
                      const struct shard_conf *first_change, struct consensus_update *u)
{
    struct raft_message rm;
    char address[24];
    memset(&rm, 0, sizeof rm);
    memset(u, 0, sizeof *u);
    address_of(m->from, address);
    rm.type = (enum raft_message_type)m->type;
    rm.server_id = m->from;
    rm.server_address = address;
    struct raft_event ev = event(now, RAFT_RECEIVE);
    ev.receive.message = &rm;
    switch (m->type) {
    case SHARD_APPEND:
        return receive_append(c, &ev, &rm, m, first_change, u);
    case SHARD_APPEND_RESULT:
        if (is_overtaken(c, m))
            return 0;
        rm.append_entries_result.version = m->version;
        rm.append_entries_result.term = m->term;
        rm.append_entries_result.rejected = m->append_result.rejected;
        rm.append_entries_result.last_log_index = m->append_result.last_index;
        rm.append_entries_result.features = m->append_result.features;
        rm.append_entries_result.capacity = m->append_result.capacity;
        break;
    case SHARD_VOTE:
        rm.request_vote.version = m->version;
        rm.request_vote.term = m->term;
        rm.request_vote.candidate_id = m->from;
        rm.request_vote.last_log_index = m->vote.last_index;
        rm.request_vote.last_log_term = m->vote.last_term;
        rm.request_vote.disrupt_leader = m->vote.disrupt_leader;
        rm.request_vote.pre_vote = m->vote.pre_vote;
        break;
    case SHARD_VOTE_RESULT:
        rm.request_vote_result.version = m->version;
        rm.request_vote_result.term = m->term;
        rm.request_vote_result.vote_granted = m->vote_result.granted;
        rm.request_vote_result.pre_vote = m->vote_result.pre_vote;
        rm.request_vote_result.features = m->vote_result.features;
        rm.request_vote_result.capacity = m->vote_result.capacity;
        break;
    case SHARD_INSTALL: {
        rm.install_snapshot.version = m->version;
        rm.install_snapshot.term = m->term;
        rm.install_snapshot.last_index = m->install.index;
        rm.install_snapshot.last_term = m->install.term;
        rm.install_snapshot.conf_index = m->install.conf_index;
        /* The files are fetched apart: no data. The configuration moves to raft or comes back with
         * the update. */
        int rc = conf_to_raft(&m->install.conf, &rm.install_snapshot.conf);
        if (rc)
            return rc;
        break;
    }
    case SHARD_TIMEOUT_NOW:
        rm.timeout_now.version = m->version;
        rm.timeout_now.term = m->term;
        rm.timeout_now.last_log_index = m->timeout_now.last_index;
        rm.timeout_now.last_log_term = m->timeout_now.last_term;
        break;
    }
    return step(c, &ev, NULL, u);
}

int consensus_timeout(struct consensus *c, int64_t now, struct consensus_update *u)
{
    struct raft_event ev = event(now, RAFT_TIMEOUT);
    return step(c, &ev, NULL, u);
}

int consensus_configured(struct consensus *c, int64_t now, uint64_t index,
                         const struct shard_conf *conf, struct consensus_update *u)
{
    struct raft_event ev = event(now, RAFT_CONFIGURATION);
    ev.configuration.index = index;
    int rc = conf_to_raft(conf, &ev.configuration.conf); /* moves to raft */
    if (rc)
        return rc;
    c->conf = *conf;
    return step(c, &ev, NULL, u);
}

static int metadata(struct raft_snapshot_metadata *md, uint64_t index, uint64_t term,
                    const struct shard_conf *conf, uint64_t conf_index)
{
    memset(md, 0, sizeof *md);
    md->index = index;
    md->term = term;
    md->configuration_index = conf_index;
    return conf_to_raft(conf, &md->configuration); /* moves to raft */
}

int consensus_snapshot(struct consensus *c, int64_t now, uint64_t index, uint64_t term,
                       const struct shard_conf *conf, uint64_t conf_index, uint64_t trailing,
                       struct consensus_update *u)
{
    struct raft_event ev = event(now, RAFT_SNAPSHOT);
    int rc = metadata(&ev.snapshot.metadata, index, term, conf, conf_index);
    if (rc)
        return rc;
    ev.snapshot.trailing = trailing > UINT32_MAX ? UINT32_MAX : (unsigned)trailing;
    return step(c, &ev, NULL, u);
}

uint64_t consensus_term(const struct consensus *c)
{
    return raft_current_term(&c->raft);
}

uint64_t consensus_vote(const struct consensus *c)
{
    return raft_voted_for(&c->raft);
}

uint64_t consensus_commit(const struct consensus *c)
{
    return raft_commit_index(&c->raft);
}

enum consensus_role consensus_role(struct consensus *c)
{
    switch (raft_state(&c->raft)) {
    case RAFT_LEADER:
        return CONSENSUS_LEADER;
    case RAFT_CANDIDATE:
        return CONSENSUS_CANDIDATE;
    default:
        return CONSENSUS_FOLLOWER;
    }
}

int64_t consensus_deadline(struct consensus *c, uint64_t id)
{
    if (shard_conf_sole_voter(&c->conf, id))
        return INT64_MAX;
    return (int64_t)raft_timeout(&c->raft);
}

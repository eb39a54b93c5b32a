/* receive.c - what comes from peers: checked, cut to what raft can take, and handed to it.
 *
 * An APPEND's entries are looked at before raft sees them: a malformed one drops the message, and
 * is no fault of this node. All other errors poison the shard, as everywhere.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "shard/shard_impl.h"

static bool payload_well_formed(struct span payload)
{
    size_t at = WAL_PAYLOAD_HEADER;
    struct wal_frame f;
    int rc, n = 0;
    if (payload.n < WAL_PAYLOAD_HEADER)
        return false;
    while ((rc = wal_frame_next(payload, &at, &f)) == 1) {
        struct shard_conf conf;
        if (f.type >= WAL_OPEN || (f.type == WAL_CHANGE && (n || shard_conf_decode(f.body, &conf))))
            return false;
        n++;
    }
    return rc == 0 && n > 0;
}

/* An APPEND that was long on its way may begin before what raft remembers. What our checkpoint
 * covers is committed, so the leader has the same: the message is made to begin behind it. libraft
 * would add entries that it cannot compare to its log's end, whatever their index. */
static void skip_covered(const struct shard *s, struct shard_message *m)
{
    if (m->append.prev_index >= s->checkpoint_index)
        return;
    uint64_t gap = s->checkpoint_index - m->append.prev_index;
    uint32_t n = gap < m->append.n ? (uint32_t)gap : m->append.n;
    for (uint32_t i = 0; i < n; i++)
        free(m->append.entries[i].payload);
    m->append.n -= n;
    if (n)
        memmove(m->append.entries, m->append.entries + n, m->append.n * sizeof *m->append.entries);
    m->append.prev_index = s->checkpoint_index;
    m->append.prev_term = s->checkpoint_term;
}

/* One APPEND as raft may see it: at most its first entry changes the configuration. */
static int receive_part(struct shard *s, const struct shard_message *m, uint32_t from, uint32_t n)
{
    struct shard_message part = *m;
    struct consensus_update u;
    struct shard_conf conf;
    part.append.entries = m->append.entries + from;
    part.append.n = n;
    if (from) {
        part.append.prev_index = m->append.prev_index + from;
        part.append.prev_term = m->append.entries[from - 1].term;
    }
    bool change =
        n && shard_payload_change(span_of(part.append.entries[0].payload, part.append.entries[0].n),
                                  &conf);
    int rc = consensus_receive(s->raft, shard_now(s), &part, change ? &conf : NULL, &u);
    return rc ? rc : shard_update_from(s, &u, &part);
}

static int receive_append(struct shard *s, struct shard_message *m)
{
    uint32_t from = 0;
    struct shard_conf conf;
    for (uint32_t i = 0; i < m->append.n; i++)
        if (!payload_well_formed(span_of(m->append.entries[i].payload, m->append.entries[i].n)))
            return ERR_MALFORMED;
    skip_covered(s, m);
    do {
        uint32_t to = from + 1;
        while (to < m->append.n &&
               !shard_payload_change(
                   span_of(m->append.entries[to].payload, m->append.entries[to].n), &conf))
            to++;
        if (to > m->append.n)
            to = m->append.n;
        int rc = receive_part(s, m, from, to - from);
        if (rc)
            return rc;
        from = to;
    } while (from < m->append.n);
    return 0;
}

/* A checkpoint up to an entry that is here: raft has no use for it, and says once more how much is
 * durable. But what it holds is committed, and so are the same entries here. To apply them makes
 * room in a log that reached its bound with entries it could not write, and gets nothing else. */
static void commit_known(struct shard *s, const struct shard_message *m)
{
    uint64_t index = m->install.index;
    const struct entry *e = s->installing ? NULL : entries_get(&s->entries, index);
    if (!e || e->term != m->install.term || index <= s->commit)
        return;
    s->commit = index;
    shard_apply(s);
}

void shard_receive(struct shard *s, struct shard_message *m)
{
    struct consensus_update u;
    int rc = 0;
    if (!s->poisoned && !s->stopping && !(s->installing && m->type == SHARD_INSTALL)) {
        if (m->type == SHARD_APPEND) {
            rc = receive_append(s, m);
            if (rc == ERR_MALFORMED) {
                log_warn(s->cfg.log, "shard",
                         "malformed entries from a peer dropped shard=%u from=%" PRIu64,
                         s->cfg.owner.shard, m->from);
                rc = 0;
            }
        } else {
            rc = consensus_receive(s->raft, shard_now(s), m, NULL, &u);
            if (rc == 0)
                rc = shard_update_from(s, &u, m);
            if (rc == 0 && m->type == SHARD_INSTALL)
                commit_known(s, m);
        }
        if (rc)
            shard_poison(s, rc, "raft receive");
    }
    shard_message_free(m);
    shard_advance(s);
}

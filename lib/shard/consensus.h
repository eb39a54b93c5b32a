/* consensus.h - raft, as the shard sees it: an event in, an update out.
 *
 * consensus.c is the only file that includes raft.h. libraft's raft_step keeps indexes and terms,
 * no payloads; the disk, the network, the clock and the entries are the shard's. What libraft
 * demands of its caller (the order of term, entries, messages and commit; never reporting an entry
 * that a truncation dropped; splitting messages before a configuration change) is kept half here,
 * half in shard.c; each place says which rule it is.
 */
#ifndef SHARD_CONSENSUS_H
#define SHARD_CONSENSUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "shard/conf.h"
#include "shard/message.h"

struct consensus; /* opaque */

enum { CONSENSUS_INSTALL_VERSION = 0 }; /* of libraft's InstallSnapshot message */

/* An entry as raft needs it: its term, and the configuration if it is one. */
struct consensus_entry {
    uint64_t term;
    const struct shard_conf *change; /* NULL: any other entry */
};

struct consensus_start {
    uint64_t id;         /* this node */
    uint32_t seed;       /* of the election timeouts */
    int64_t now_ms;      /* monotonic */
    uint64_t term, vote; /* durable, or about to be before any entry of this term is written */
    uint64_t index, index_term; /* of the checkpoint; 0: none */
    struct shard_conf conf;     /* of the checkpoint */
    uint64_t conf_index;
    const struct consensus_entry *entries; /* indexes index + 1, ... ; all are durable */
    size_t n;
};

enum consensus_role { CONSENSUS_FOLLOWER, CONSENSUS_CANDIDATE, CONSENSUS_LEADER };

/* What an event led to. To be acted on in this order: term and vote durable before anything else
 * leaves the node; entries into the log (dropping those at or above first that are there);
 * messages; commit. */
struct consensus_update {
    bool state;     /* term or vote changed */
    uint64_t first; /* index of the first entry to append; 0: none */
    size_t n;       /* their number */
    size_t from;    /* RECEIVE: position of the first of them among the message's entries */
    bool barrier;   /* the one entry is raft's own: a NOOP to be made by the shard */
    uint64_t barrier_term;
    struct shard_message *
        *messages; /* the caller's; APPEND ones lack their entries: append.n says how many, from
                    * prev_index + 1 on, and INSTALL ones lack conf. Valid until the next event. */
    size_t n_messages;
    bool commit;  /* the commit index moved */
    bool install; /* a peer's checkpoint at install_index has to take the place of this state: free
                   * the shard, shard_import what was fetched, and open it again (shard.h) */
    uint64_t install_index;
};

/* Start raft from durable state. NULL on failure with e. The update is to be acted on like any
 * other. */
struct consensus *consensus_new(const struct consensus_start *st, struct consensus_update *u,
                                struct err *e);
void consensus_free(struct consensus *c);

/* Events. 0 or a negative code; after any error but ERR_NOTLEADER the shard has to stop. */
int consensus_submit(struct consensus *c, int64_t now, const struct shard_conf *change,
                     struct consensus_update *u);
/* All entries up to index are durable; above what was reported before, and still in the log. */
int consensus_persisted(struct consensus *c, int64_t now, uint64_t index,
                        struct consensus_update *u);
/* m stays the caller's. first_change: the configuration in the first entry of an APPEND, NULL if it
 * is none; no other entry may be one (libraft gets the index of a later one wrong), so the caller
 * splits messages before each. An INSTALL must not be passed while one is under way (libraft leaks
 * repeats). */
int consensus_receive(struct consensus *c, int64_t now, const struct shard_message *m,
                      const struct shard_conf *first_change, struct consensus_update *u);
int consensus_timeout(struct consensus *c, int64_t now, struct consensus_update *u);
/* A configuration entry was applied. */
int consensus_configured(struct consensus *c, int64_t now, uint64_t index,
                         const struct shard_conf *conf, struct consensus_update *u);
/* A checkpoint at index was made; entries above index - trailing stay in the log. */
int consensus_snapshot(struct consensus *c, int64_t now, uint64_t index, uint64_t term,
                       const struct shard_conf *conf, uint64_t conf_index, uint64_t trailing,
                       struct consensus_update *u);

/* What raft believes now; the vote is a node id, 0 for none. */
uint64_t consensus_term(const struct consensus *c);
uint64_t consensus_vote(const struct consensus *c);
uint64_t consensus_commit(const struct consensus *c);
enum consensus_role consensus_role(struct consensus *c);
/* When consensus_timeout is due, monotonic ms; INT64_MAX for a sole voter, who needs no timer. */
int64_t consensus_deadline(struct consensus *c, uint64_t id);

#endif

/* message.h - what the members of a shard's raft group say to each other (Ongaro's thesis,
 * figures 3.1 and 5.3).
 *
 * An entry travels as the payload of its WAL group (wal.h), byte for byte. A snapshot's files
 * travel apart: an INSTALL message only says which checkpoint the receiver should fetch.
 */
#ifndef SHARD_MESSAGE_H
#define SHARD_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "shard/conf.h"

enum shard_message_type {
    SHARD_APPEND = 1, /* numbers as in libraft */
    SHARD_APPEND_RESULT,
    SHARD_VOTE,
    SHARD_VOTE_RESULT,
    SHARD_INSTALL,
    SHARD_TIMEOUT_NOW
};

struct shard_message_entry {
    uint64_t term;
    uint8_t *payload; /* owned */
    size_t n;
};

struct shard_message {
    struct shard_message *next;
    uint64_t from, to; /* node ids */
    enum shard_message_type type;
    uint8_t version;
    uint64_t term;
    union {
        struct {
            uint64_t prev_index, prev_term, commit;
            struct shard_message_entry *entries; /* owned */
            uint32_t n;
        } append;
        struct {
            uint64_t rejected, last_index;
            uint16_t features, capacity;
        } append_result;
        struct {
            uint64_t last_index, last_term;
            bool disrupt_leader, pre_vote;
        } vote;
        struct {
            bool granted, pre_vote;
            uint16_t features, capacity;
        } vote_result;
        struct {
            uint64_t index, term; /* of the checkpoint */
            struct shard_conf conf;
            uint64_t conf_index;
        } install;
        struct {
            uint64_t last_index, last_term;
        } timeout_now;
    };
};

/* All zero; NULL when out of memory. */
struct shard_message *shard_message_new(void);
void shard_message_free(struct shard_message *m); /* NULL is fine */

#endif

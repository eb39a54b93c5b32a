/* meta.h - the cluster's metadata: an immutable image, the commands that change it, its snapshots.
 *
 * Shard 0's raft log is a sequence of commands. meta_apply(image, command) makes the next image and
 * is pure: it looks at no clock and draws no random number; ids and times travel in the command.
 * Images share structure and are never changed once made, so any thread may read one it holds a
 * reference to. A command that cannot apply (a topic of that name exists) leaves the image as it
 * was and says so by its result, the same on every node and at every replay.
 *
 * A command is an int16 type, an int16 version and the body in the protocol's flexible encoding;
 * the schemas are lib/meta/schema/<name>.kp, the structs `struct meta_<name>` (meta_gen.h). See
 * chronik-meta(5).
 */
#ifndef META_META_H
#define META_META_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/io.h"
#include "base/json.h"
#include "base/span.h"
#include "base/uuid.h"
#include "base/wr.h"
#include "kp/kp.h"
#include "meta/settings.h"

/* META_COMMAND(NAME, number, schema, sentence): no two lists to keep. */
enum meta_command_type {
#define META_COMMAND(name, number, schema, sentence) META_##name = number,
#include "meta/command.def"
#undef META_COMMAND
};

/* What apply lets into an image. They bound memory and files, not what an administrator may want:
 * that is the broker's business, before it proposes. */
enum {
    META_NAME_MAX = 249, /* bytes of a topic's name: Kafka's bound, and a directory's with "-<n>" */
    META_STRING_MAX = 32767,         /* bytes of a setting, host or rack */
    META_TOPICS_MAX = 100000,        /* topics of a cluster */
    META_PARTITIONS_MAX = 100000,    /* partitions of one topic */
    META_REPLICAS_MAX = 32,          /* replicas of one partition */
    META_CONFIGS_MAX = 256,          /* settings of one topic or broker */
    META_NODES_MAX = 1024,           /* nodes registered, and nodes with settings */
    META_PRODUCER_IDS_MAX = 1000000, /* producer ids in one block */
};

/* Resource types of CONFIG_SET: Kafka's numbers. */
enum { META_RESOURCE_TOPIC = 2, META_RESOURCE_BROKER = 4 };

struct meta_config {
    const char *name, *value;
};
struct meta_partition {
    uint32_t shard;
    int32_t leader; /* node id */
    int32_t n_replicas;
    const int32_t *replicas; /* node ids */
};
struct meta_topic {
    const char *name;
    struct uuid id;
    int32_t n_partitions;
    const struct meta_partition *partitions;
    int32_t n_configs; /* those set on the topic, by name */
    const struct meta_config *configs;
    const struct meta_overrides *own; /* the same, parsed (settings.h); NULL: none */
    int64_t created_ms;
};
struct meta_node {
    int32_t id;
    const char *host;
    int32_t port;
    const char *rack; /* NULL: none */
};
/* A server of shard 0's raft configuration. Roles have raft's numbers, as in the WAL's CHANGE. */
enum meta_role { META_STANDBY, META_VOTER, META_SPARE };
struct meta_server {
    uint64_t id; /* node id, 1 to INT64_MAX */
    uint8_t role;
};

/* Dynamic settings of one broker, or of all (node -1). */
struct meta_broker_configs {
    int32_t node;
    int32_t n;                         /* at least 1 */
    const struct meta_config *configs; /* by name */
    const struct meta_overrides *own;  /* those for topics, parsed (settings.h) */
};

struct meta_image; /* opaque, counted */

/* The image before the first command. NULL when out of memory. */
struct meta_image *meta_image_new(const struct uuid *cluster_id);
struct meta_image *meta_image_ref(struct meta_image *m);
void meta_image_unref(struct meta_image *m); /* NULL is fine */

/* Borrowed from the image. */
const struct uuid *meta_cluster_id(const struct meta_image *m);
/* Index and term of the last command in it; 0, 0 for none. */
uint64_t meta_index(const struct meta_image *m);
uint64_t meta_term(const struct meta_image *m);
/* NULL if there is none. Borrowed from the image. */
const struct meta_topic *meta_topic_by_name(const struct meta_image *m, struct span name);
const struct meta_topic *meta_topic_by_id(const struct meta_image *m, const struct uuid *id);
size_t meta_n_topics(const struct meta_image *m);
/* The topics in the order of their names (bytewise): the one behind `after`, the first for NULL;
 * NULL at the end. O(log n). after may come from another image: its name says where to go on. */
const struct meta_topic *meta_topic_next(const struct meta_image *m,
                                         const struct meta_topic *after);
/* Call each for every topic that differs between two images, by name: (was, NULL) one that went,
 * (NULL, is) one that came, (was, is) one that was altered or made anew. What the images share is
 * not looked at: the cost is that of the change. A non-zero return ends the walk and is returned.
 */
int meta_topics_diff(const struct meta_image *from, const struct meta_image *to,
                     int (*each)(void *ctx, const struct meta_topic *was,
                                 const struct meta_topic *is),
                     void *ctx);
/* Registered nodes by ascending id. */
const struct meta_node *meta_nodes(const struct meta_image *m, size_t *n);
/* The raft configuration in force at the image's index, in its own order; none before the first. */
const struct meta_server *meta_servers(const struct meta_image *m, size_t *n);
const char *meta_config_get(const struct meta_topic *t, const char *name); /* NULL: not set */
/* Dynamic settings of one broker (node -1: of all); NULL and 0: none. */
const struct meta_config *meta_broker_configs(const struct meta_image *m, int32_t node, size_t *n);
/* All that there are, by node. */
const struct meta_broker_configs *meta_all_broker_configs(const struct meta_image *m, size_t *n);
/* The first producer id never handed out. */
int64_t meta_next_producer_id(const struct meta_image *m);

/* What applying a command did. */
struct meta_result {
    int code;             /* 0; ERR_EXISTS, ERR_NOTFOUND, ERR_INVALID, ERR_STALE: without effect */
    int64_t producer_ids; /* PRODUCER_IDS: the first id of the block given out */
};

/* Refusals, the same on every node: a topic's name or id that is taken (ERR_EXISTS); a topic that
 * is not there (ERR_NOTFOUND); and ERR_INVALID for numbers and strings outside the limits above,
 * partitions that are not numbered on from those there are, shard 0, replicas that are missing,
 * repeated or without the leader (-1: none yet), a setting named twice; settings that are not what
 * the command says it saw (ERR_STALE).
 *
 * Apply one encoded command at (index, term). *out is a new image (the caller unrefs it and still
 * owns m), even when the command had no effect: its index moves. An
 * entry with several commands is applied by as many calls with its index. 0; -ENOMEM; ERR_STALE if
 * index is below m's; ERR_UNSUPPORTED for a type or version this program does not know,
 * ERR_MALFORMED and ERR_TOOBIG: the log cannot be followed, stop. */
int meta_apply(const struct meta_image *m, uint64_t index, uint64_t term, struct span command,
               struct meta_image **out, struct meta_result *res, struct err *e);

/* Entries with no command in them move the index too: NOOP, and CHANGE, which says who the servers
 * are from then on. NULL when out of memory. */
struct meta_image *meta_advance(const struct meta_image *m, uint64_t index, uint64_t term);
struct meta_image *meta_change(const struct meta_image *m, uint64_t index, uint64_t term,
                               const struct meta_server *servers, size_t n);

/* Encode a command: type, version, body (msg is the generated struct of the type). */
void meta_command_encode(enum meta_command_type type, const void *msg, struct wr *w);
const char *meta_command_name(int type);
/* For dumps: {"command": name, ...fields}, and the fields alone. NULL if it cannot be decoded. */
struct json *meta_command_json(struct span command);
struct json *meta_command_fields(struct span command);
/* The whole image as chronik-meta prints it: cluster_id, index, term, brokers, topics, ... */
struct json *meta_image_json(const struct meta_image *m);
/* One topic of it. */
struct json *meta_topic_json(const struct meta_topic *t);

/* ---- snapshots: an image in a file `<index, 20 digits>-<term, 20 digits>.snapshot`.
 * Its bytes are described in snapshot_format.h and chronik-meta(5). */

struct meta_snapshot_name {
    uint64_t index, term;
};
enum { META_SNAPSHOT_NAME = 51 }; /* bytes of a name, with the NUL */
/* A snapshot's file name, and what one says; false: it is no snapshot's name. */
void meta_snapshot_format_name(char out[META_SNAPSHOT_NAME], struct meta_snapshot_name s);
bool meta_snapshot_parse_name(const char *name, struct meta_snapshot_name *s);

struct meta_snapshot_header {
    uint32_t version, flags, sections;
    struct uuid cluster_id;
    uint64_t index, term, size; /* size: bytes of the whole file */
    int64_t wall_ms;
};
/* 0; ERR_CORRUPT; ERR_VERSION (the fields are not filled in then). */
int meta_snapshot_header_decode(struct span file, struct meta_snapshot_header *h, struct err *e);

/* The file's bytes: header, sections with a CRC-32C each, trailer. */
void meta_snapshot_encode(const struct meta_image *m, int64_t wall_ms, struct wr *w);
/* 0; -ENOMEM; ERR_CORRUPT with the byte at fault, also in *fault; ERR_VERSION; ERR_FOREIGN if owner
 * is not NULL and another cluster's. fault may be NULL. */
int meta_snapshot_decode(struct span file, const struct uuid *owner, struct meta_image **out,
                         uint64_t *fault, struct err *e);

/* Write it into dir under its name: temporary name, sync, rename, sync of the directory. Nothing is
 * removed: a checkpoint may name the ones before. */
int meta_snapshot_save(struct io *io, const char *dir, const struct meta_image *m, int64_t wall_ms,
                       struct err *e);
/* Remove those with an index below `keep`, which is what the older of the two checkpoints names,
 * and what an interrupted save left. To be called once a checkpoint is durable. A failure costs
 * space only. */
int meta_snapshot_prune(struct io *io, const char *dir, uint64_t keep, struct err *e);
/* Load the snapshot of exactly that index (what the checkpoint names). ERR_CORRUPT if it is missing
 * or bad; else as meta_snapshot_decode. e names the file. */
int meta_snapshot_load(struct io *io, const char *dir, uint64_t index, const struct uuid *owner,
                       struct meta_image **out, struct err *e);
/* The snapshots in dir, ascending by (index, term); malloc'ed. 0 or a negated errno. */
int meta_snapshot_list(struct io *io, const char *dir, struct meta_snapshot_name **list, size_t *n);
/* A file above this many bytes is no snapshot: nothing reads it whole. */
enum { META_SNAPSHOT_MAX = 1 << 30 };

#include "meta/meta_gen.h"

#endif

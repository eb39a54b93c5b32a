/* wal_tool.h - what the commands of chronik-wal share.
 *
 * A PATH becomes a list of logs; each log is walked by the library's one reader, in its live mode,
 * so that a running broker does no harm to a dump, nor a dump to the broker: nothing is written or
 * locked. How a walk ended, a torn tail or corruption, is the same for every command, and so is
 * what is said of it.
 */
#ifndef CLI_WAL_TOOL_H
#define CLI_WAL_TOOL_H

#include "cli/cli.h"
#include "wal/reader.h"

struct wal_options {
    struct cli_common common;
    const char *topic, *type, *acked;
    int64_t partition, from_offset, to_offset, from_index, limit, shard; /* -1: not given */
    const char *repair_to;
    bool records, payload, follow, validate_only;
};

/* ---- wal_logs.c: what a PATH stands for */

struct wal_log {
    struct io *io;
    char *path;            /* of a shard's WAL directory, or of a segment file */
    bool is_file;          /* read alone, without its neighbours */
    struct wal_pos from;   /* where to begin; {0, 0}: at the beginning */
    struct wal_pos synced; /* known durable up to here, if anything says so */
    bool owned;            /* owner is known: of a data directory whose node.meta is good */
    bool strict;           /* and what belongs to another one is refused */
    struct wal_owner owner;
};
struct wal_logs {
    struct wal_log *v;
    size_t n;
};
/* Find the logs at a path, and add them; shard (-1: any) leaves out directories of other numbers.
 * 0; ERR_NOTFOUND or another code, said in e. wal_logs_release in every case. */
int wal_logs_add(struct wal_logs *logs, struct io *io, const char *path, int64_t shard,
                 struct err *e);
/* The same for all operands, on the real disk. */
int wal_logs_find(struct wal_logs *logs, const struct opt_args *args, int64_t shard, struct err *e);
void wal_logs_release(struct wal_logs *logs);

/* ---- wal_walk.c */

struct wal_outcome {
    int rc; /* 0: read to the end */
    struct err e;
    struct wal_fault fault; /* if rc is ERR_CORRUPT */
    struct wal_end end;     /* if rc is 0 */
    uint64_t bytes;         /* of all valid groups */
    uint64_t groups;
    char last_file[IO_PATH_MAX]; /* where it ended */
};
/* What to do with a group. 0, WALK_STOP (enough seen: the outcome is good), or ERR_CORRUPT with at,
 * the byte of the payload at fault (or whole: the group is), and why filled in (the group is valid,
 * but what it holds is not), or another code (no memory): the walk ends there, and the outcome says
 * where. */
enum { WALK_STOP = 1 };
struct wal_visit {
    const struct wal_log *log;
    const struct wal_segment_header *segment;
    const char *file;
    const struct wal_group *group;
    size_t at;
    bool whole;
    const char *why;
};
typedef int wal_visitor(void *ctx, struct wal_visit *v);

/* Visit every group of a log. */
void wal_walk(const struct wal_log *log, wal_visitor *visit, void *ctx, struct wal_outcome *out);
/* The same, and then wait for more, for ever or until the visitor has seen enough or the log is
 * damaged. idle is called whenever all there is has been visited. A broker may stop and start again
 * meanwhile. */
void wal_follow(const struct wal_log *log, wal_visitor *visit, void (*idle)(void *ctx), void *ctx,
                struct wal_outcome *out);
/* Say on standard error how it ended, unless well; gives the exit status. */
enum cli_exit wal_outcome_report(const struct wal_outcome *o);
/* The status of two logs together: corruption outweighs everything, everything outweighs success.
 */
enum cli_exit wal_worse(enum cli_exit a, enum cli_exit b);
/* Where a byte of the payload is in its file. */
uint64_t wal_visit_position(const struct wal_visit *v, size_t at);

/* ---- wal_topics.c: names of topic ids, from TOPIC frames */

struct wal_topics {
    struct wal_topic_name *by_id; /* uthash */
};
/* Learn all names in a log; damage is not its business. 0 or -ENOMEM. */
int wal_topics_learn(struct wal_topics *t, const struct wal_log *log);
int wal_topics_add(struct wal_topics *t, const struct wal_topic *topic);
/* p NULL: not known. */
struct span wal_topics_name(const struct wal_topics *t, const struct uuid *id);
/* Call f for each; what it gives, if not 0, ends it. */
int wal_topics_each(const struct wal_topics *t, int (*f)(void *ctx, const struct wal_topic *topic),
                    void *ctx);
void wal_topics_release(struct wal_topics *t);

/* ---- wal_frame.c */

/* What a frame other than BATCH says, as an object; NULL if there is nothing or it cannot be
 * decoded. */
struct json *wal_frame_json(const struct wal_frame *f);
/* 0, or ERR_MALFORMED for a body that does not follow the format; BATCHes are verified, CRC
 * included. */
int wal_frame_check(const struct wal_frame *f, const char **why);

/* ---- commands */

/* values is a wal_options (opt_command). An enum cli_exit. */
int wal_list(void *values, const struct opt_args *args);
int wal_dump(void *values, const struct opt_args *args);
int wal_verify(void *values, const struct opt_args *args);
int wal_stats(void *values, const struct opt_args *args);
int wal_repair(void *values, const struct opt_args *args);

/* A table of the format the options ask for, on standard output. */
struct out *wal_out(const struct wal_options *o, const struct out_column *columns, size_t n);

#endif

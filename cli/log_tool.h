/* log_tool.h - what the files of chronik-log share: its options, its commands, and how a walk over
 * segments goes. */
#ifndef CLI_LOG_TOOL_H
#define CLI_LOG_TOOL_H

#include "batch/batch.h"
#include "cli/cli.h"
#include "cli/log_place.h"

struct log_options {
    struct cli_common common;
    const char *topic, *from_time, *to_time;
    int64_t partition, from_offset, to_offset, limit; /* -1: not given */
    int64_t from_ms, to_ms;                           /* INT64_MIN, INT64_MAX: not given */
    bool records, payload, index;
};

/* The commands (opt_command): values is a log_options. An enum cli_exit. */
int log_list(void *values, const struct opt_args *args);
int log_dump(void *values, const struct opt_args *args);
int log_verify(void *values, const struct opt_args *args);
int log_stats(void *values, const struct opt_args *args);

/* A table of the format the options ask for, on standard output. */
struct out *log_out(const struct log_options *o, const struct out_column *columns, size_t n);
/* The topic and the partition of the next row: two columns. */
void log_put_partition(struct out *out, const struct log_partition *part);

/* Do this for every partition of every operand; gives the worst status. */
enum cli_exit log_each_partition(const struct opt_args *args,
                                 enum cli_exit (*each)(void *ctx, const struct log_place *p,
                                                       const struct log_partition *part),
                                 void *ctx);

/* Visit the batches of a segment. visit gives 0, or LOG_WALK_STOP: enough seen. How it ended is
 * said on standard error unless well: damage, or an unfinished write at the end of the last
 * segment, which is no failure. */
enum { LOG_WALK_STOP = 1 };
typedef int log_visitor(void *ctx, uint64_t pos, struct span bytes, const struct batch *b);
enum cli_exit log_walk(struct io *io, const struct log_segment *s, log_visitor *visit, void *ctx);

#endif

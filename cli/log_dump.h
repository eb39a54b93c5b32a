/* log_dump.h - a dump under way. */
#ifndef CLI_LOG_DUMP_H
#define CLI_LOG_DUMP_H

#include "cli/log_tool.h"

struct log_dump {
    const struct log_options *o;
    struct out *out;
    const struct log_partition *part;
    const struct log_segment *segment;
    int64_t rows;
    bool unreadable; /* a batch's records were not to be read; */
    bool starved;    /* for want of memory */
};

/* Topic, its id and the partition of the next row: three columns. */
void log_dump_partition(struct log_dump *d);
/* Is --limit reached? */
bool log_dump_enough(const struct log_dump *d);

/* log_index.c: --index, rows of what stands beside a segment, and beside all of them. */
struct out *log_dump_index_out(const struct log_options *o);
enum cli_exit log_dump_index(struct log_dump *d, struct io *io);
enum cli_exit log_dump_partition_files(struct log_dump *d, struct io *io);

#endif

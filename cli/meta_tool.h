/* meta_tool.h - what the files of chronik-meta share: its options, and its commands. Each command
 * is a file: meta_<command>.c. */
#ifndef CLI_META_TOOL_H
#define CLI_META_TOOL_H

#include "base/clock.h"
#include "cli/cli.h"
#include "meta/meta.h"

struct meta_options {
    struct cli_common common;
    int64_t at;    /* dump: -1: the latest */
    int64_t from;  /* log: the first index shown */
    int64_t limit; /* log: entries at most; -1: all */
};

/* The commands (opt_command): values is a meta_options. An enum cli_exit. */
int meta_list(void *values, const struct opt_args *args);
int meta_dump(void *values, const struct opt_args *args);
int meta_log(void *values, const struct opt_args *args);
int meta_verify(void *values, const struct opt_args *args);

/* A table of the format the options ask for. */
struct out *meta_out(const struct meta_options *o, const struct out_column *columns, size_t n);

/* clock_text, or NULL for 0 (not stated) and for what it has no text. out is the buffer. */
const char *meta_time(int64_t ms, char out[CLOCK_TEXT]);

#endif

/* topic.h - what the commands of chronik-topic share; each has a file of its own. */
#ifndef CLI_TOPIC_H
#define CLI_TOPIC_H

#include "cli/cli.h"
#include "cli/names.h"
#include "kp/kp.h"

struct topic_options {
    struct cli_common common;
    int64_t partitions, replication; /* -1: the broker's default */
    struct opt_list configs;         /* key=value */
    struct opt_list delete_configs;  /* key */
    bool if_not_exists, if_exists, validate_only, exclude_internal;
    const char *time, *offset;
    int64_t partition; /* -1: all */
};

/* Names sent in one request. */
enum { TOPIC_CHUNK = 500 };

/* The commands: values is a struct topic_options. */
int topic_create(void *values, const struct opt_args *args);
int topic_list(void *values, const struct opt_args *args);
int topic_describe(void *values, const struct opt_args *args);
int topic_alter(void *values, const struct opt_args *args);
int topic_delete(void *values, const struct opt_args *args);
int topic_offsets(void *values, const struct opt_args *args);
int topic_trim(void *values, const struct opt_args *args);

/* The names that args and standard input give. An exit status; names_release in every case. */
int topic_names(struct names *n, const struct opt_args *args);

/* --time's argument as ListOffsets has it. An exit status. */
int topic_time(const char *text, int64_t *time);

/* Say that the broker objects to a name, and give the exit status of that. */
enum cli_exit topic_refused(const char *name, int16_t error, const char *text);

/* The standard output for rows, in the format asked for. */
struct out *topic_out(const struct topic_options *o, const struct out_column *columns, size_t n);

/* The topic's id as a cell: null if it is not told. */
void topic_out_id(struct out *o, const struct uuid *id);

/* int32 arrays as JSON. */
struct json *topic_json_ints(const int32_t *v, int32_t n);

#endif

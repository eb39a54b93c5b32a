/* config.h - what the commands of chronik-config share; each has a file of its own. */
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include "cli/cli.h"
#include "cli/names.h"
#include "client/configs.h"

/* Whose settings they are. */
enum config_kind { CONFIG_TOPIC, CONFIG_BROKER, CONFIG_ALL_BROKERS };

struct config_options {
    struct cli_common common;
    int kind;             /* enum config_kind */
    struct opt_list keys; /* describe */
    bool own, synonyms, documentation;
    struct opt_list set, append, subtract, remove; /* alter */
    bool validate_only;
};

/* The commands: values is a struct config_options. */
int config_describe(void *values, const struct opt_args *args);
int config_alter(void *values, const struct opt_args *args);

/* "topic", "broker", "all-brokers": as -t takes them. */
extern const struct opt_choice config_kinds[];
const char *config_kind_name(int kind);

/* The names that args and standard input give; all brokers have one, the empty one. An exit status;
 * names_release in every case. */
int config_names(struct names *n, const struct config_options *o, const struct opt_args *args);
/* How many of n names one request may have: any number of topics, one broker. */
size_t config_chunk(const struct config_options *o, size_t n);
/* The resource that a name means. */
struct client_config_resource config_resource(const struct config_options *o, const char *name);

/* Say that the broker objects to a resource, and give the exit status of that. */
enum cli_exit config_refused(const struct client_config_resource *r, int16_t error,
                             const char *text);

#endif

/* chronik-config - describe and alter the settings of topics and brokers. */
#include "cli/config.h"

#include <stdlib.h>
#include <string.h>

#include "client/error.h"

enum { DESCRIBE, ALTER };
enum { CHUNK = 500 }; /* topics in one request */

const struct opt_choice config_kinds[] = {
    {"topic", CONFIG_TOPIC},
    {"broker", CONFIG_BROKER},
    {"all-brokers", CONFIG_ALL_BROKERS},
    {NULL, 0},
};

#define AT(member) offsetof(struct config_options, member)
static const struct opt options[] = {
    {'t', "type", "TYPE", OPT_CHOICE, AT(kind),
     "whose settings: those of topics (default), of single brokers, or those made for all brokers",
     .choices = config_kinds},
    {'k', "key", "KEY", OPT_LIST, AT(keys), "only this setting; may be repeated",
     .commands = 1u << DESCRIBE},
    {0, "own", NULL, OPT_FLAG, AT(own), "only what is set on the topic or broker itself",
     .commands = 1u << DESCRIBE},
    {0, "synonyms", NULL, OPT_FLAG, AT(synonyms),
     "show all places that have a value, the one that counts first", .commands = 1u << DESCRIBE},
    {0, "documentation", NULL, OPT_FLAG, AT(documentation), "show what each setting means",
     .commands = 1u << DESCRIBE},
    {'s', "set", "KEY=VALUE", OPT_LIST, AT(set), "give a setting this value; may be repeated",
     .commands = 1u << ALTER},
    {'d', "delete", "KEY", OPT_LIST, AT(remove),
     "remove a setting, so that its default holds; may be repeated", .commands = 1u << ALTER},
    {0, "append", "KEY=VALUE", OPT_LIST, AT(append),
     "put values, divided by commas, behind those of a list; may be repeated",
     .commands = 1u << ALTER},
    {0, "subtract", "KEY=VALUE", OPT_LIST, AT(subtract),
     "take values out of a list; may be repeated", .commands = 1u << ALTER},
    {0, "validate-only", NULL, OPT_FLAG, AT(validate_only),
     "only ask the broker whether it would be possible", .commands = 1u << ALTER},
    CLI_OPTIONS_BROKER(struct config_options, common),
    CLI_OPTIONS_OUTPUT(struct config_options, common, cli_formats),
    CLI_OPTIONS_TALK(struct config_options, common),
};

static const struct opt_command commands[] = {
    [DESCRIBE] = {"describe", "[NAME]...", 0, OPT_ANY,
                  "show settings, their values and where they come from", OPT_FILL_TOPIC,
                  config_describe},
    [ALTER] = {"alter", "[NAME]...", 0, OPT_ANY, "alter settings while the broker runs",
               OPT_FILL_TOPIC, config_alter},
};

static const struct opt_program program = {
    "chronik-config",
    "Describe and alter the settings of topics and brokers of a Kafka-compatible cluster.",
    OPT_TABLE(options), OPT_COMMANDS(commands)};

const char *config_kind_name(int kind)
{
    for (const struct opt_choice *c = config_kinds; c->name; c++) {
        if (c->value == kind)
            return c->name;
    }
    return "unknown";
}

/* The one name of all brokers. */
static int no_names(struct names *n, const struct opt_args *args)
{
    if (args->n)
        return cli_misuse("-t all-brokers takes no names");
    n->v = calloc(1, sizeof *n->v);
    if (n->v)
        n->v[0] = strdup("");
    if (!n->v || !n->v[0]) {
        cli_error("names: out of memory");
        return CLI_FAILED;
    }
    n->n = n->cap = 1;
    return CLI_OK;
}

int config_names(struct names *n, const struct config_options *o, const struct opt_args *args)
{
    struct err e;
    *n = (struct names){0};
    if (o->kind == CONFIG_ALL_BROKERS)
        return no_names(n, args);
    int rc = names_read(n, args, &e);
    if (rc == ERR_INVALID)
        return cli_misuse("%s", e.text);
    return rc ? (int)cli_fail(&e) : CLI_OK;
}

size_t config_chunk(const struct config_options *o, size_t n)
{
    size_t most = o->kind == CONFIG_TOPIC ? CHUNK : 1;
    return n < most ? n : most;
}

struct client_config_resource config_resource(const struct config_options *o, const char *name)
{
    enum client_resource type =
        o->kind == CONFIG_TOPIC ? CLIENT_RESOURCE_TOPIC : CLIENT_RESOURCE_BROKER;
    return (struct client_config_resource){type, name};
}

enum cli_exit config_refused(const struct client_config_resource *r, int16_t error,
                             const char *text)
{
    if (r->type == CLIENT_RESOURCE_TOPIC)
        cli_error("%s: %s", r->name, text);
    else
        cli_error("%s%s: %s", *r->name ? "broker " : "all brokers", r->name, text);
    return cli_exit_of(client_error_code(error));
}

int main(int argc, char **argv)
{
    struct config_options o = {.common = CLI_COMMON_INIT, .kind = CONFIG_TOPIC};
    return cli_main(&program, argc, argv, &o, &o.common);
}

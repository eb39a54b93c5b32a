/* chronik-topic - create, list, describe, alter and delete topics, see where their partitions begin
 * and end, and delete their oldest records. */
#include "cli/topic.h"

#include "client/error.h"

enum { CREATE, LIST, DESCRIBE, ALTER, DELETE, OFFSETS, TRIM };

#define AT(member) offsetof(struct topic_options, member)
static const struct opt options[] = {
    {'p', "partitions", "N", OPT_INT, AT(partitions),
     "number of partitions (else the broker's default, or as many as there are)", .min = 1,
     .max = 1000000, .commands = 1u << CREATE | 1u << ALTER},
    {'r', "replication-factor", "N", OPT_INT, AT(replication),
     "number of replicas (else the broker's default)", .min = 1, .max = INT16_MAX,
     .commands = 1u << CREATE},
    {0, "config", "KEY=VALUE", OPT_LIST, AT(configs), "a setting of the topics; may be repeated",
     .commands = 1u << CREATE | 1u << ALTER},
    {0, "delete-config", "KEY", OPT_LIST, AT(delete_configs),
     "remove a setting, so that its default holds; may be repeated", .commands = 1u << ALTER},
    {0, "if-not-exists", NULL, OPT_FLAG, AT(if_not_exists),
     "a topic that exists already is no failure", .commands = 1u << CREATE},
    {0, "validate-only", NULL, OPT_FLAG, AT(validate_only),
     "only ask the broker whether it would be possible", .commands = 1u << CREATE | 1u << ALTER},
    {0, "if-exists", NULL, OPT_FLAG, AT(if_exists), "a topic that does not exist is no failure",
     .commands = 1u << DELETE},
    {0, "exclude-internal", NULL, OPT_FLAG, AT(exclude_internal),
     "leave out the topics that the broker keeps for itself", .commands = 1u << LIST},
    {0, "time", "TIME", OPT_TEXT, AT(time),
     "the first record at or after TIME: milliseconds since 1970, 2026-01-31T12:00:00Z, earliest, "
     "latest or max-timestamp",
     .commands = 1u << OFFSETS | 1u << TRIM},
    {0, "offset", "OFFSET", OPT_TEXT, AT(offset),
     "delete the records before OFFSET; latest: all that are there", .commands = 1u << TRIM},
    {0, "partition", "N", OPT_INT, AT(partition), "only of this partition", .max = INT32_MAX,
     .commands = 1u << TRIM},
    CLI_OPTIONS_BROKER(struct topic_options, common),
    CLI_OPTIONS_OUTPUT(struct topic_options, common, cli_formats),
    CLI_OPTIONS_TALK(struct topic_options, common),
};

static const struct opt_command commands[] = {
    [CREATE] = {"create", "[NAME]...", 0, OPT_ANY, "create topics", OPT_FILL_NONE, topic_create},
    [LIST] = {"list", "", 0, 0, "list all topics", OPT_FILL_NONE, topic_list},
    [DESCRIBE] = {"describe", "[NAME]...", 0, OPT_ANY,
                  "show the partitions, replicas and settings of topics", OPT_FILL_TOPIC,
                  topic_describe},
    [ALTER] = {"alter", "[NAME]...", 0, OPT_ANY, "alter settings, and add partitions",
               OPT_FILL_TOPIC, topic_alter},
    [DELETE] = {"delete", "[NAME]...", 0, OPT_ANY, "delete topics with all their records",
                OPT_FILL_TOPIC, topic_delete},
    [OFFSETS] = {"offsets", "[NAME]...", 0, OPT_ANY, "show where partitions begin and end",
                 OPT_FILL_TOPIC, topic_offsets},
    [TRIM] = {"trim", "[NAME]...", 0, OPT_ANY, "delete the oldest records of topics",
              OPT_FILL_TOPIC, topic_trim},
};

static const struct opt_program program = {
    "chronik-topic",
    "Create, list, describe, alter and delete the topics of a Kafka-compatible broker.",
    OPT_TABLE(options), OPT_COMMANDS(commands)};

int topic_names(struct names *n, const struct opt_args *args)
{
    struct err e;
    int rc = names_read(n, args, &e);
    if (rc == ERR_INVALID)
        return (int)cli_misuse("%s", e.text);
    return rc ? (int)cli_fail(&e) : CLI_OK;
}

enum cli_exit topic_refused(const char *name, int16_t error, const char *text)
{
    cli_error("%s: %s", name, text);
    return cli_exit_of(client_error_code(error));
}

struct out *topic_out(const struct topic_options *o, const struct out_column *columns, size_t n)
{
    return out_new(stdout, (enum out_format)o->common.format, !o->common.no_header, columns, n);
}

void topic_out_id(struct out *o, const struct uuid *id)
{
    char text[UUID_TEXT];
    uuid_text(id, text);
    out_str(o, uuid_is_zero(id) ? NULL : text);
}

struct json *topic_json_ints(const int32_t *v, int32_t n)
{
    struct json *a = json_new_array();
    for (int32_t i = 0; i < n; i++)
        json_push(a, json_new_int(v[i]));
    return a;
}

int main(int argc, char **argv)
{
    struct topic_options o = {
        .common = CLI_COMMON_INIT, .partitions = -1, .replication = -1, .partition = -1};
    return cli_main(&program, argc, argv, &o, &o.common);
}

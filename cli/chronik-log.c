/* chronik-log - look into the segments of partitions without a broker. */
#include "batch/codec.h"
#include "cli/log_tool.h"

enum { LIST, DUMP, VERIFY, STATS };

#define AT(member) offsetof(struct log_options, member)
static const struct opt options[] = {
    {'r', "records", NULL, OPT_FLAG, AT(records), "a row for each record instead of each batch",
     .commands = 1u << DUMP},
    {0, "payload", NULL, OPT_FLAG, AT(payload),
     "with keys, values and headers: as text, or in base64 where they are not UTF-8; means "
     "--records",
     .commands = 1u << DUMP},
    {0, "index", NULL, OPT_FLAG, AT(index),
     "what is beside the segments instead: the entries of .index and .timeindex, what .check, "
     "leader-epoch-checkpoint, partition.metadata and compaction-checkpoint say",
     .commands = 1u << DUMP},
    {'t', "topic", "TOPIC", OPT_TEXT, AT(topic), "only partitions of this topic: name or id",
     .fill = OPT_FILL_TOPIC, .commands = 1u << LIST | 1u << DUMP | 1u << STATS},
    {'p', "partition", "N", OPT_INT, AT(partition), "only this partition", .max = INT32_MAX,
     .commands = 1u << LIST | 1u << DUMP | 1u << STATS},
    {0, "from-offset", "N", OPT_INT, AT(from_offset),
     "only batches, records or entries from this offset on", .commands = 1u << DUMP},
    {0, "to-offset", "N", OPT_INT, AT(to_offset),
     "only batches, records or entries up to this offset", .commands = 1u << DUMP},
    {0, "from-time", "TIME", OPT_TEXT, AT(from_time),
     "only batches or records from this time on: 2026-01-31T12:00:00Z, or milliseconds since 1970",
     .commands = 1u << DUMP},
    {0, "to-time", "TIME", OPT_TEXT, AT(to_time), "only batches or records up to this time",
     .commands = 1u << DUMP},
    {'n', "limit", "N", OPT_INT, AT(limit), "stop after so many rows", .commands = 1u << DUMP},
    CLI_OPTIONS_OUTPUT(struct log_options, common, cli_formats),
    CLI_OPTIONS_TALK(struct log_options, common),
};

static const struct opt_command commands[] = {
    [LIST] = {"list", "PATH...", 1, OPT_ANY, "show the segment files", OPT_FILL_FILE, log_list},
    [DUMP] = {"dump", "PATH...", 1, OPT_ANY,
              "show what segments hold, batch by batch or record by record", OPT_FILL_FILE,
              log_dump},
    [VERIFY] = {"verify", "PATH...", 1, OPT_ANY,
                "check every byte; tell what is rebuilt from corruption (exit status 8)",
                OPT_FILL_FILE, log_verify},
    [STATS] = {"stats", "PATH...", 1, OPT_ANY, "show sizes, batching, codecs and times",
               OPT_FILL_FILE, log_stats},
};

static const struct opt_program program = {
    "chronik-log",
    "Inspect the logs of partitions offline, Chronik's and Kafka's: a segment file, a partition's "
    "directory, a directory of such, or a broker's data directory.",
    OPT_TABLE(options), OPT_COMMANDS(commands), codec_load};

int main(int argc, char **argv)
{
    struct log_options o = {.common = CLI_COMMON_INIT,
                            .partition = -1,
                            .from_offset = -1,
                            .to_offset = -1,
                            .limit = -1,
                            .from_ms = INT64_MIN,
                            .to_ms = INT64_MAX};
    return cli_main(&program, argc, argv, &o, &o.common);
}

/* chronik-wal - look into write-ahead logs without a broker. */
#include "batch/codec.h"
#include "cli/wal_tool.h"

enum { LIST, DUMP, VERIFY, STATS, REPAIR };
enum { SHOWING = 1u << LIST | 1u << DUMP | 1u << VERIFY | 1u << STATS };

#define AT(member) offsetof(struct wal_options, member)
static const struct opt options[] = {
    {'r', "records", NULL, OPT_FLAG, AT(records), "a row for each record instead of each frame",
     .commands = 1u << DUMP},
    {0, "payload", NULL, OPT_FLAG, AT(payload),
     "with keys, values and headers: as text, or in base64 where they are not UTF-8; means "
     "--records",
     .commands = 1u << DUMP},
    {'t', "topic", "TOPIC", OPT_TEXT, AT(topic), "only what belongs to this topic: name or id",
     .commands = 1u << DUMP, .fill = OPT_FILL_TOPIC},
    {'p', "partition", "N", OPT_INT, AT(partition), "only this partition", .max = UINT32_MAX,
     .commands = 1u << DUMP},
    {0, "type", "TYPE", OPT_TEXT, AT(type), "only frames of this type: BATCH, COMMAND, OPEN...",
     .commands = 1u << DUMP},
    {0, "from-offset", "N", OPT_INT, AT(from_offset),
     "only batches, or records, from this offset on", .commands = 1u << DUMP},
    {0, "to-offset", "N", OPT_INT, AT(to_offset), "only batches, or records, up to this offset",
     .commands = 1u << DUMP},
    {0, "from-index", "N", OPT_INT, AT(from_index), "only entries from this index on",
     .commands = 1u << DUMP},
    {0, "shard", "N", OPT_INT, AT(shard), "only the log of this shard", .max = UINT32_MAX,
     .commands = 1u << DUMP},
    {'n', "limit", "N", OPT_INT, AT(limit), "stop after so many rows", .commands = 1u << DUMP},
    {'f', "follow", NULL, OPT_FLAG, AT(follow), "at the end of the log, wait for more",
     .commands = 1u << DUMP},
    {0, "acked", "FILE", OPT_TEXT, AT(acked),
     "prove too that every record of this ack log (chronik-bench --ack-log) is on disk; PATH is "
     "the broker's data directory",
     .commands = 1u << VERIFY, .fill = OPT_FILL_FILE},
    {0, "output", "DIR", OPT_TEXT, AT(repair_to),
     "where the repaired copy goes: a directory that is missing or empty", .commands = 1u << REPAIR,
     .fill = OPT_FILL_DIR},
    {0, "validate-only", NULL, OPT_FLAG, AT(validate_only),
     "only tell what would be lost; write nothing", .commands = 1u << REPAIR},
    {'o', "output", "FORMAT", OPT_CHOICE, AT(common.format), "how to write the result",
     .choices = cli_formats, .commands = SHOWING},
    {'o', "format", "FORMAT", OPT_CHOICE, AT(common.format), "how to tell what is lost",
     .choices = cli_formats_unnamed, .commands = 1u << REPAIR},
    {0, "no-header", NULL, OPT_FLAG, AT(common.no_header),
     "leave out the line of column names (text, csv)"},
    CLI_OPTIONS_TALK(struct wal_options, common),
};

static const struct opt_command commands[] = {
    [LIST] = {"list", "PATH...", 1, OPT_ANY, "show the segment files", OPT_FILL_FILE, wal_list},
    [DUMP] = {"dump", "PATH...", 1, OPT_ANY,
              "show what the log holds, frame by frame or record by record", OPT_FILL_FILE,
              wal_dump},
    [VERIFY] = {"verify", "PATH...", 1, OPT_ANY,
                "check every byte; tell a torn tail from corruption (exit status 8)", OPT_FILL_FILE,
                wal_verify},
    [STATS] = {"stats", "PATH...", 1, OPT_ANY, "show sizes, batching, frames and sync times",
               OPT_FILL_FILE, wal_stats},
    [REPAIR] =
        {"repair", "PATH", 1, 1,
         "make a copy of a damaged data directory, or of a shard's log, that a broker starts "
         "with, and say what is lost",
         OPT_FILL_DIR, wal_repair},
};

static const struct opt_program program = {
    "chronik-wal",
    "Inspect and repair write-ahead logs offline: a segment file, a "
    "log's directory, or a broker's data directory.",
    OPT_TABLE(options), OPT_COMMANDS(commands), codec_load};

int main(int argc, char **argv)
{
    struct wal_options o = {.common = CLI_COMMON_INIT,
                            .partition = -1,
                            .from_offset = -1,
                            .to_offset = -1,
                            .from_index = -1,
                            .limit = -1,
                            .shard = -1};
    return cli_main(&program, argc, argv, &o, &o.common);
}

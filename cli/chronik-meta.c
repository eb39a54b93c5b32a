/* chronik-meta - look at a node's metadata without a broker: snapshots, and the log of shard 0. It
 * only reads, takes no lock, and trusts no byte. */
#include "cli/meta_tool.h"

enum { LIST, DUMP, LOG, VERIFY };

#define AT(member) offsetof(struct meta_options, member)
static const struct opt options[] = {
    {0, "at", "INDEX", OPT_INT, AT(at),
     "the metadata as it was when that entry of the log had been applied", .commands = 1u << DUMP},
    {0, "from-index", "N", OPT_INT, AT(from), "begin at that index", .commands = 1u << LOG},
    {0, "limit", "N", OPT_INT, AT(limit), "show that many entries at most", .commands = 1u << LOG},
    CLI_OPTIONS_OUTPUT(struct meta_options, common, cli_formats),
    CLI_OPTIONS_TALK(struct meta_options, common),
};

static const struct opt_command commands[] = {
    [LIST] = {"list", "PATH", 1, 1, "list snapshots, checkpoints and log segments", OPT_FILL_FILE,
              meta_list},
    [DUMP] = {"dump", "PATH", 1, 1,
              "show the metadata: of a snapshot, or of the latest one with the log applied",
              OPT_FILL_FILE, meta_dump},
    [LOG] = {"log", "PATH", 1, 1, "show the entries of the metadata log", OPT_FILL_FILE, meta_log},
    [VERIFY] = {"verify", "PATH", 1, 1,
                "check every byte, and that the log leads from each snapshot to the next",
                OPT_FILL_FILE, meta_verify},
};

static const struct opt_program program = {
    "chronik-meta", "Inspect a broker's metadata offline: raft snapshots and the metadata log.",
    OPT_TABLE(options), OPT_COMMANDS(commands)};

int main(int argc, char **argv)
{
    struct meta_options o = {.common = CLI_COMMON_INIT, .at = -1, .limit = -1};
    return cli_main(&program, argc, argv, &o, &o.common);
}

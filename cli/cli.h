/* cli.h - what every Chronik program does alike: exit status, diagnostics, start and end.
 *
 * A program is a table (opt.h), a struct its options go into, and a function per command:
 *
 *     struct options {
 *         struct cli_common common;
 *         int64_t partitions;
 *     };
 *     #define AT(member) offsetof(struct options, member)
 *     static const struct opt options[] = {
 *         {'p', "partitions", "N", OPT_INT, AT(partitions), "number of partitions", .min = 1,
 *          .max = 10000, .commands = 1u << CREATE},
 *         CLI_OPTIONS_BROKER(struct options, common),
 *         CLI_OPTIONS_OUTPUT(struct options, common, cli_formats),
 *         CLI_OPTIONS_TALK(struct options, common),
 *     };
 *     static const struct opt_command commands[] = {
 *         [CREATE] = {"create", "NAME...", 0, OPT_ANY, "create topics", OPT_FILL_TOPIC, create},
 *         ...
 *     };
 *     static const struct opt_program program = {
 *         "chronik-topic", "Administer topics.", OPT_TABLE(options), OPT_COMMANDS(commands)};
 *
 *     int main(int argc, char **argv)
 *     {
 *         struct options o = {.common = CLI_COMMON_INIT, .partitions = -1};
 *         return cli_main(&program, argc, argv, &o, &o.common);
 *     }
 *
 *     static int create(void *values, const struct opt_args *args)
 *     {
 *         struct options *o = values;
 *         ...
 *         return cli_fail(&e); // prints "chronik-topic: what: why", gives the exit status
 *     }
 *
 * A program without sub-commands has one opt_command whose name is NULL. Offline tools leave out
 * CLI_OPTIONS_BROKER. Rows and documents are written with out.h, names read with names.h. All of
 * this is for the main thread of a program.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/opt.h"
#include "cli/out.h"

/* Exit status: frozen, scripts rely on it (chronik(7)). */
enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,
    CLI_NOT_FOUND = 3,
    CLI_EXISTS = 4,
    CLI_UNREACHABLE = 5, /* or timed out */
    CLI_PARTLY = 6,
    CLI_UNAUTHORISED = 7, /* says the broker; a file that may not be opened is 1 */
    CLI_CHECK = 8,
    CLI_INTERRUPTED = 130,
};

struct cli_common {
    const char
        *bootstrap; /* host:port[,host:port]...: option, else environment, else the default */
    int format;     /* enum out_format */
    bool no_header;
    bool quiet;
    int verbose;
    int64_t timeout_ms;
};
#define CLI_COMMON_INIT                         \
    {                                           \
        .format = OUT_TEXT, .timeout_ms = 30000 \
    }

/* The rows of the common options for a table whose struct T holds a struct cli_common named m. */
#define CLI_OPTIONS_BROKER(T, m) \
    CLI_OPTIONS_BROKER_OF(T, m, "give up when the answer has not come by then", "default 30s")
/* The same where --timeout is about something else: what happens when it is over, and without it.
 */
#define CLI_OPTIONS_BROKER_OF(T, m, over, without)                                     \
    {'b',                                                                              \
     "bootstrap-server",                                                               \
     "HOST:PORT",                                                                      \
     OPT_TEXT,                                                                         \
     offsetof(T, m.bootstrap),                                                         \
     "a broker to begin with, or several after commas; else $CHRONIK_BOOTSTRAP, else " \
     "127.0.0.1:9092"},                                                                \
    {                                                                                  \
        0, "timeout", "TIME", OPT_MS, offsetof(T, m.timeout_ms),                       \
            over ": 500ms, 10s, 2m; a plain number counts seconds (" without ")",      \
            .min = 1, .max = OPT_MS_MAX                                                \
    }
#define CLI_OPTIONS_OUTPUT(T, m, formats) CLI_OPTIONS_OUTPUT_OF(T, m, formats, 0)
#define CLI_OPTIONS_TALK(T, m) CLI_OPTIONS_TALK_OF(T, m, 0)
/* The same for some commands only, beside others that have own_options. */
#define CLI_OPTIONS_OUTPUT_OF(T, m, formats, of)                               \
    {'o',                                                                      \
     "output",                                                                 \
     "FORMAT",                                                                 \
     OPT_CHOICE,                                                               \
     offsetof(T, m.format),                                                    \
     "how to write the result",                                                \
     .choices = formats,                                                       \
     .commands = (of)},                                                        \
    {                                                                          \
        0, "no-header", NULL, OPT_FLAG, offsetof(T, m.no_header),              \
            "leave out the line of column names (text, csv)", .commands = (of) \
    }
#define CLI_OPTIONS_TALK_OF(T, m, of)                                       \
    {'q',                                                                   \
     "quiet",                                                               \
     NULL,                                                                  \
     OPT_FLAG,                                                              \
     offsetof(T, m.quiet),                                                  \
     "only errors on standard error",                                       \
     .commands = (of)},                                                     \
    {                                                                       \
        'v', "verbose", NULL, OPT_COUNT, offsetof(T, m.verbose),            \
            "say more on standard error; twice: more yet", .commands = (of) \
    }

/* The formats a table can be written in: text, json, jsonl, csv, names. */
extern const struct opt_choice cli_formats[];
/* The same without names, for results that have none. */
extern const struct opt_choice cli_formats_unnamed[];

/* The whole of main: restores SIGPIPE's default (a reader that goes away ends the program quietly),
 * parses, answers --help and --version, completes `common` from the environment, runs the command,
 * and makes sure that everything written to standard output got there. Returns the exit status. */
int cli_main(const struct opt_program *p, int argc, char **argv, void *values,
             struct cli_common *common);

/* The program's name. */
const char *cli_name(void);

/* One line on standard error: "program: what: why". Control characters, which a broker or a file
 * may have put there, and bytes that are no UTF-8 are shown as '?'. */
void cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same, but not with -q. */
void cli_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same, only with -v given at least `level` times. */
void cli_say(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Standard output has failed with this errno value: what cli_main will say at the end. For programs
 * that stop because of it; the others need not look. */
void cli_output_failed(int number);

/* The exit status for an error code of base/err.h. */
enum cli_exit cli_exit_of(int code);
/* Print e's text as an error and give the exit status of its code. */
enum cli_exit cli_fail(const struct err *e);
/* The same for a code that nobody has put into words: "what: why". */
enum cli_exit cli_fail_code(int code, const char *what);
/* Print a complaint about the command line with a hint to --help and give CLI_USAGE. */
enum cli_exit cli_misuse(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The exit status of a command that treats several names: all well 0; one name: its own
 * status; several of which some failed: 6, unless all failed in the same way. */
struct cli_tally {
    size_t good, bad;
    enum cli_exit status; /* of the bad ones; CLI_PARTLY once they differ */
};
/* One more name, and in the end the status of the program. Zeroed to begin with. */
void cli_tally_add(struct cli_tally *t, enum cli_exit status);
enum cli_exit cli_tally_exit(const struct cli_tally *t);

#endif

/* chronik-consume - write a topic's records to standard output. */
#include <inttypes.h>
#include <stdlib.h>

#include "batch/codec.h"
#include "cli/consume.h"
#include "cli/escape.h"
#include "cli/interrupt.h"
#include "cli/session.h"
#include "cli/when.h"

struct consume_options {
    struct cli_common common;
    bool from_beginning, exit_at_end;
    int64_t count, partition;
    const char *offset, *since, *key_separator;
};

static const struct opt_choice formats[] = {{"text", OUT_TEXT}, {"jsonl", OUT_JSONL}, {NULL, 0}};

#define AT(member) offsetof(struct consume_options, member)
static const struct opt options[] = {
    {0, "from-beginning", NULL, OPT_FLAG, AT(from_beginning),
     "begin with the oldest record, not with the next to come"},
    {0, "offset", "N", OPT_TEXT, AT(offset),
     "begin at offset N of each partition; -N: with the last N records of each"},
    {0, "since", "TIME", OPT_TEXT, AT(since),
     "begin with the first record at or after TIME: milliseconds since 1970 or "
     "2026-01-31T12:00:00Z"},
    {0, "exit-at-end", NULL, OPT_FLAG, AT(exit_at_end),
     "end when all that was there at the start has been written"},
    {'n', "count", "N", OPT_INT, AT(count), "end after N records", .min = 1, .max = INT64_MAX},
    {'p', "partition", "N", OPT_INT, AT(partition), "only this partition", .max = INT32_MAX},
    {'k', "key-separator", "SEP", OPT_TEXT, AT(key_separator),
     "text: write the key, where there is one, and SEP before the value; \\t, \\n, \\0 and \\xHH "
     "are understood"},
    CLI_OPTIONS_BROKER_OF(struct consume_options, common, "end when no record has come for so long",
                          "else for ever, but 30s for an answer"),
    CLI_OPTIONS_OUTPUT(struct consume_options, common, formats),
    CLI_OPTIONS_TALK(struct consume_options, common),
};

/* Where to begin, from the options that say so; at most one may. */
static int parse_start(const struct consume_options *o, struct consumer_options *c)
{
    if (o->from_beginning + !!o->offset + !!o->since > 1)
        return (int)cli_misuse("--from-beginning, --offset and --since exclude each other");
    c->start = o->from_beginning ? CONSUME_BEGINNING : CONSUME_END;
    if (o->since) {
        c->start = CONSUME_TIME;
        if (when_parse(o->since, &c->at))
            return (int)cli_misuse("--since: '%s' is no time", o->since);
    }
    if (o->offset) {
        bool last = o->offset[0] == '-';
        c->start = last ? CONSUME_LAST : CONSUME_OFFSET;
        if (opt_parse_int(o->offset + last, 0, INT64_MAX, &c->at))
            return (int)cli_misuse("--offset: '%s' is no offset", o->offset);
    }
    return CLI_OK;
}

static int parse_separator(const struct consume_options *o, struct consumer_options *c, char **own)
{
    if (!o->key_separator)
        return CLI_OK;
    int rc = separator_parse(o->key_separator, own, &c->separator);
    if (rc == ERR_INVALID)
        return (int)cli_misuse("--key-separator: '%s' is no separator", o->key_separator);
    return rc ? (int)cli_fail_code(rc, "--key-separator") : CLI_OK;
}

static int consume(const struct consume_options *o, const struct consumer_options *co)
{
    struct client_cluster cluster;
    struct consumer c;
    struct err e = {0};
    int fd = cli_interrupt_fd(1);
    if (fd < 0)
        return (int)cli_fail_code(fd, "signals");
    cli_session(&cluster, &o->common, fd);
    int rc = consumer_init(&c, co, &cluster, &e);
    if (!rc)
        rc = consumer_run(&c, &e);
    cli_say(1, "%" PRIu64 " records read", c.written);
    consumer_release(&c);
    client_cluster_release(&cluster);
    return rc ? (int)cli_fail(&e) : CLI_OK;
}

static int run_consume(void *values, const struct opt_args *args)
{
    const struct consume_options *o = values;
    struct consumer_options co = {
        .topic = args->operands[0],
        .partition = (int32_t)o->partition,
        .count = o->count,
        .exit_at_end = o->exit_at_end,
        .jsonl = o->common.format == OUT_JSONL,
        .timeout_ms = o->common.timeout_ms,
        .idle_ms = opt_given(args, "timeout") ? o->common.timeout_ms : -1,
    };
    char *separator = NULL;
    int status = parse_start(o, &co);
    if (!status)
        status = parse_separator(o, &co, &separator);
    if (!status)
        status = consume(o, &co);
    free(separator);
    return status;
}

static const struct opt_command commands[] = {
    {NULL, "TOPIC", 1, 1, "", OPT_FILL_TOPIC, run_consume}};
static const struct opt_program program = {"chronik-consume",
                                           "Write a topic's records to standard output.",
                                           OPT_TABLE(options), OPT_COMMANDS(commands), codec_load};

int main(int argc, char **argv)
{
    struct consume_options o = {.common = CLI_COMMON_INIT, .count = -1, .partition = -1};
    return cli_main(&program, argc, argv, &o, &o.common);
}

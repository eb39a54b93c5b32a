/* chronik-produce - append records from standard input to a topic, one a line. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "batch/codec.h"
#include "cli/choices.h"
#include "cli/escape.h"
#include "cli/interrupt.h"
#include "cli/lines.h"
#include "cli/produce.h"
#include "cli/record_json.h"
#include "cli/session.h"

enum { LINE_MAX_BYTES = 128 << 20, HEADERS_MAX = 1000 };
enum input { INPUT_TEXT, INPUT_JSONL };

struct produce_options {
    struct cli_common common;
    int input, acks, codec;
    const char *key_separator;
    int64_t partition, batch_bytes, linger_ms;
    struct opt_list headers;
    bool repartition;
};

static const struct opt_choice inputs[] = {{"text", INPUT_TEXT}, {"jsonl", INPUT_JSONL}, {NULL, 0}};

#define AT(member) offsetof(struct produce_options, member)
static const struct opt options[] = {
    {0, "input", "FORMAT", OPT_CHOICE, AT(input),
     "what a line is: the record's value, or a JSON object as chronik-consume writes them",
     .choices = inputs},
    {'k', "key-separator", "SEP", OPT_TEXT, AT(key_separator),
     "the text before the first SEP of a line is the record's key; \\t, \\n, \\0 and \\xHH are "
     "understood; a line without SEP has no key"},
    {'p', "partition", "N", OPT_INT, AT(partition),
     "the partition; else the key decides, and records without one go anywhere", .max = INT32_MAX},
    {0, "repartition", NULL, OPT_FLAG, AT(repartition),
     "pass over the partitions that JSON lines name"},
    {0, "acks", "ACKS", OPT_CHOICE, AT(acks),
     "what is waited for: that all replicas in sync have the records on disk, the leader, or "
     "nothing",
     .choices = cli_acks},
    {'z', "compression", "CODEC", OPT_CHOICE, AT(codec), "compress batches", .choices = cli_codecs},
    {'H', "header", "NAME=VALUE", OPT_LIST, AT(headers),
     "add this header to each record; may be repeated"},
    {0, "batch-bytes", "BYTES", OPT_BYTES, AT(batch_bytes),
     "send a batch before it becomes larger than this (default 256k)", .min = 1,
     .max = INT64_C(64) << 20},
    {0, "linger", "TIME", OPT_MS, AT(linger_ms),
     "send what has come when TIME has passed since the first of it, full or not (default 100ms)",
     .max = OPT_MS_MAX},
    CLI_OPTIONS_BROKER(struct produce_options, common),
    CLI_OPTIONS_OUTPUT(struct produce_options, common, cli_formats_unnamed),
    CLI_OPTIONS_TALK(struct produce_options, common),
};

static const struct out_column columns[] = {
    {"partition", OUT_INT, 9}, {"base_offset", OUT_INT, 12}, {"last_offset", OUT_INT, 12},
    {"records", OUT_INT, 8},   {"first_line", OUT_INT, 12},  {"last_line", OUT_INT, 12},
};

/* A run of the program. */
struct run {
    const struct produce_options *o;
    struct client_cluster cluster;
    struct producer producer;
    struct lines lines;
    struct span separator; /* points into own_separator; n 0: none */
    char *own_separator;
    struct record_header *headers; /* of -H */
    int32_t n_headers;
    struct arena arena; /* of one JSON line */
};

static int parse_headers(struct run *r)
{
    const struct opt_list *l = &r->o->headers;
    if (l->n > HEADERS_MAX)
        return (int)cli_misuse("--header: too many");
    r->headers = calloc(l->n + 1, sizeof *r->headers);
    if (!r->headers)
        return (int)cli_fail_code(-ENOMEM, "--header");
    for (size_t i = 0; i < l->n; i++) {
        const char *equals = strchr(l->v[i], '=');
        if (!equals)
            return (int)cli_misuse("--header: '%s' is not NAME=VALUE", l->v[i]);
        r->headers[i].key = span_of(l->v[i], (size_t)(equals - l->v[i]));
        r->headers[i].value = span_str(equals + 1);
    }
    r->n_headers = (int32_t)l->n;
    return CLI_OK;
}

static int parse_separator(struct run *r)
{
    const char *text = r->o->key_separator;
    if (!text)
        return CLI_OK;
    if (r->o->input == INPUT_JSONL)
        return (int)cli_misuse("--key-separator: JSON lines say their key themselves");
    int rc = separator_parse(text, &r->own_separator, &r->separator);
    if (rc == ERR_INVALID)
        return (int)cli_misuse("--key-separator: '%s' is no separator", text);
    return rc ? (int)cli_fail_code(rc, "--key-separator") : CLI_OK;
}

static int64_t now_ms(const struct run *r)
{
    return r->cluster.o.clock->wall_ms(r->cluster.o.clock);
}

static int add_text(struct run *r, struct span line, struct err *e)
{
    struct span key = {NULL, 0}, value = line;
    const struct span *sep = &r->separator;
    const uint8_t *at = sep->n && line.n ? memmem(line.p, line.n, sep->p, sep->n) : NULL;
    if (at) {
        key = span_of(line.p, (size_t)(at - line.p));
        value = span_of(at + sep->n, line.n - key.n - sep->n);
    }
    return producer_add(&r->producer, r->lines.number, (int32_t)r->o->partition, now_ms(r), key,
                        value, r->headers, r->n_headers, e);
}

/* The line's headers and those of -H. */
static int join_headers(struct run *r, struct record_in *in, struct err *e)
{
    if (!r->n_headers)
        return 0;
    size_t n = (size_t)in->n_headers, more = (size_t)r->n_headers;
    struct record_header *h = arena_array(&r->arena, n + more, sizeof *h);
    if (!h)
        return err_code(e, -ENOMEM, "record");
    if (n)
        memcpy(h, in->headers, n * sizeof *h);
    memcpy(h + n, r->headers, more * sizeof *h);
    in->headers = h;
    in->n_headers = (int32_t)(n + more);
    return 0;
}

static int add_json(struct run *r, struct span line, struct err *e)
{
    struct record_in in;
    if (!line.n)
        return 0;
    arena_reset(&r->arena);
    int rc = record_json_read(line, &r->arena, &in, e);
    if (!rc)
        rc = join_headers(r, &in, e);
    if (rc) {
        err_wrap(e, "line %" PRIu64, r->lines.number);
        return rc;
    }
    int32_t partition = r->o->partition >= 0 ? (int32_t)r->o->partition
                        : r->o->repartition  ? -1
                                             : in.partition;
    return producer_add(&r->producer, r->lines.number, partition,
                        in.has_timestamp ? in.timestamp : now_ms(r), in.key, in.value, in.headers,
                        in.n_headers, e);
}

/* The next line, waited for until what is gathered has to leave. */
static int next_line(struct run *r, struct span *line)
{
    struct client_wait w = r->cluster.wait;
    w.deadline_ms = r->producer.gathered ? r->producer.since_ms + r->o->linger_ms : INT64_MAX;
    return lines_next(&r->lines, &w, line);
}

/* Read and send until the input ends. 0, or the code that ended it earlier. */
static int pump(struct run *r, struct err *e)
{
    for (;;) {
        struct span line;
        int rc = next_line(r, &line);
        if (rc == ERR_TIMEOUT)
            rc = producer_flush(&r->producer, e);
        else if (rc == ERR_TOOBIG)
            return err_set(e, rc, "line %" PRIu64 ": longer than %d bytes", r->lines.number + 1,
                           LINE_MAX_BYTES);
        else if (rc < 0)
            return err_code(e, rc, "standard input");
        else if (rc == 0)
            return 0;
        else
            rc = r->o->input == INPUT_JSONL ? add_json(r, line, e) : add_text(r, line, e);
        if (rc)
            return rc;
    }
}

/* What was read before the input turned out bad, or before Ctrl-C, is still sent. (After a failed
 * sending nothing is gathered any more.) */
static int finish(struct run *r, int rc, const struct err *e)
{
    struct err late;
    int status = CLI_OK;
    if (rc) {
        cli_interrupt_clear();
        status = (int)cli_fail(e);
    }
    if (producer_flush(&r->producer, &late))
        status = (int)cli_fail(&late);
    cli_say(1, "%" PRIu64 " records written", r->producer.sent);
    if (status == CLI_INTERRUPTED)
        return status;
    if (status)
        cli_tally_add(&r->producer.tally, (enum cli_exit)status);
    return (int)cli_tally_exit(&r->producer.tally);
}

static int produce(struct run *r, const struct opt_args *args)
{
    struct producer_options po = {
        .topic = args->operands[0],
        .acks = (int16_t)r->o->acks,
        .codec = (enum batch_codec)r->o->codec,
        .batch_bytes = (size_t)r->o->batch_bytes,
        .timeout_ms = r->o->common.timeout_ms,
    };
    struct err e = {0};
    int fd = cli_interrupt_fd(2); /* the end of the input, then that of the sending */
    if (fd < 0)
        return (int)cli_fail_code(fd, "signals");
    cli_session(&r->cluster, &r->o->common, fd);
    lines_init(&r->lines, STDIN_FILENO, LINE_MAX_BYTES);
    arena_init(&r->arena, 0);
    if (opt_given(args, "output"))
        po.report = out_new(stdout, (enum out_format)r->o->common.format, !r->o->common.no_header,
                            OUT_COLUMNS(columns));
    int rc = producer_init(&r->producer, &po, &r->cluster, &e);
    int status = rc ? (int)cli_fail(&e) : 0;
    if (!rc) {
        rc = pump(r, &e);
        status = finish(r, rc, &e);
    }
    if (po.report)
        out_free(po.report);
    producer_release(&r->producer);
    lines_release(&r->lines);
    arena_free(&r->arena);
    client_cluster_release(&r->cluster);
    return status;
}

static int run_produce(void *values, const struct opt_args *args)
{
    struct run r = {.o = values};
    int status = parse_separator(&r);
    if (!status)
        status = parse_headers(&r);
    if (!status)
        status = produce(&r, args);
    free(r.own_separator);
    free(r.headers);
    return status;
}

static const struct opt_command commands[] = {
    {NULL, "TOPIC", 1, 1, "", OPT_FILL_TOPIC, run_produce}};
static const struct opt_program program = {
    "chronik-produce", "Append the lines of standard input to a topic, a record each.",
    OPT_TABLE(options), OPT_COMMANDS(commands), codec_load};

int main(int argc, char **argv)
{
    struct produce_options o = {
        .common = CLI_COMMON_INIT,
        .partition = -1,
        .acks = CLIENT_ACKS_ALL,
        .codec = BATCH_NONE,
        .batch_bytes = 256 << 10,
        .linger_ms = 100,
    };
    return cli_main(&program, argc, argv, &o, &o.common);
}

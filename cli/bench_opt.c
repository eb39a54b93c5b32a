#include "cli/bench_opt.h"

#include <stddef.h>
#include <string.h>

#include "base/machine.h"
#include "cli/bench_step.h"
#include "cli/choices.h"

#define AT(member) offsetof(struct bench_options, member)
enum {
    RECORDS_MAX = 1000000,
    CYCLES_MAX = 1000000,
    AHEAD_MAX = 1000,
    CYCLES = 10,
    DURABILITY_CLIENTS = 8
};

const struct opt_choice bench_modes[] = {{"produce", BENCH_PRODUCE},
                                         {"consume", BENCH_CONSUME},
                                         {"round-trip", BENCH_ROUND_TRIP},
                                         {"metadata", BENCH_METADATA},
                                         {"disk", BENCH_DISK},
                                         {"durability", BENCH_DURABILITY},
                                         {NULL, 0}};
const struct opt_choice bench_key_patterns[] = {{"none", KEYS_NONE},
                                                {"random", KEYS_RANDOM},
                                                {"sequential", KEYS_SEQUENTIAL},
                                                {"fixed", KEYS_FIXED},
                                                {NULL, 0}};
const struct opt_choice bench_payload_patterns[] = {
    {"random", PAYLOAD_RANDOM}, {"zeros", PAYLOAD_ZEROS}, {"text", PAYLOAD_TEXT}, {NULL, 0}};

static const struct opt_choice booleans[] = {{"true", true}, {"false", false}, {NULL, 0}};

const struct opt bench_opts[] = {
    {'m', "mode", "MODE", OPT_CHOICE, AT(mode), "what to measure", .choices = bench_modes},
    {'t', "topic", "TOPIC", OPT_TEXT, AT(topic), "the topic (default chronik-bench)",
     .fill = OPT_FILL_TOPIC},
    {'c', "clients", "N", OPT_INT, AT(clients),
     "clients, each one connection (default 64; consume: one a partition, at most 64)", .min = 1,
     .max = 100000},
    {0, "concurrency", "N", OPT_INT, AT(clients), "clients", .min = 1, .max = 100000,
     .hidden = true},
    {0, "in-flight", "N", OPT_INT, AT(in_flight),
     "requests a client may have in flight (default 1)", .min = 1, .max = 10000},
    {0, "rate-limit", "N", OPT_INT, AT(rate),
     "open loop: N records (disk: writes) a second over all clients, due at fixed times; latency "
     "counts from then "
     "(default 0: closed loop)",
     .min = 0, .max = BENCH_RATE_MAX},
    {0, "ramp", "FROM:TO:STEP", OPT_TEXT, AT(ramp),
     "open loop at one rate after the other, each for -d (or STEP/TIME), a row each; STEP is "
     "added, "
     "xSTEP multiplies; tells where the broker no longer kept up"},
    {0, "find-max", NULL, OPT_FLAG, AT(find_max),
     "open loop at one rate after the other, each for -d, to find the highest one that is kept "
     "while every --slo holds"},
    {0, "slo", "METRIC<TIME", OPT_LIST, AT(slo),
     "for --find-max: p50, p90, p99, p99.9 or max is below so many us, ms or s; may be repeated"},
    {0, "lowest-rate", "N", OPT_INT, AT(lowest_rate),
     "for --find-max: records a second to begin with; 8 is the status if they do not hold "
     "(default 1000)",
     .min = 1, .max = BENCH_RATE_MAX},
    {0, "resolution", "PERCENT", OPT_INT, AT(resolution),
     "for --find-max: how close to the highest rate is close enough (default 5)", .min = 1,
     .max = 50},
    {0, "ceiling", NULL, OPT_FLAG, AT(ceiling),
     "measure too what the bench itself can drive at these settings, for two seconds against a "
     "broker of its own that answers at once"},
    {'d', "duration", "TIME", OPT_MS, AT(duration_ms),
     "how long to measure (default 10s, or no bound with -n)", .min = 1, .max = OPT_MS_MAX},
    {'n', "message-count", "N", OPT_INT, AT(count), "end after so many records (warm-up: besides)",
     .min = 1, .max = INT64_C(1) << 50},
    {'w', "warmup-duration", "TIME", OPT_MS, AT(warmup_ms),
     "load that is not counted before (default 0)", .min = 0, .max = OPT_MS_MAX},
    {0, "warmup", "TIME", OPT_MS, AT(warmup_ms), "warm-up", .min = 0, .max = OPT_MS_MAX,
     .hidden = true},
    {'s', "message-size", "BYTES", OPT_BYTES, AT(message_size),
     "bytes of a record's value, or of a write (default 1024)", .min = 0, .max = 64 << 20},
    {0, "batch-size", "N", OPT_INT, AT(batch_records), "records in a request (default 1)", .min = 1,
     .max = RECORDS_MAX},
    {0, "batch-bytes", "BYTES", OPT_BYTES, AT(batch_bytes), "as many records in a request as fit",
     .min = 1, .max = 64 << 20},
    {0, "linger-ms", "MS", OPT_INT, AT(linger_ms),
     "wait before each request, as a producer that gathers records does; counts as latency "
     "(default 0)",
     .min = 0, .max = 60000},
    {0, "acks", "WHAT", OPT_CHOICE, AT(acks), "what acknowledges a record (default 1)",
     .choices = cli_acks},
    {0, "compression", "CODEC", OPT_CHOICE, AT(codec), "of the batches (default none)",
     .choices = cli_codecs},
    {0, "compress-ahead", "N", OPT_INT, AT(compress_ahead),
     "compress N batches a thread before the clock starts and send those in turn: their records "
     "repeat (default 0: each batch when it is sent)",
     .min = 0, .max = AHEAD_MAX},
    {0, "key-pattern", "PATTERN", OPT_CHOICE, AT(keys), "keys of 16 digits (default none)",
     .choices = bench_key_patterns},
    {0, "payload-pattern", "PATTERN", OPT_CHOICE, AT(payload),
     "what fills the values (default random)", .choices = bench_payload_patterns},
    {0, "idempotent", NULL, OPT_FLAG, AT(idempotent),
     "each client is an idempotent producer (acks all) and repeats what a lost connection left "
     "open"},
    {0, "keep-going", NULL, OPT_FLAG, AT(keep_going),
     "count lost connections as failures and reconnect, instead of ending with status 1"},
    {0, "retry", NULL, OPT_FLAG, AT(keep_going), "the same as --keep-going", .hidden = true},
    {'p', "partitions", "N", OPT_INT, AT(partitions),
     "use partitions 0 to N-1 (default all); with --create-topic as many are made (default 1)",
     .min = 1, .max = 1000000},
    {'r', "replication-factor", "N", OPT_INT, AT(replication),
     "of topics that are created (default 1)", .min = 1, .max = 32767},
    {0, "create-topic", NULL, OPT_FLAG, AT(create_topic),
     "create the topic if it is missing; metadata: create and delete a topic each time"},
    {0, "delete-topic-after", NULL, OPT_FLAG, AT(delete_topic), "delete the topic at the end"},
    {0, "validate", NULL, OPT_FLAG, AT(validate),
     "read everything back and count what is lost, duplicated, reordered or altered: status 8 if "
     "any"},
    {0, "ack-log", "FILE", OPT_TEXT, AT(ack_log), "append a line for every acknowledged batch",
     .fill = OPT_FILL_FILE},
    {0, "check-ack-log", "FILE", OPT_TEXT, AT(check_ack_log),
     "put no load on: check that the topic holds what FILE says was acknowledged; status 8 if not",
     .fill = OPT_FILL_FILE},
    {0, "start", "CMD", OPT_TEXT, AT(start),
     "durability: shell command that starts the broker, in the foreground or not"},
    {0, "kill", "CMD", OPT_TEXT, AT(kill),
     "durability: shell command that kills it (default: SIGKILL to all processes of --start)"},
    {0, "cycles", "N", OPT_INT, AT(cycles), "durability: kills (default 10, or no bound with -d)",
     .min = 1, .max = CYCLES_MAX},
    {0, "kill-within", "TIME", OPT_MS, AT(kill_within_ms),
     "durability: kill at a random moment within it, from the first acknowledgement on (default "
     "2s)",
     .min = 1, .max = OPT_MS_MAX},
    {0, "ready-timeout", "TIME", OPT_MS, AT(ready_ms),
     "durability: how long the broker may take to answer again (default 60s)", .min = 1,
     .max = OPT_MS_MAX},
    {0, "seed", "N", OPT_INT, AT(seed), "durability: draw the moments from it (default random)",
     .min = 0, .max = INT64_MAX},
    {0, "consumers", "N", OPT_INT, AT(consumers),
     "round-trip: connections that read (default one a thread)", .min = 1, .max = 100000},
    {0, "repeat", NULL, OPT_FLAG, AT(repeat),
     "consume: begin again at the start until the time is over"},
    {0, "fetch-max-bytes", "BYTES", OPT_BYTES, AT(fetch_bytes),
     "of an answer to Fetch (default 4m)", .min = 1, .max = 256 << 20},
    {0, "fetch-max-wait-ms", "MS", OPT_INT, AT(fetch_wait_ms),
     "how long a broker may wait for records (default 500)", .min = 0, .max = 60000},
    {0, "file", "FILE", OPT_TEXT, AT(file),
     "disk: the file to write, made if missing and kept: later runs find it written in full",
     .fill = OPT_FILL_FILE},
    {0, "dir", "DIR", OPT_TEXT, AT(dir), "disk: where to make a file for the test (default .)",
     .fill = OPT_FILL_DIR},
    {0, "file-size", "BYTES", OPT_BYTES, AT(file_size), "disk: of that file (default 256m)",
     .min = 4096, .max = INT64_C(1) << 50},
    {0, "direct", "BOOLEAN", OPT_CHOICE, AT(direct),
     "disk: write past the page cache with the sync in the same call, as chronikd does (its "
     "wal.direct.io), where the file system can (default true; false: pwrite and fdatasync)",
     .choices = booleans},
    {0, "threads", "N", OPT_INT, AT(threads),
     "threads that drive the clients (default one for two cores, as far as needed)", .min = 1,
     .max = 1024},
    {0, "request-timeout-ms", "MS", OPT_INT, AT(request_timeout_ms),
     "a request without an answer by then has failed (default 30000)", .min = 1, .max = 3600000},
    {0, "report-interval-secs", "TIME", OPT_MS, AT(report_ms),
     "tell on standard error how it goes (default 5s; 0: do not)", .min = 0, .max = OPT_MS_MAX},
    {0, "json-output", "FILE", OPT_TEXT, AT(json_path), "write the report as JSON too",
     .fill = OPT_FILL_FILE},
    {0, "csv-output", "FILE", OPT_TEXT, AT(csv_path), "append the report as a row of CSV too",
     .fill = OPT_FILL_FILE},
    CLI_OPTIONS_BROKER(struct bench_options, common),
    {0, "bootstrap-servers", "HOST:PORT", OPT_TEXT, AT(common.bootstrap),
     "the same as --bootstrap-server", .hidden = true},
    {0, "html", "FILE", OPT_TEXT, AT(html_path), "write a page with charts too",
     .commands = 1u << BENCH_RUN | 1u << BENCH_COMPARE, .fill = OPT_FILL_FILE},
    {0, "fail-on", "CONDITION", OPT_LIST, AT(fail_on),
     "status 8 if the condition is met, like 'p99>+10%' (of A's median) or 'p99>5ms'; may be "
     "repeated",
     .commands = 1u << BENCH_COMPARE},
    CLI_OPTIONS_OUTPUT_OF(struct bench_options, common, cli_formats_unnamed,
                          1u << BENCH_RUN | 1u << BENCH_COMPARE),
    CLI_OPTIONS_TALK_OF(struct bench_options, common, 1u << BENCH_RUN | 1u << BENCH_COMPARE),
};
const size_t n_bench_opts = sizeof bench_opts / sizeof *bench_opts;

struct bench_options bench_options_default(void)
{
    return (struct bench_options){
        .common = CLI_COMMON_INIT,
        .mode = BENCH_PRODUCE,
        .topic = "chronik-bench",
        .message_size = 1024,
        .batch_records = 1,
        .in_flight = 1,
        .acks = 1,
        .codec = BATCH_NONE,
        .keys = KEYS_NONE,
        .payload = PAYLOAD_RANDOM,
        .replication = 1,
        .request_timeout_ms = 30000,
        .report_ms = 5000,
        .fetch_bytes = 4 << 20,
        .fetch_wait_ms = 500,
        .dir = ".",
        .file_size = 256 << 20,
        .direct = true,
        .seed = -1,
        .kill_within_ms = 2000,
        .ready_ms = 60000,
        .lowest_rate = 1000,
        .resolution = 5,
    };
}

/* Options that promise something in a mode that cannot keep it are refused. What only shapes the
 * load
 * (-c, -s, --acks...) is taken in any, so that one set of options serves several modes. */
enum {
    IN_PRODUCE = 1,
    IN_CONSUME = 2,
    IN_ROUND_TRIP = 4,
    IN_METADATA = 8,
    IN_DISK = 16,
    IN_DURABILITY = 32,
    IN_CHECK = 64
};
enum {
    WRITING = IN_PRODUCE | IN_ROUND_TRIP | IN_DURABILITY,
    LOADING = WRITING | IN_METADATA,
    PACED = IN_PRODUCE | IN_ROUND_TRIP | IN_METADATA,
    BOUNDED = IN_PRODUCE | IN_ROUND_TRIP | IN_METADATA | IN_DISK
};
static const struct {
    const char *name;
    unsigned modes;
} belongs[] = {
    {"rate-limit", LOADING | IN_DISK},
    {"ramp", PACED},
    {"find-max", PACED},
    {"ceiling", IN_PRODUCE},
    {"linger-ms", WRITING},
    {"compress-ahead", IN_PRODUCE},
    {"idempotent", WRITING},
    {"keep-going", LOADING},
    {"retry", LOADING},
    {"delete-topic-after", IN_PRODUCE | IN_ROUND_TRIP | IN_CONSUME},
    {"create-topic", LOADING | IN_CONSUME},
    {"validate", IN_PRODUCE | IN_ROUND_TRIP | IN_CONSUME},
    {"start", IN_DURABILITY},
    {"kill", IN_DURABILITY},
    {"cycles", IN_DURABILITY},
    {"kill-within", IN_DURABILITY},
    {"ready-timeout", IN_DURABILITY},
    {"seed", IN_DURABILITY},
    {"csv-output", BOUNDED | IN_CONSUME},
    {"html", BOUNDED | IN_CONSUME},
    {"ack-log", WRITING},
    {"consumers", IN_ROUND_TRIP},
    {"repeat", IN_CONSUME},
    {"file", IN_DISK},
    {"dir", IN_DISK},
    {"file-size", IN_DISK},
    {"direct", IN_DISK},
    {"message-count", BOUNDED},
    {"duration", LOADING | IN_CONSUME | IN_DISK},
};

static int check_modes(const struct bench_options *o, const struct opt_args *args)
{
    unsigned mode = o->check_ack_log ? IN_CHECK : 1u << o->mode;
    if (o->check_ack_log && opt_given(args, "mode"))
        return cli_misuse("--check-ack-log is a mode of its own: leave --mode out");
    for (size_t i = 0; i < sizeof belongs / sizeof *belongs; i++)
        if (!(belongs[i].modes & mode) && opt_given(args, belongs[i].name))
            return cli_misuse("--%s means nothing %s%s", belongs[i].name,
                              o->check_ack_log ? "with --check-ack-log" : "in mode ",
                              o->check_ack_log ? "" : bench_modes[o->mode].name);
    return 0;
}

/* `chronik-bench durability`: a mode may stand where other programs have a command. */
static int take_operand(struct bench_options *o, const struct opt_args *args)
{
    if (args->n == 0)
        return 0;
    if (opt_given(args, "mode"))
        return cli_misuse("%s: the mode is given twice", args->operands[0]);
    for (const struct opt_choice *c = bench_modes; c->name; c++)
        if (strcmp(c->name, args->operands[0]) == 0) {
            o->mode = c->value;
            return 0;
        }
    return cli_misuse("%s: no such mode", args->operands[0]);
}

/* What a producer does about a lost connection is what is tested. */
static int check_durability(struct bench_options *o, const struct opt_args *args)
{
    if (o->mode != BENCH_DURABILITY)
        return 0;
    if (!o->start)
        return cli_misuse("durability needs --start: the command that starts the broker");
    if (o->acks == 0)
        return cli_misuse("--acks 0 promises nothing that could be tested");
    if (!opt_given(args, "topic"))
        o->topic = "chronik-durability";
    if (!opt_given(args, "clients") && !opt_given(args, "concurrency"))
        o->clients = DURABILITY_CLIENTS;
    if (!o->cycles)
        o->cycles = o->duration_ms ? CYCLES_MAX : CYCLES;
    if (!opt_given(args, "acks") || o->acks == -1)
        o->idempotent = true;
    o->keep_going = o->create_topic = true;
    if (!opt_given(args, "report-interval-secs"))
        o->report_ms = 0;
    return 0;
}

static int check_writing(struct bench_options *o, const struct opt_args *args)
{
    bool stamped =
        o->validate || o->mode == BENCH_ROUND_TRIP || o->mode == BENCH_DURABILITY || o->ack_log;
    if (o->batch_bytes && opt_given(args, "batch-size"))
        return cli_misuse("--batch-size and --batch-bytes both say how large a request is");
    if (o->batch_bytes)
        o->batch_records = bench_batch_records_in(o->batch_bytes, (uint32_t)o->message_size,
                                                  (enum bench_keys)o->keys);
    if (stamped && o->message_size < STAMP_SIZE)
        return cli_misuse(
            "-s %lld: records that are recognised when read back have at least %d bytes",
            (long long)o->message_size, STAMP_SIZE);
    if (o->compress_ahead && stamped)
        return cli_misuse("--compress-ahead sends records more than once: what is read back could "
                          "not be told apart");
    if (o->compress_ahead && o->codec == BATCH_NONE)
        return cli_misuse("--compress-ahead means nothing without --compression");
    if (o->idempotent && !opt_given(args, "acks"))
        o->acks = -1;
    if (o->idempotent && o->acks != -1)
        return cli_misuse("an idempotent producer needs --acks all");
    if (o->acks == 0 && o->mode == BENCH_ROUND_TRIP)
        return cli_misuse(
            "round-trip needs acknowledgements to know when it is over: not --acks 0");
    if (o->acks == 0 && o->ack_log)
        return cli_misuse("--acks 0 acknowledges nothing that could be logged");
    if (strlen(o->topic) > ACKLOG_TOPIC_MAX)
        return cli_misuse("a topic's name has at most %d bytes", ACKLOG_TOPIC_MAX);
    return 0;
}

/* Too few requests say nothing of a rate. */
static int check_steps(const struct bench_options *o, const char *option, int64_t lowest)
{
    double due = (double)lowest / (double)bench_request_records(o) * (double)o->duration_ms / 1e3;
    if (o->count)
        return cli_misuse("%s runs for a time, not for --message-count", option);
    if (due < STEP_REQUESTS_MIN)
        return cli_misuse("%s: %lld records/s for %lld ms are fewer than %d requests of %lld "
                          "records",
                          option, (long long)lowest, (long long)o->duration_ms, STEP_REQUESTS_MIN,
                          (long long)bench_request_records(o));
    return 0;
}

static int check_ramp(struct bench_options *o, const struct opt_args *args)
{
    struct err e;
    if (!o->ramp)
        return 0;
    if (opt_given(args, "rate-limit"))
        return cli_misuse("--rate-limit and --ramp both say at what rate");
    if (rates_parse(o->ramp, &o->rates, &e))
        return cli_misuse("--ramp: %s", e.text);
    if (o->rates.each_ms && opt_given(args, "duration"))
        return cli_misuse("--ramp: its time and --duration both say how long a step lasts");
    if (o->rates.each_ms)
        o->duration_ms = o->rates.each_ms;
    if (!opt_given(args, "report-interval-secs"))
        o->report_ms = 0;
    return check_steps(o, "--ramp", o->rates.from);
}

/* What is to be given with --find-max alone. */
static int check_unsearched(const struct opt_args *args)
{
    static const char *const of_search[] = {"slo", "lowest-rate", "resolution"};
    for (size_t i = 0; i < sizeof of_search / sizeof *of_search; i++)
        if (opt_given(args, of_search[i]))
            return cli_misuse("--%s means nothing without --find-max", of_search[i]);
    return 0;
}

static int check_find(struct bench_options *o, const struct opt_args *args)
{
    if (!o->find_max)
        return check_unsearched(args);
    if (o->ramp || opt_given(args, "rate-limit"))
        return cli_misuse("--find-max and --%s both say at what rate",
                          o->ramp ? "ramp" : "rate-limit");
    if (!o->slo.n)
        return cli_misuse("--find-max needs --slo: what has to hold at the rate");
    if (!opt_given(args, "report-interval-secs"))
        o->report_ms = 0;
    return check_steps(o, "--find-max", o->lowest_rate);
}

int bench_options_check(struct bench_options *o, const struct opt_args *args)
{
    int rc = take_operand(o, args);
    if (!rc)
        rc = check_modes(o, args);
    if (!rc)
        rc = check_durability(o, args);
    if (rc)
        return rc;
    if (o->mode != BENCH_DURABILITY && !o->duration_ms && !o->count && o->mode != BENCH_CONSUME)
        o->duration_ms = 10000;
    if (o->repeat && !o->duration_ms)
        o->duration_ms = 10000;
    if (!o->threads)
        o->threads = (machine_processors() + 1) / 2; /* the broker is often on the same machine */
    if (o->mode == BENCH_DISK)
        o->clients = 1;
    else if (!o->clients && o->mode != BENCH_CONSUME)
        o->clients = 64;
    if (o->mode == BENCH_METADATA && o->create_topic)
        o->in_flight = 1; /* each step waits for the one before it */
    rc = check_writing(o, args);
    if (!rc)
        rc = check_ramp(o, args);
    return rc ? rc : check_find(o, args);
}

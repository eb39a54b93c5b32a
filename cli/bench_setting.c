#include "cli/bench_setting.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/bench_opt.h"
#include "cli/choices.h"

enum { NUMBER, TEXT, FLAG };

/* A text that is NULL and a number below 0 are null in the report. */
struct values {
    const char *mode, *topic, *acks, *codec, *keys, *payload, *path, *sync_method;
    int64_t message_size, clients, partitions, batch, in_flight, rate, linger_ms, threads, ahead,
        consumers, fetch_bytes, write_size, warmup_ms, fetch_wait_ms, replication, file_size;
    bool open_loop, idempotent, create_topic, repeat, validate, ack_log, keep_going;
};

#define AT(member) offsetof(struct values, member)
const struct bench_setting bench_settings[] = {
    {"mode", "mode", TEXT, AT(mode), true},
    {"topic", "topic", TEXT, AT(topic), false},
    {"message_size", "bytes a record", NUMBER, AT(message_size), true},
    {"concurrency", "clients", NUMBER, AT(clients), true},
    {"acks", "acks", TEXT, AT(acks), true},
    {"compression", "compression", TEXT, AT(codec), true},
    {"compress_ahead", "compressed ahead", NUMBER, AT(ahead), true},
    {"partitions", "partitions", NUMBER, AT(partitions), true},
    {"batch_size", "records a request", NUMBER, AT(batch), true},
    {"in_flight", "in flight", NUMBER, AT(in_flight), true},
    {"rate_limit", "records/s due", NUMBER, AT(rate), true},
    {"open_loop", "open loop", FLAG, AT(open_loop), true},
    {"linger_ms", "linger ms", NUMBER, AT(linger_ms), true},
    {"idempotent", "idempotent", FLAG, AT(idempotent), true},
    {"key_pattern", "keys", TEXT, AT(keys), true},
    {"payload_pattern", "payload", TEXT, AT(payload), true},
    {"consumers", "consumers", NUMBER, AT(consumers), true},
    {"fetch_max_bytes", "bytes a fetch", NUMBER, AT(fetch_bytes), true},
    {"creates_topics", "creates topics", FLAG, AT(create_topic), true},
    {"threads", "threads", NUMBER, AT(threads), false},
    {"path", "file", TEXT, AT(path), false},
    {"write_size", "bytes a write", NUMBER, AT(write_size), true},
    {"sync_method", "synced by", TEXT, AT(sync_method), true},
    {"file_size", "bytes of the file", NUMBER, AT(file_size), .noted = true},
    {"warmup_ms", "ms of warm-up", NUMBER, AT(warmup_ms), .noted = true},
    {"repeat", "repeat", FLAG, AT(repeat), .noted = true},
    {"fetch_max_wait_ms", "ms a fetch may wait", NUMBER, AT(fetch_wait_ms), .noted = true},
    {"validate", "validate", FLAG, AT(validate), .noted = true},
    {"ack_log", "ack log", FLAG, AT(ack_log), .noted = true},
    {"keep_going", "keep going", FLAG, AT(keep_going), .noted = true},
    {"replication_factor", "replicas", NUMBER, AT(replication), .noted = true},
};
const size_t n_bench_settings = sizeof bench_settings / sizeof *bench_settings;

static const char *name_of(const struct opt_choice *choices, int value)
{
    while (choices->name && choices->value != value)
        choices++;
    return choices->name;
}

static struct values values_of(const struct bench_result *r)
{
    const struct bench_options *o = r->opt;
    bool writes = o->mode == BENCH_PRODUCE || o->mode == BENCH_ROUND_TRIP;
    bool reads = o->mode == BENCH_CONSUME || o->mode == BENCH_ROUND_TRIP;
    return (struct values){
        .mode = name_of(bench_modes, o->mode),
        .topic = r->b ? o->topic : NULL,
        .acks = name_of(cli_acks, o->acks),
        .codec = batch_codec_name((enum batch_codec)o->codec),
        .keys = writes ? name_of(bench_key_patterns, o->keys) : NULL,
        .payload = writes ? name_of(bench_payload_patterns, o->payload) : NULL,
        .path = r->disk_path,
        .sync_method = r->disk_sync,
        .message_size = writes || r->disk_path ? o->message_size : 0,
        .clients = o->clients,
        .partitions = r->b ? (int64_t)r->b->n_parts : 0,
        .batch = writes ? o->batch_records : 0,
        .in_flight = o->in_flight,
        .rate = o->rate,
        .linger_ms = o->linger_ms,
        .ahead = o->compress_ahead,
        .threads = r->threads,
        .consumers = o->consumers ? o->consumers : -1,
        .fetch_bytes = reads ? o->fetch_bytes : -1,
        .write_size = r->disk_path ? r->disk_write : -1,
        .file_size = r->disk_path ? r->disk_file_size : -1,
        .warmup_ms = o->warmup_ms,
        .fetch_wait_ms = reads ? o->fetch_wait_ms : -1,
        .replication = r->b && r->b->n_parts ? r->b->replicas : -1,
        .open_loop = o->rate > 0,
        .idempotent = o->idempotent,
        .create_topic = o->mode == BENCH_METADATA && o->create_topic,
        .repeat = o->repeat,
        .validate = o->validate,
        .ack_log = o->ack_log != NULL,
        .keep_going = o->keep_going,
    };
}

static struct json *value_of(const struct bench_setting *s, const struct values *v)
{
    const void *p = (const char *)v + s->offset;
    if (s->kind == FLAG)
        return json_new_bool(*(const bool *)p);
    if (s->kind == NUMBER)
        return *(const int64_t *)p < 0 ? json_new_null() : json_new_int(*(const int64_t *)p);
    const char *text = *(const char *const *)p;
    return text ? json_new_str(span_str(text)) : json_new_null();
}

void bench_settings_put(struct json *report, const struct bench_result *r)
{
    struct values v = values_of(r);
    for (size_t i = 0; i < n_bench_settings; i++)
        json_set(report, bench_settings[i].field, value_of(&bench_settings[i], &v));
}

bool bench_values_differ(const struct json *a, const struct json *b)
{
    if (!a || !b)
        return false;
    if (json_type_of(a) != json_type_of(b))
        return true;
    switch (json_type_of(a)) {
    case JSON_T_STR:
        return !span_eq(json_str(a), json_str(b));
    case JSON_T_BOOL:
        return json_bool(a, false) != json_bool(b, false);
    default:
        return json_double(a, 0) < json_double(b, 0) || json_double(a, 0) > json_double(b, 0);
    }
}

bool bench_setting_differs(const struct bench_setting *s, const struct json *a,
                           const struct json *b)
{
    return s->shapes && bench_values_differ(json_get(a, s->field), json_get(b, s->field));
}

const char *bench_value_text(const struct json *v, char *out, size_t size)
{
    struct span text = json_str(v);
    switch (json_type_of(v)) {
    case JSON_T_STR:
        snprintf(out, size, "%.*s", (int)(text.n < size ? text.n : size), (const char *)text.p);
        break;
    case JSON_T_BOOL:
        snprintf(out, size, "%s", json_bool(v, false) ? "yes" : "no");
        break;
    case JSON_T_INT:
        snprintf(out, size, "%" PRId64, json_int(v, 0));
        break;
    case JSON_T_REAL:
        snprintf(out, size, "%g", json_double(v, 0));
        break;
    default:
        snprintf(out, size, "-");
        break;
    }
    return out;
}

/* Is there something to say? */
static bool is_set(const struct json *v)
{
    switch (json_type_of(v)) {
    case JSON_T_STR:
        return !span_eq(json_str(v), span_str("none"));
    case JSON_T_BOOL:
        return json_bool(v, false);
    default:
        return json_double(v, 0) > 0;
    }
}

void bench_settings_text(const struct json *report, char *out, size_t size)
{
    char value[80];
    size_t used = 0;
    *out = 0;
    for (size_t i = 0; i < n_bench_settings && used < size; i++) {
        const struct bench_setting *s = &bench_settings[i];
        enum json_type type = json_type_of(json_get(report, s->field));
        if (!s->shapes || !is_set(json_get(report, s->field)))
            continue;
        bench_value_text(json_get(report, s->field), value, sizeof value);
        bool number = type == JSON_T_INT || type == JSON_T_REAL;
        const char *parts[2] = {number || !i ? value : s->title, !i || type == JSON_T_BOOL ? ""
                                                                 : number ? s->title
                                                                          : value};
        used += (size_t)snprintf(out + used, size - used, "%s%s%s%s", used ? ", " : "", parts[0],
                                 *parts[1] ? " " : "", parts[1]);
    }
}

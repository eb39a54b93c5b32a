/* settings_load.c - where settings come from: the file, the environment, the command line; and what
 * takes the place of a 0 that says "you choose". */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/json.h"
#include "base/machine.h"
#include "broker/settings.h"

enum { FILE_MAX = 1 << 20 };

int settings_argument(struct settings *s, const char *assignment, struct err *e)
{
    const char *eq = strchr(assignment, '=');
    if (!eq || eq == assignment)
        return err_set(e, ERR_INVALID, "'%s' is not NAME=VALUE", assignment);
    char *name = strndup(assignment, (size_t)(eq - assignment));
    if (!name)
        return err_set(e, -ENOMEM, "out of memory");
    int rc = settings_set(s, name, span_str(eq + 1), SETTING_ARGUMENT, e);
    free(name);
    return rc;
}

int settings_environment(struct settings *s, struct err *e)
{
    const struct setting *rows = settings_rows();
    for (size_t i = 0; i < SETTINGS; i++) {
        char name[128];
        setting_env_name(&rows[i], name, sizeof name);
        const char *value = getenv(name);
        if (!value)
            continue;
        int rc = settings_set(s, rows[i].name, span_str(value), SETTING_ENV, e);
        if (rc && rc != ERR_STALE)
            return err_wrap(e, "%s", name);
    }
    return 0;
}

struct file_walk {
    struct settings *s;
    struct err *e;
};

static int set_from_json(void *ctx, const char *key, const struct json *v)
{
    struct file_walk *w = ctx;
    char number[24];
    struct span value;
    switch (json_type_of(v)) {
    case JSON_T_STR:
        value = json_str(v);
        break;
    case JSON_T_INT:
        snprintf(number, sizeof number, "%lld", (long long)json_int(v, 0));
        value = span_str(number);
        break;
    case JSON_T_BOOL:
        value = span_str(json_bool(v, false) ? "true" : "false");
        break;
    default:
        return err_set(w->e, ERR_INVALID, "%s: the value is no text, whole number, true or false",
                       key);
    }
    int rc = settings_set(w->s, key, value, SETTING_FILE, w->e);
    return rc == ERR_STALE ? 0 : rc;
}

int settings_json(struct settings *s, struct span text, struct err *e)
{
    struct json *doc = json_parse((const char *)text.p, text.n, e);
    if (!doc)
        return e ? e->code : ERR_MALFORMED;
    struct file_walk w = {s, e};
    int rc = json_type_of(doc) == JSON_T_OBJECT
                 ? json_each(doc, set_from_json, &w)
                 : err_set(e, ERR_INVALID, "the file is no JSON object");
    json_free(doc);
    return rc;
}

int settings_file(struct settings *s, const char *path, struct err *e)
{
    uint8_t *text;
    size_t n;
    int rc = io_read_file(io_posix(), path, FILE_MAX, &text, &n);
    if (rc < 0)
        return err_code(e, rc, "%s", path);
    rc = settings_json(s, span_of(text, n), e);
    free(text);
    return rc ? err_wrap(e, "%s", path) : 0;
}

/* ---- what the machine and the profile choose */

static const struct profile {
    const char *name;
    int32_t records, bytes;
    int64_t queued;
} profiles[] = {
    {"low", 500, 5000000, 32 << 20},
    {"medium", 2000, 15000000, 128 << 20},
    {"high", 10000, 50000000, 512 << 20},
    {"ultra", 20000, 100000000, 1 << 30},
};

/* The machine's profile. Never ultra: who wants that much memory in use says so. */
static const char *machine_profile(void)
{
    uint64_t memory = machine_memory();
    if (memory < UINT64_C(2) << 30 || machine_processors() < 2)
        return "low";
    return memory < UINT64_C(8) << 30 ? "medium" : "high";
}

static int apply_profile(struct settings *s)
{
    const char *name = s->wal_profile;
    if (strcmp(name, "auto") == 0)
        name = machine_profile();
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++) {
        const struct profile *p = &profiles[i];
        if (strcmp(p->name, name) != 0)
            continue;
        if (!s->wal_group_records)
            s->wal_group_records = p->records;
        if (!s->wal_group_bytes)
            s->wal_group_bytes = p->bytes;
        if (!s->queued_max_request_bytes)
            s->queued_max_request_bytes = p->queued;
        return 0;
    }
    return ERR_INVALID;
}

/* ---- defaults of topics */

/* What a synonym says in the unit of its topic setting. Less than nothing is -1 there: without end.
 */
static int64_t in_other_unit(const struct settings *s, const struct setting *row)
{
    int64_t value = setting_load(row, s).number, out;
    if (value < 0)
        return -1;
    return __builtin_mul_overflow(value, settings_unit(row), &out) ? INT64_MAX : out;
}

/* Where a default of topics is not set, the first synonym that has a value says what holds. */
static void resolve_synonyms(struct settings *s)
{
    for (int which = 0; which < META_SETTINGS; which++) {
        const struct setting *behind[SETTINGS_BEHIND_MAX];
        size_t n = settings_behind((enum meta_setting)which, behind), i = 0;
        while (i < n && !settings_has(s, behind[i]))
            i++;
        if (i > 0 && i < n)
            setting_store(behind[0], s,
                          (union setting_value){.number = in_other_unit(s, behind[i])});
    }
}

int settings_check_topic_defaults(const struct meta_settings *t, struct err *e)
{
    if (t->retention_ms == 0)
        return err_set(e, ERR_INVALID, "log.retention.ms: 0 would keep nothing; -1 is for ever");
    return meta_settings_check(t, e);
}

int settings_resolve(struct settings *s, struct err *e)
{
    if (apply_profile(s))
        return err_set(e, ERR_INVALID, "wal.profile: there is no profile '%s'", s->wal_profile);
    resolve_synonyms(s);
    if (!s->num_network_threads) {
        int n = machine_processors();
        s->num_network_threads = n > 3 ? n / 2 : 1;
        if (s->num_network_threads > 16)
            s->num_network_threads = 16;
    }
    if (s->queued_max_request_bytes < s->socket_request_max_bytes)
        s->queued_max_request_bytes =
            s->socket_request_max_bytes; /* or such a request never gets in */
    if (s->wal_max_bytes / 4 < s->wal_segment_bytes)
        return err_set(
            e, ERR_INVALID,
            "wal.max.bytes: %lld holds fewer than four segments of wal.segment.bytes, %lld",
            (long long)s->wal_max_bytes, (long long)s->wal_segment_bytes);
    if (s->group_min_session_timeout_ms > s->group_max_session_timeout_ms)
        return err_set(e, ERR_INVALID,
                       "group.min.session.timeout.ms: %d is above group.max.session.timeout.ms, %d",
                       s->group_min_session_timeout_ms, s->group_max_session_timeout_ms);
    return settings_check_topic_defaults(&s->topic, e);
}

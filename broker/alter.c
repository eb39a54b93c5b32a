#include "broker/alter.h"

#include <ctype.h>
#include <stdlib.h>

#include "broker/broker.h"
#include "broker/topics.h"
#include "kp/error.h"

/* A request being looked at. */
struct plan {
    const struct broker *broker;
    const struct meta_image *image;
    const struct alteration *asked;
    struct arena *arena;
    struct err *why;
    const struct meta_topic *topic; /* of a topic: NULL if there is none */
    int32_t node;                   /* of a broker; -1: of all */
    const struct meta_config *old;  /* what is set, by name */
    int32_t n_old;
    struct meta_config *changes; /* what is to be set, or (value NULL) to be removed */
    int32_t n_changes;
};

static bool of_topic(const struct plan *p)
{
    return p->asked->resource_type == META_RESOURCE_TOPIC;
}

/* Refuse, with a reason of this printf form. */
#define refuse(p, error, ...) (err_set((p)->why, ERR_INVALID, __VA_ARGS__), (int16_t)(error))

/* Names are from outside: of any length, not to be shown whole. */
#define SHOWN(s) (int)((s).n < 100 ? (s).n : 100), (s).p

static int16_t no_memory(struct plan *p)
{
    return refuse(p, KP_ERR_UNKNOWN_SERVER_ERROR, "out of memory");
}

/* ---- the shape of the request */

static int16_t check_item(struct plan *p, int32_t i)
{
    const struct alter_item *item = &p->asked->items[i];
    if (item->op < ALTER_SET || item->op > ALTER_SUBTRACT)
        return refuse(p, KP_ERR_INVALID_REQUEST, "%.*s: there is no operation %d",
                      SHOWN(item->name), item->op);
    if (item->op != ALTER_DELETE && item->value.n < 0)
        return refuse(p, KP_ERR_INVALID_REQUEST, "%.*s: no value is given", SHOWN(item->name));
    for (int32_t j = 0; j < i; j++) {
        if (kp_str_eq(p->asked->items[j].name, item->name))
            return refuse(p, KP_ERR_INVALID_REQUEST, "%.*s: the setting is named twice",
                          SHOWN(item->name));
    }
    return KP_ERR_NONE;
}

static int16_t check_items(struct plan *p)
{
    if (p->asked->n > META_CONFIGS_MAX)
        return refuse(p, KP_ERR_INVALID_REQUEST, "there are more than %d settings",
                      META_CONFIGS_MAX);
    for (int32_t i = 0; i < p->asked->n; i++) {
        int16_t error = check_item(p, i);
        if (error)
            return error;
    }
    return KP_ERR_NONE;
}

/* ---- the resource */

static int16_t find_topic(struct plan *p)
{
    struct kp_str name = p->asked->resource_name;
    if (name.n <= 0)
        return refuse(p, KP_ERR_INVALID_REQUEST,
                      "a topic has to be named; what holds for all is set on the broker");
    if (broker_topic_check_name(name, p->why))
        return KP_ERR_INVALID_TOPIC_EXCEPTION;
    p->topic = meta_topic_by_name(p->image, span_of(name.p, (size_t)name.n));
    if (p->topic) {
        p->old = p->topic->configs;
        p->n_old = p->topic->n_configs;
    }
    return KP_ERR_NONE;
}

static int16_t find_broker(struct plan *p)
{
    struct kp_str name = p->asked->resource_name;
    p->node = -1;
    if (name.n > 0) {
        char self[16], *end, text[16];
        snprintf(self, sizeof self, "%d", p->broker->node_id);
        snprintf(text, sizeof text, "%.*s", name.n, name.p);
        long id = strtol(text, &end, 10);
        bool number = isdigit((unsigned char)text[0]) && !*end && name.n < (int32_t)sizeof text;
        if (!number)
            return refuse(p, KP_ERR_INVALID_REQUEST, "'%.*s' is no broker's id", SHOWN(name));
        if (id != p->broker->node_id)
            return refuse(p, KP_ERR_INVALID_REQUEST, "this is broker %s, not %ld", self, id);
        p->node = p->broker->node_id;
    }
    size_t n;
    p->old = meta_broker_configs(p->image, p->node, &n);
    p->n_old = (int32_t)n;
    return KP_ERR_NONE;
}

static int16_t find_resource(struct plan *p)
{
    switch (p->asked->resource_type) {
    case META_RESOURCE_TOPIC:
        return find_topic(p);
    case META_RESOURCE_BROKER:
        return find_broker(p);
    default:
        return refuse(p, KP_ERR_INVALID_REQUEST,
                      "resources of type %d have no settings that can be altered here",
                      p->asked->resource_type);
    }
}

/* ---- values */

static const char *old_value(const struct plan *p, struct kp_str name)
{
    for (int32_t i = 0; i < p->n_old; i++) {
        if (kp_str_is(name, p->old[i].name))
            return p->old[i].value;
    }
    return NULL;
}

/* The row of meta/topic_setting.def that a name means, for a topic or as a broker's default. */
static const struct setting *topic_row(const struct plan *p, struct kp_str name)
{
    struct span s = span_of(name.p, (size_t)name.n);
    if (of_topic(p))
        return setting_find(meta_setting_rows(), META_SETTINGS, s);
    const struct setting *row = settings_find(s);
    return row && !settings_unit(row) ? settings_in_front(row) : NULL;
}

/* The next of a list's members; false at its end. Empty ones are passed over. */
static bool next_member(struct span *list, struct span *member)
{
    while (list->n > 0) {
        const uint8_t *comma = memchr(list->p, ',', list->n);
        size_t n = comma ? (size_t)(comma - list->p) : list->n;
        *member = span_of(list->p, n);
        *list = span_of(list->p + n + (comma != NULL), list->n - n - (comma != NULL));
        if (n > 0)
            return true;
    }
    return false;
}

static bool has_member(struct span list, struct span wanted)
{
    struct span member;
    while (next_member(&list, &member)) {
        if (span_eq(member, wanted))
            return true;
    }
    return false;
}

/* Put those members of `from` behind the text that are in `without` not. */
static void put_members(char *text, size_t *n, struct span from, struct span without)
{
    struct span member;
    while (next_member(&from, &member)) {
        if (has_member(without, member) || has_member(span_of(text, *n), member))
            continue;
        if (*n > 0)
            text[(*n)++] = ',';
        memcpy(text + *n, member.p, member.n);
        *n += member.n;
    }
    text[*n] = 0;
}

/* A list with members more, or fewer. One that is not set begins as what holds. */
static int16_t change_list(struct plan *p, const struct alter_item *item, const char **value)
{
    const struct setting *row = topic_row(p, item->name);
    if (!row || row->type != SETTING_LIST)
        return refuse(p, KP_ERR_INVALID_CONFIG,
                      "%.*s: is no list, so nothing can be appended to or subtracted from it",
                      SHOWN(item->name));
    char holds[SETTING_TEXT_MAX];
    const char *now = old_value(p, item->name);
    if (!now) {
        struct meta_settings s;
        meta_settings_default(p->image, p->broker->node_id, &p->broker->settings->topic, &s);
        setting_text(row, &s, holds, sizeof holds);
        now = holds;
    }
    struct span list = span_str(now), operand = span_of(item->value.p, (size_t)item->value.n);
    char *text = arena_alloc(p->arena, list.n + operand.n + 2);
    size_t n = 0;
    if (!text)
        return no_memory(p);
    bool append = item->op == ALTER_APPEND;
    put_members(text, &n, list, append ? span_of(NULL, 0) : operand);
    if (append)
        put_members(text, &n, operand, span_of(NULL, 0));
    *value = text;
    return KP_ERR_NONE;
}

/* May that be set on the topic? */
static int16_t check_topic_value(struct plan *p, const struct meta_config *c)
{
    return meta_setting_check(span_str(c->name), span_str(c->value), p->why) ? KP_ERR_INVALID_CONFIG
                                                                             : KP_ERR_NONE;
}

/* May that be set on the broker? Kafka calls a wrong value of these an invalid request. */
static int16_t check_broker_value(struct plan *p, const struct meta_config *c)
{
    const struct setting *row = settings_find(span_str(c->name));
    if (!row)
        return refuse(p, KP_ERR_INVALID_CONFIG, "%.100s: there is no such broker setting", c->name);
    if (settings_change(row) == SETTING_STATIC)
        return refuse(p, KP_ERR_INVALID_REQUEST,
                      "%s: is read when the broker starts and cannot be altered while it runs",
                      c->name);
    return setting_check(row, span_str(c->value), p->why) ? KP_ERR_INVALID_REQUEST : KP_ERR_NONE;
}

static bool has_zero(struct kp_str s)
{
    return s.n > 0 && memchr(s.p, 0, (size_t)s.n);
}

static int16_t take_item(struct plan *p, const struct alter_item *item)
{
    struct meta_config c = {.name = arena_strn(p->arena, item->name.p, (size_t)item->name.n)};
    if (!c.name)
        return no_memory(p);
    if (item->op == ALTER_DELETE) {
        if (old_value(p, item->name))
            p->changes[p->n_changes++] = c;
        return KP_ERR_NONE;
    }
    if (item->op == ALTER_SET)
        c.value = arena_strn(p->arena, item->value.p, (size_t)item->value.n);
    else {
        int16_t error = change_list(p, item, &c.value);
        if (error)
            return error;
    }
    if (!c.value)
        return no_memory(p);
    if (has_zero(item->name) || has_zero(item->value))
        return refuse(p, KP_ERR_INVALID_CONFIG, "%.100s: a text holds a zero byte", c.name);
    p->changes[p->n_changes++] = c;
    return of_topic(p) ? check_topic_value(p, &c) : check_broker_value(p, &c);
}

static bool is_named(const struct plan *p, const char *name)
{
    for (int32_t i = 0; i < p->asked->n; i++) {
        if (kp_str_is(p->asked->items[i].name, name))
            return true;
    }
    return false;
}

static int16_t make_changes(struct plan *p)
{
    p->changes = arena_array(p->arena, (size_t)p->asked->n + (size_t)p->n_old, sizeof *p->changes);
    if (!p->changes)
        return no_memory(p);
    for (int32_t i = 0; i < p->asked->n; i++) {
        int16_t error = take_item(p, &p->asked->items[i]);
        if (error)
            return error;
    }
    for (int32_t i = 0; p->asked->replace && i < p->n_old; i++) {
        if (!is_named(p, p->old[i].name))
            p->changes[p->n_changes++] = (struct meta_config){p->old[i].name, NULL};
    }
    return KP_ERR_NONE;
}

/* ---- all together */

static const struct meta_config *change_of(const struct plan *p, const char *name)
{
    for (int32_t i = 0; i < p->n_changes; i++) {
        if (strcmp(p->changes[i].name, name) == 0)
            return &p->changes[i];
    }
    return NULL;
}

/* What would be set. */
static int16_t overrides_then(struct plan *p, struct meta_overrides *out)
{
    int32_t n = 0;
    struct meta_config *all =
        arena_array(p->arena, (size_t)p->n_old + (size_t)p->n_changes, sizeof *all);
    if (!all)
        return no_memory(p);
    for (int32_t i = 0; i < p->n_old; i++) {
        if (!change_of(p, p->old[i].name))
            all[n++] = p->old[i];
    }
    for (int32_t i = 0; i < p->n_changes; i++) {
        if (p->changes[i].value)
            all[n++] = p->changes[i];
    }
    meta_overrides_parse(all, (size_t)n, of_topic(p) ? META_NAMES_TOPIC : META_NAMES_SERVER, out);
    return KP_ERR_NONE;
}

/* The settings of all brokers and then of this one, with the changes in their place: both have to
 * make sense, since the second may go and leave the first. */
static int check_brokers(const struct plan *p, const struct meta_overrides *then)
{
    const int32_t scopes[] = {-1, p->broker->node_id};
    struct meta_settings s = p->broker->settings->topic;
    int rc = 0;
    for (size_t i = 0; i < 2 && !rc; i++) {
        size_t n;
        struct meta_overrides now;
        const struct meta_config *c = meta_broker_configs(p->image, scopes[i], &n);
        meta_overrides_parse(c, n, META_NAMES_SERVER, &now);
        meta_settings_overlay(&s, p->node == scopes[i] ? then : &now);
        rc = settings_check_topic_defaults(&s, p->why);
    }
    return rc;
}

/* Committed offsets would be deleted when they are old. It has to say so itself: what holds for
 * other topics may change. One that is wrong already may have its other settings altered. */
static int check_offsets_topic(const struct plan *p, const struct meta_overrides *then)
{
    if (!p->topic || strcmp(p->topic->name, OFFSETS_TOPIC) != 0 || !change_of(p, "cleanup.policy"))
        return 0;
    bool set = then->set & UINT64_C(1) << META_SETTING_cleanup_policy;
    if (set && then->value.cleanup_policy == META_CLEANUP_COMPACT)
        return 0;
    return err_set(p->why, ERR_INVALID,
                   "cleanup.policy: has to be compact alone for " OFFSETS_TOPIC
                   ", or committed offsets are lost");
}

static int check_topic(const struct plan *p, const struct meta_overrides *then)
{
    struct meta_settings s;
    int rc = check_offsets_topic(p, then);
    if (rc)
        return rc;
    meta_settings_default(p->image, p->broker->node_id, &p->broker->settings->topic, &s);
    meta_settings_overlay(&s, then);
    return meta_settings_check(&s, p->why);
}

/* Would what then holds make sense? */
static int16_t check_together(struct plan *p)
{
    struct meta_overrides then;
    int16_t error = overrides_then(p, &then);
    if (error)
        return error;
    int rc = of_topic(p) ? check_topic(p, &then) : check_brokers(p, &then);
    return rc ? KP_ERR_INVALID_CONFIG : KP_ERR_NONE;
}

/* Leave out what would change nothing. */
static void drop_idle_changes(struct plan *p)
{
    int32_t n = 0;
    for (int32_t i = 0; i < p->n_changes; i++) {
        const struct meta_config *c = &p->changes[i];
        const char *now = old_value(p, kp_str(c->name));
        bool same = now && c->value ? strcmp(now, c->value) == 0 : !now && !c->value;
        if (!same)
            p->changes[n++] = *c;
    }
    p->n_changes = n;
}

static int16_t fill_command(struct plan *p, struct meta_config_set *command)
{
    kp_init(&meta_config_set_schema, command);
    command->resource_type = p->asked->resource_type;
    command->node_id = p->node;
    command->checked = true;
    command->configs = arena_array(p->arena, (size_t)p->n_changes, sizeof *command->configs);
    command->seen = arena_array(p->arena, (size_t)p->n_old, sizeof *command->seen);
    if (!command->configs || !command->seen)
        return no_memory(p);
    if (p->topic)
        command->topic_id = p->topic->id;
    for (int32_t i = 0; i < p->n_changes; i++)
        command->configs[command->n_configs++] = (struct meta_config_set_configs){
            kp_str(p->changes[i].name), kp_str(p->changes[i].value)};
    for (int32_t i = 0; i < p->n_old; i++)
        command->seen[command->n_seen++] =
            (struct meta_config_set_seen){kp_str(p->old[i].name), kp_str(p->old[i].value)};
    return KP_ERR_NONE;
}

int16_t alter_plan(const struct broker *b, const struct meta_image *image,
                   const struct alteration *asked, struct arena *a, struct meta_config_set *command,
                   struct err *why)
{
    struct plan p = {.broker = b, .image = image, .asked = asked, .arena = a, .why = why};
    int16_t error = check_items(&p);
    if (!error)
        error = find_resource(&p);
    if (!error)
        error = make_changes(&p);
    if (!error)
        error = check_together(&p);
    if (!error && of_topic(&p) && !p.topic)
        error = refuse(&p, KP_ERR_UNKNOWN_TOPIC_OR_PARTITION, "there is no such topic");
    if (error)
        return error;
    drop_idle_changes(&p);
    return fill_command(&p, command);
}

#include "broker/configs.h"

#include "broker/broker.h"

enum config_type config_type_of(const struct setting *row)
{
    switch (row->type) {
    case SETTING_BOOL:
        return CONFIG_TYPE_BOOLEAN;
    case SETTING_INT:
        return CONFIG_TYPE_INT;
    case SETTING_LONG:
        return CONFIG_TYPE_LONG;
    case SETTING_LIST:
        return CONFIG_TYPE_LIST;
    case SETTING_RATIO:
        return CONFIG_TYPE_DOUBLE;
    case SETTING_CHOICE:
    case SETTING_STRING:
        break;
    }
    return CONFIG_TYPE_STRING;
}

/* ---- origins */

static void add(struct config_entry *e, const char *name, struct kp_str value,
                enum config_source source)
{
    if (e->n == 0)
        e->source = source;
    if (e->n < CONFIG_ORIGINS)
        e->origins[e->n++] = (struct config_origin){kp_str(name), value, source};
}

/* What was altered while the broker ran; node -1: on all of them. */
static void add_altered(struct request *q, struct config_entry *e, const struct setting *row,
                        int32_t node)
{
    size_t n;
    const struct meta_config *c =
        meta_broker_configs(image_get(&request_broker(q)->image), node, &n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(c[i].name, row->name) == 0)
            add(e, row->name, kp_str(c[i].value),
                node == -1 ? CONFIG_SOURCE_ALL_BROKERS : CONFIG_SOURCE_BROKER);
    }
}

/* What the broker was started with. */
static void add_static(struct request *q, struct config_entry *e, const struct setting *row)
{
    const struct settings *s = request_broker(q)->settings;
    char text[SETTING_TEXT_MAX];
    if (s->source[row - settings_rows()] == SETTING_DEFAULT)
        return;
    settings_text(s, row, text, sizeof text);
    add(e, row->name, kp_str(arena_printf(&q->arena, "%s", text)), CONFIG_SOURCE_STATIC);
}

/* What the table says, or was chosen by it at the start. */
static void add_default(struct request *q, struct config_entry *e, const struct setting *row)
{
    const struct settings *s = request_broker(q)->settings;
    char text[SETTING_TEXT_MAX];
    if (!settings_has_default(row))
        return;
    bool is_set = s->source[row - settings_rows()] != SETTING_DEFAULT;
    settings_text(s, row, text, sizeof text);
    add(e, row->name, kp_str(is_set ? row->dflt : arena_printf(&q->arena, "%s", text)),
        CONFIG_SOURCE_DEFAULT);
}

/* All the broker's places for these rows, which stand for the same thing. */
static void add_broker(struct request *q, struct config_entry *e,
                       const struct setting *const rows[], size_t n)
{
    for (size_t i = 0; i < n; i++)
        add_altered(q, e, rows[i], request_broker(q)->node_id);
    for (size_t i = 0; i < n; i++)
        add_altered(q, e, rows[i], -1);
    for (size_t i = 0; i < n; i++)
        add_static(q, e, rows[i]);
    for (size_t i = 0; i < n; i++)
        add_default(q, e, rows[i]);
}

static bool whole(const struct config_entry *e)
{
    for (int i = 0; i < e->n; i++) {
        if (!e->origins[i].value.p)
            return false;
    }
    return true;
}

/* ---- entries */

static void begin(struct config_entry *e, const struct setting *row)
{
    e->row = row;
    e->value = kp_str(NULL);
    e->source = CONFIG_SOURCE_DEFAULT;
    e->n = 0;
}

/* What holds for topics that do not set it, which may be said in another unit. */
static struct kp_str default_value(struct request *q, const struct setting *row)
{
    const struct broker *b = request_broker(q);
    struct meta_settings s;
    char text[SETTING_TEXT_MAX];
    meta_settings_default(image_get(&request_broker(q)->image), b->node_id, &b->settings->topic,
                          &s);
    setting_text(row, &s, text, sizeof text);
    return kp_str(arena_printf(&q->arena, "%s", text));
}

bool config_of_topic(struct request *q, const struct setting *row, const char *own,
                     struct config_entry *out)
{
    const struct setting *behind[SETTINGS_BEHIND_MAX];
    size_t n = settings_behind((enum meta_setting)(row - meta_setting_rows()), behind);
    begin(out, row);
    if (own)
        add(out, row->name, kp_str(own), CONFIG_SOURCE_TOPIC);
    add_broker(q, out, behind, n);
    bool told = own || (out->n && kp_str_is(out->origins[0].name, behind[0]->name));
    out->value = told ? out->origins[0].value : default_value(q, row);
    return out->value.p && whole(out);
}

bool config_of_broker(struct request *q, const struct setting *row, struct config_entry *out)
{
    const struct setting *front = settings_in_front(row), *same[SETTINGS_BEHIND_MAX] = {row};
    size_t n = front ? settings_behind((enum meta_setting)(front - meta_setting_rows()), same) : 1;
    begin(out, row);
    add_broker(q, out, same, n);
    for (int i = out->n; i-- > 0;) { /* its own, not what another unit says */
        if (kp_str_is(out->origins[i].name, row->name))
            out->value = out->origins[i].value;
    }
    return whole(out);
}

bool config_of_all_brokers(struct request *q, const struct setting *row, struct config_entry *out)
{
    begin(out, row);
    add_altered(q, out, row, -1);
    if (out->n)
        out->value = out->origins[0].value;
    return whole(out);
}

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

/* ---- where a value comes from */

struct origins {
    struct request *q;
    struct config_value *all; /* room for CONFIG_ORIGINS */
    int n;
};

static void add(struct origins *o, const char *name, struct kp_str value, enum config_source source)
{
    if (o->n < CONFIG_ORIGINS)
        o->all[o->n++] = (struct config_value){kp_str(name), value, source};
}

/* What the broker was started with, and the default behind that. */
static void add_fixed(struct origins *o, const struct setting *row)
{
    const struct settings *s = request_broker(o->q)->settings;
    bool is_set = s->source[row - settings_rows()] != SETTING_DEFAULT;
    if (is_set || settings_has_default(row)) {
        char text[SETTING_TEXT_MAX];
        settings_text(s, row, text, sizeof text);
        add(o, row->name, kp_str(arena_printf(&o->q->arena, "%s", text)),
            is_set ? CONFIG_SOURCE_STATIC : CONFIG_SOURCE_DEFAULT);
    }
    if (is_set && settings_has_default(row))
        add(o, row->name, kp_str(row->dflt), CONFIG_SOURCE_DEFAULT);
}

int config_origins_of_broker(struct request *q, const struct setting *row,
                             struct config_value out[CONFIG_ORIGINS])
{
    struct origins o = {q, out, 0};
    add_fixed(&o, row);
    return o.n;
}

int config_origins_of_topic(struct request *q, const struct setting *row, const char *own,
                            struct config_value out[CONFIG_ORIGINS])
{
    const struct setting *behind[SETTINGS_BEHIND_MAX];
    size_t n = settings_behind((enum meta_setting)(row - meta_setting_rows()), behind);
    struct origins o = {q, out, 0};
    if (own)
        add(&o, row->name, kp_str(own), CONFIG_SOURCE_TOPIC);
    for (size_t i = 0; i < n; i++)
        add_fixed(&o, behind[i]);
    return o.n;
}

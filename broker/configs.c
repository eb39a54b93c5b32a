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
    case SETTING_STRING:
        break;
    }
    return CONFIG_TYPE_STRING;
}

static struct kp_str value_now(struct request *q, const struct setting *row)
{
    char text[1024];
    settings_text(request_broker(q)->settings, row, text, sizeof text);
    return kp_str(arena_strn(&q->arena, text, strlen(text)));
}

int config_origins_of_broker(struct request *q, const struct setting *row,
                             struct config_value out[CONFIG_ORIGINS])
{
    size_t n_rows;
    const struct settings *s = request_broker(q)->settings;
    bool is_set = s->source[row - settings_rows(&n_rows)] != SETTING_DEFAULT;
    int n = 0;
    out[n++] = (struct config_value){kp_str(row->name), value_now(q, row),
                                     is_set ? CONFIG_SOURCE_STATIC : CONFIG_SOURCE_DEFAULT};
    if (is_set)
        out[n++] =
            (struct config_value){kp_str(row->name), kp_str(row->dflt), CONFIG_SOURCE_DEFAULT};
    return n;
}

int config_origins_of_topic(struct request *q, const struct setting *row, const char *own,
                            struct config_value out[CONFIG_ORIGINS])
{
    size_t n_rows;
    const struct setting *rows = settings_rows(&n_rows);
    int n = 0;
    if (own)
        out[n++] = (struct config_value){kp_str(row->name), kp_str(own), CONFIG_SOURCE_TOPIC};
    return n + config_origins_of_broker(q, settings_find(rows, n_rows, span_str(row->synonym)),
                                        out + n);
}

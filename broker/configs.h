/* configs.h - settings as clients see them in answers. */
#ifndef BROKER_CONFIGS_H
#define BROKER_CONFIGS_H

#include <stdbool.h>

#include "broker/request.h"
#include "broker/settings.h"

/* Kafka's numbers. */
enum config_source {
    CONFIG_SOURCE_TOPIC = 1,
    CONFIG_SOURCE_STATIC = 4, /* file, environment, command line */
    CONFIG_SOURCE_DEFAULT = 5,
};
enum config_type {
    CONFIG_TYPE_BOOLEAN = 1,
    CONFIG_TYPE_STRING = 2,
    CONFIG_TYPE_INT = 3,
    CONFIG_TYPE_LONG = 5,
    CONFIG_TYPE_DOUBLE = 6,
    CONFIG_TYPE_LIST = 7,
};

/* One value and where it comes from. Texts are from the request's arena or static; value.p NULL:
 * out of memory. */
struct config_value {
    struct kp_str name, value;
    enum config_source source;
};

/* Where a setting's value comes from, the one that holds first (Kafka calls them synonyms). Gives
 * how many, at most CONFIG_ORIGINS; 0: it has no value. */
enum { CONFIG_ORIGINS = 2 + 2 * SETTINGS_BEHIND_MAX };
int config_origins_of_broker(struct request *q, const struct setting *row,
                             struct config_value out[CONFIG_ORIGINS]);
/* row: of a topic; own: the value set on the topic, NULL if none is. */
int config_origins_of_topic(struct request *q, const struct setting *row, const char *own,
                            struct config_value out[CONFIG_ORIGINS]);

enum config_type config_type_of(const struct setting *row);

#endif

/* configs.h - settings as clients see them in answers: the value that holds, and all the places it
 * could come from, which Kafka calls synonyms. */
#ifndef BROKER_CONFIGS_H
#define BROKER_CONFIGS_H

#include <stdbool.h>

#include "broker/request.h"
#include "broker/settings.h"

/* Kafka's numbers. */
enum config_source {
    CONFIG_SOURCE_TOPIC = 1,
    CONFIG_SOURCE_BROKER = 2,      /* altered on this broker */
    CONFIG_SOURCE_ALL_BROKERS = 3, /* altered on all of them */
    CONFIG_SOURCE_STATIC = 4,      /* file, environment, command line */
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

/* A place that has a value. */
struct config_origin {
    struct kp_str name, value;
    enum config_source source;
};

/* Texts are from the request's arena, from the image or static. */
enum { CONFIG_ORIGINS = 1 + 4 * SETTINGS_BEHIND_MAX };
struct config_entry {
    const struct setting *row;
    struct kp_str value;       /* null: none */
    enum config_source source; /* of the first origin */
    int n;
    struct config_origin origins[CONFIG_ORIGINS]; /* the one that counts first in front */
};

/* All are for a request's handler, in its read section, and give false when out of memory. */

/* A row of a topic, on which `own` is set; NULL: it is not. */
bool config_of_topic(struct request *q, const struct setting *row, const char *own,
                     struct config_entry *out);
/* A row of this broker. */
bool config_of_broker(struct request *q, const struct setting *row, struct config_entry *out);
/* The same as it was altered for all brokers; no origin: it was not. */
bool config_of_all_brokers(struct request *q, const struct setting *row, struct config_entry *out);

/* What DescribeConfigs calls the row's type. Any thread, no read section. */
enum config_type config_type_of(const struct setting *row);

#endif

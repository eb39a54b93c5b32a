/* configs.h - read and alter the settings of topics and brokers. */
#ifndef CLIENT_CONFIGS_H
#define CLIENT_CONFIGS_H

#include "client/cluster.h"

/* Kafka's numbers. */
enum client_resource { CLIENT_RESOURCE_TOPIC = 2, CLIENT_RESOURCE_BROKER = 4 };
enum client_config_op {
    CLIENT_CONFIG_SET,
    CLIENT_CONFIG_DELETE,
    CLIENT_CONFIG_APPEND,
    CLIENT_CONFIG_SUBTRACT,
};
enum client_config_source {
    CLIENT_SOURCE_TOPIC = 1,       /* set on the topic */
    CLIENT_SOURCE_BROKER = 2,      /* altered on the broker, */
    CLIENT_SOURCE_ALL_BROKERS = 3, /* or on all of them */
    CLIENT_SOURCE_STATIC = 4,      /* what the broker was started with */
    CLIENT_SOURCE_DEFAULT = 5,
};

/* A topic by its name, a broker by its number; all brokers by an empty name. */
struct client_config_resource {
    enum client_resource type;
    const char *name;
};

/* The settings of n resources, asked for by one request: of topics, or of one broker, which is
 * asked itself. keys: those that are wanted, n_keys 0 for all. The answer lives in a; results are
 * in the order of the broker. 0 or a negative code (ERR_NOTFOUND: there is no such broker). */
int client_describe_configs(struct client_cluster *c, const struct client_config_resource *r,
                            size_t n, const char *const *keys, size_t n_keys, struct arena *a,
                            const struct kp_describe_configs_resp **answer, struct err *e);

struct client_config_change {
    enum client_config_op op;
    const char *name, *value; /* value NULL: to delete */
};

/* A resource to be altered, and what came of it. */
struct client_alteration {
    struct client_config_resource resource;
    int16_t error;  /* of the protocol */
    char text[256]; /* its reason, if error is set */
};

/* Make the same changes to n resources by one request (validate: only say whether it could be
 * done): topics, or one broker, which is asked itself. 0 with each one's error set, or a negative
 * code: then nothing is known of any (ERR_UNKNOWN_OUTCOME), or nothing was sent. */
int client_alter_configs(struct client_cluster *c, struct client_alteration *t, size_t n,
                         const struct client_config_change *changes, size_t n_changes,
                         bool validate, struct err *e);

#endif

/* topics.h - create, enlarge and delete topics. Describing them is client_metadata, their settings
 * are configs.h's. */
#ifndef CLIENT_TOPICS_H
#define CLIENT_TOPICS_H

#include "client/cluster.h"

struct client_setting {
    const char *name, *value;
};

/* A topic to be created, enlarged or deleted, and what came of it. */
struct client_topic_change {
    const char *name;
    int32_t
        partitions; /* to create: -1 for the broker's default; then what it has, -1 if not told */
    int16_t replication; /* the same */
    const struct client_setting *settings;
    size_t n_settings;

    int16_t error;  /* of the protocol */
    char text[256]; /* its reason, if error is set */
    struct uuid id; /* zero if not told */
};

/* Create n topics by one request (validate: only say whether it could be done). 0 with each one's
 * error set, or a negative code: then nothing is known of any (ERR_UNKNOWN_OUTCOME), or nothing was
 * sent. */
int client_create_topics(struct client_cluster *c, struct client_topic_change *t, size_t n,
                         bool validate, struct err *e);
/* Delete n topics by one request. */
int client_delete_topics(struct client_cluster *c, struct client_topic_change *t, size_t n,
                         struct err *e);

/* Give n topics more partitions, until each has `partitions`, by one request (validate: only say
 * whether it could be done). As client_create_topics; ids are not told. */
int client_create_partitions(struct client_cluster *c, struct client_topic_change *t, size_t n,
                             bool validate, struct err *e);

#endif

/* alter.h - what a request to alter settings makes of those that are set: checks, and the command.
 *
 * Both APIs are one thing here: AlterConfigs sets what it names and removes the rest,
 * IncrementalAlterConfigs says for each setting what to do. Refusals are Kafka's: INVALID_REQUEST
 * for what makes no sense whatever is set (a setting twice, no value, another broker, a broker's
 * setting that is read at the start only), INVALID_CONFIG for names and values that a topic cannot
 * have, for values that contradict each other, for lists that are none, and for another
 * cleanup.policy of the offsets topic than compact.
 *
 * The command holds what was seen set. If that is no longer all when it is applied, it has no
 * effect (ERR_STALE), and is made up anew: of two who append to a list at once both succeed.
 */
#ifndef BROKER_ALTER_H
#define BROKER_ALTER_H

#include "base/arena.h"
#include "kp/kp.h"
#include "meta/meta.h"

struct broker;

/* Kafka's numbers. */
enum alter_op { ALTER_SET, ALTER_DELETE, ALTER_APPEND, ALTER_SUBTRACT };

struct alter_item {
    struct kp_str name, value;
    int8_t op;
};

/* What is asked for of one resource. */
struct alteration {
    int8_t resource_type;
    struct kp_str resource_name;
    bool replace; /* settings that are not named are removed */
    int32_t n;
    const struct alter_item *items;
};

/* Make up the command from what the image says; from the arena, and borrowed from the image and the
 * request. One without settings changes nothing. Gives the protocol's error, with the reason in
 * *why, or KP_ERR_NONE. */
int16_t alter_plan(const struct broker *b, const struct meta_image *image,
                   const struct alteration *asked, struct arena *a, struct meta_config_set *command,
                   struct err *why);

#endif

/* group_subscription.h - what a consumer's metadata says it reads. To the group the metadata is
 * opaque bytes; only where Kafka looks into it too is it opened: members of the protocol type
 * "consumer". */
#ifndef BROKER_GROUP_SUBSCRIPTION_H
#define BROKER_GROUP_SUBSCRIPTION_H

#include <stdbool.h>

#include "kp/kp.h"

/* Do both name the same topics? Metadata that cannot be read is compared bytewise. */
bool group_subscription_same(struct kp_str protocol_type, struct kp_bytes a, struct kp_bytes b);
/* Does it name the topic? Metadata that cannot be read might. */
bool group_subscription_has(struct kp_bytes metadata, struct kp_str topic);

#endif

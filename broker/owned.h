/* owned.h - copies of a request's strings and bytes, for what outlives the request, and their
 * order. */
#ifndef BROKER_OWNED_H
#define BROKER_OWNED_H

#include <stdbool.h>
#include <stddef.h>

#include "kp/kp.h"

/* A malloc'ed copy; null stays null. False when out of memory. */
bool owned_str(struct kp_str *out, struct kp_str s);
bool owned_bytes(struct kp_bytes *out, struct kp_bytes b);
/* Free a copy and make it null. Null is fine. */
void owned_str_free(struct kp_str *s);
void owned_bytes_free(struct kp_bytes *b);

/* Bytewise, a prefix before what it is a prefix of; null like empty. */
int owned_order(struct kp_str a, struct kp_str b);

#endif

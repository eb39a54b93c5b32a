/* message.h - what the tests of kp share: every schema in every version, and messages that come and
 * go. */
#ifndef TESTS_KP_MESSAGE_H
#define TESTS_KP_MESSAGE_H

#include "kp/kp.h"

/* Call f for each version of each request, response and record. */
void each_message(void (*f)(const struct kp_schema *s, int version));

/* A message with the memory it lives in. */
struct message {
    const struct kp_schema *s;
    int version;
    struct arena arena;
    void *msg;
};

/* No message yet. cap is the arena's, 0 for none. */
void message_init(struct message *m, const struct kp_schema *s, int version, size_t cap);
void message_random(struct message *m, const struct kp_schema *s, int version, uint64_t seed);
/* Decode into m in place of what it held; what kp_decode said. left gets the bytes left over if it
 * is not NULL. */
int message_read(struct message *m, const void *p, size_t n, size_t *left);
/* Both at once. */
int message_decode(struct message *m, const struct kp_schema *s, int version, const void *p,
                   size_t n, size_t cap, size_t *left);
/* The bytes, from malloc and exactly as many as there are, so that a sanitizer sees a read too far.
 */
uint8_t *message_bytes(const struct message *m, size_t *n);
void message_free(struct message *m);

#endif

/* uuid.h - 16-byte ids of clusters and topics (KIP-516). The text form is URL-safe base64 without
 * padding, 22 characters. */
#ifndef BASE_UUID_H
#define BASE_UUID_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { UUID_TEXT = 23 }; /* with the NUL */

struct uuid {
    uint8_t b[16];
};

/* A random id (version 4 bits set), never zero, never 00..01, and its text never begins with '-'
 * (so that it can stand on a command line). From getrandom(2); 0 or a negated errno. */
int uuid_random(struct uuid *u);
void uuid_text(const struct uuid *u, char out[UUID_TEXT]);
/* 0 or ERR_INVALID. */
int uuid_parse(struct uuid *u, const char *text);

static inline bool uuid_is_zero(const struct uuid *u)
{
    static const struct uuid zero;
    return memcmp(u, &zero, sizeof zero) == 0;
}
static inline bool uuid_eq(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

#endif

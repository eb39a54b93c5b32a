/* base64.h - RFC 4648: the standard alphabet with padding, and the URL-safe one without, as Kafka
 * writes its ids. Decoding is strict: each byte string has exactly one text, everything else
 * (whitespace, missing padding, stray bits) is refused. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

enum base64_form { BASE64_PADDED, BASE64_URL };

/* Characters, without the NUL, that n bytes become; n must be below SIZE_MAX / 2. */
size_t base64_size(size_t n, enum base64_form form);
/* Write base64_size characters and a NUL. */
void base64_encode(struct span bytes, enum base64_form form, char *out);
/* out has room for cap bytes; *n is what it became. 0, ERR_INVALID, or ERR_TOOBIG over cap. */
int base64_decode_to(struct span text, enum base64_form form, uint8_t *out, size_t cap, size_t *n);
/* Padded text to malloc'ed bytes (never NULL on success): 0, ERR_INVALID or -ENOMEM. */
int base64_decode(struct span text, uint8_t **out, size_t *n);

#endif

/* error.h - the protocol's error codes as this library's. */
#ifndef CLIENT_ERROR_H
#define CLIENT_ERROR_H

#include <stdint.h>

#include "kp/kp.h"

/* The code of base/err.h that says the same as far as programs care (not found, exists, timed out,
 * no access...); ERR_REFUSED for the rest, 0 for 0. */
int client_error_code(int16_t error);

/* "sentence (NAME)" into buf: the broker's own message if it sent one, else ours. Returns buf. */
const char *client_error_text(int16_t error, struct kp_str message, char *buf, size_t size);

#endif

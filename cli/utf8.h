/* utf8.h - one step through bytes that may be UTF-8. */
#ifndef CLI_UTF8_H
#define CLI_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The length of the well-formed sequence at p (1 to 4; n > 0 bytes are there) and its code point,
 * or 0: no surrogates, no over-long forms, nothing above U+10FFFF. */
int utf8_next(const uint8_t *p, size_t n, uint32_t *code);

#endif

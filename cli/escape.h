/* escape.h - separators on a command line. */
#ifndef CLI_ESCAPE_H
#define CLI_ESCAPE_H

#include <stddef.h>

#include "base/span.h"

/* Replace \t, \n, \r, \0, \\ and \xHH in text by what they stand for. out has room for strlen(text)
 * bytes; *n gets the number written. 0 or ERR_INVALID (another letter behind a backslash). */
int unescape(const char *text, char *out, size_t *n);

/* What text says with its escapes replaced: *out points into *own, which is malloc'ed and the
 * caller's to free. 0; ERR_INVALID (an escape that is none, or nothing at all) or -ENOMEM, and *own
 * is NULL. */
int separator_parse(const char *text, char **own, struct span *out);

#endif

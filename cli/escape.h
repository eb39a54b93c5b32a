/* escape.h - separators on a command line. */
#ifndef CLI_ESCAPE_H
#define CLI_ESCAPE_H

#include <stddef.h>

/* Replace \t, \n, \r, \0, \\ and \xHH in text by what they stand for. out has room for strlen(text)
 * bytes; *n gets the number written. 0 or ERR_INVALID (another letter behind a backslash). */
int unescape(const char *text, char *out, size_t *n);

#endif

#include "cli/escape.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;
    int value = at ? (int)(at - digits) : -1;
    return value < 16 ? value : value - 6;
}

int unescape(const char *text, char *out, size_t *n)
{
    static const char from[] = "tnr0\\", to[] = "\t\n\r\0\\";
    *n = 0;
    for (const char *s = text; *s; s++) {
        if (*s != '\\') {
            out[(*n)++] = *s;
            continue;
        }
        const char *at = *++s ? strchr(from, *s) : NULL;
        if (at) {
            out[(*n)++] = to[at - from];
        } else if (*s == 'x' && hex_digit(s[1]) >= 0 && hex_digit(s[2]) >= 0) {
            out[(*n)++] = (char)(hex_digit(s[1]) << 4 | hex_digit(s[2]));
            s += 2;
        } else {
            return ERR_INVALID;
        }
    }
    return 0;
}

int separator_parse(const char *text, char **own, struct span *out)
{
    size_t n;
    *own = malloc(strlen(text) + 1);
    if (!*own)
        return -ENOMEM;
    if (unescape(text, *own, &n) || n == 0) {
        free(*own);
        *own = NULL;
        return ERR_INVALID;
    }
    *out = span_of(*own, n);
    return 0;
}

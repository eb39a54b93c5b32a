#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Codes above this are negated errno values. */
enum { FIRST_OWN = -1000 };

const char *err_str(int code)
{
    switch (code) {
    case ERR_OK:
        return "success";
#define ERR(name, number, sentence) \
    case number:                    \
        return sentence;
#include "base/err.def"
#undef ERR
    default:
        break;
    }
    const char *s = code < 0 && code > FIRST_OWN ? strerrordesc_np(-code) : NULL;
    return s ? s : "unknown error";
}

const char *err_name(int code)
{
    switch (code) {
    case ERR_OK:
        return "OK";
#define ERR(name, number, sentence) \
    case number:                    \
        return #name;
#include "base/err.def"
#undef ERR
    default:
        break;
    }
    const char *s = code < 0 && code > FIRST_OWN ? strerrorname_np(-code) : NULL;
    return s ? s : "UNKNOWN";
}

bool err_is_shortage(int code)
{
    switch (code) {
    case -ENOSPC:
    case -EDQUOT:
    case -EFBIG:
    case -EMFILE:
    case -ENFILE:
    case -ENOMEM:
        return true;
    default:
        return false;
    }
}

/* Format behind the n bytes that text holds already; what does not fit is cut off. Gives the new
 * length. */
static __attribute__((format(printf, 3, 0))) size_t put(char text[ERR_TEXT_MAX], size_t n,
                                                        const char *fmt, va_list ap)
{
    int got = vsnprintf(text + n, ERR_TEXT_MAX - n, fmt, ap);
    if (got < 0)
        text[n] = 0;
    return n + strlen(text + n);
}

static __attribute__((format(printf, 3, 4))) size_t putf(char text[ERR_TEXT_MAX], size_t n,
                                                         const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    n = put(text, n, fmt, ap);
    va_end(ap);
    return n;
}

/* Every function below formats aside first: arguments may point into e's own text. */

int err_set(struct err *e, int code, const char *fmt, ...)
{
    if (!e)
        return code;
    char text[ERR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    put(text, 0, fmt, ap);
    va_end(ap);
    e->code = code;
    memcpy(e->text, text, sizeof text);
    return code;
}

int err_code(struct err *e, int code, const char *fmt, ...)
{
    if (!e)
        return code;
    char text[ERR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    size_t n = put(text, 0, fmt, ap);
    va_end(ap);
    putf(text, n, ": %s", err_str(code));
    e->code = code;
    memcpy(e->text, text, sizeof text);
    return code;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
    if (!e)
        return -EINVAL;
    char text[ERR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    size_t n = put(text, 0, fmt, ap);
    va_end(ap);
    putf(text, n, ": %s", e->text);
    memcpy(e->text, text, sizeof text);
    return e->code;
}

/* error.c - names and sentences of the protocol's error codes. The table is sorted by number and
 * has no holes: a code is its place. */
#include "kp/error.h"

#include <stddef.h>

struct row {
    const char *name, *sentence;
    bool retriable;
};

enum { FIRST = -1 };

static const struct row rows[] = {
#define KP_ERROR(name, number, retriable, sentence) [(number)-FIRST] = {#name, sentence, retriable},
#include "kp/error.def"
#undef KP_ERROR
};

static const struct row *row_of(int16_t code)
{
    const int n = sizeof rows / sizeof *rows;
    int at = code - FIRST;
    return at >= 0 && at < n ? &rows[at] : &rows[0];
}

const char *kp_error_name(int16_t code)
{
    return row_of(code)->name;
}

const char *kp_error_text(int16_t code)
{
    return row_of(code)->sentence;
}

bool kp_error_retriable(int16_t code)
{
    return row_of(code)->retriable;
}

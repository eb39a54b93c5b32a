/* setting.h - a named value with a type, bounds and a text form: a row of a table of settings.
 *
 * The tables are .def files that expand to rows (meta/topic_setting.def, broker/settings.def). A
 * value lives in a field of some struct, at the row's offset, in the type that SETTING_FIELD_<type>
 * names. Texts from outside are parsed here and nowhere else, as Kafka parses them: blanks around a
 * value do not count, nor do they around the members of a list, nor does the case of a truth value.
 */
#ifndef BASE_SETTING_H
#define BASE_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

enum setting_type {
    SETTING_BOOL,
    SETTING_INT,
    SETTING_LONG,
    SETTING_RATIO,  /* a number with a fraction */
    SETTING_CHOICE, /* one of a few words */
    SETTING_LIST,   /* some of a few words */
    SETTING_STRING, /* any text */
};

#define SETTING_FIELD_BOOL bool
#define SETTING_FIELD_INT int32_t
#define SETTING_FIELD_LONG int64_t
#define SETTING_FIELD_RATIO double
#define SETTING_FIELD_CHOICE int32_t /* which of the choices, from 0 */
#define SETTING_FIELD_LIST uint32_t  /* a bit for each choice, the first is 1 */
#define SETTING_FIELD_STRING const char *

struct setting {
    const char *name;
    enum setting_type type;
    const char *dflt;    /* as text */
    int64_t min, max;    /* of numbers */
    const char *choices; /* "a|b"; "": any, of texts */
    const char *sentence;
    size_t at; /* of the field in its struct */
};

/* What a text says. */
union setting_value {
    int64_t number; /* but for RATIO and STRING; of LIST the bits */
    double ratio;
    struct span text; /* borrowed from the text, without the blanks around it */
};

enum { SETTING_TEXT_MAX = 1024 }; /* enough for setting_text of all but STRING */

/* "boolean", "int", ..., as documents say. */
const char *setting_type_name(enum setting_type t);
/* The row of that name; NULL if there is none. */
const struct setting *setting_find(const struct setting *rows, size_t n, struct span name);
/* 0, or ERR_INVALID with the reason, which begins with the row's name. */
int setting_parse(const struct setting *row, struct span text, union setting_value *v,
                  struct err *e);
/* Would this text be accepted? As setting_parse. */
int setting_check(const struct setting *row, struct span text, struct err *e);
/* The value into its field of `in`; from its field. Not for STRING, whose memory is the caller's
 * business. */
void setting_store(const struct setting *row, void *in, union setting_value v);
union setting_value setting_load(const struct setting *row, const void *in);
/* The field's value as text into buf (cut if it does not fit). setting_parse of it gives the value
 * again. */
void setting_text(const struct setting *row, const void *in, char *buf, size_t cap);
void setting_value_text(const struct setting *row, union setting_value v, char *buf, size_t cap);

#endif

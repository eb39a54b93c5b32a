/* settings.h - what an administrator may set, from one table (settings.def).
 *
 * A setting's value comes from, each source over the one before it: the table's default, the file
 * (JSON, one flat object), the environment (CHRONIK_NUM_PARTITIONS for num.partitions), the command
 * line. They are read once, at the start, and are read-only from then on, so any thread may look.
 *
 * A topic's settings are those set on it, else the broker setting that the table says stands
 * behind.
 */
#ifndef BROKER_SETTINGS_H
#define BROKER_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/span.h"
#include "meta/meta.h"

enum setting_type { SETTING_BOOL, SETTING_STRING, SETTING_INT, SETTING_LONG, SETTING_LIST };
enum setting_source { SETTING_DEFAULT, SETTING_FILE, SETTING_ENV, SETTING_ARGUMENT, SETTING_TOPIC };

/* A row of the table. */
struct setting {
    const char *name;
    enum setting_type type;
    const char *dflt;    /* broker settings */
    const char *synonym; /* topic settings: the broker setting behind it */
    int64_t min, max;
    const char *choices; /* "a|b"; "" any */
    const char *sentence;
    size_t at; /* of the field in struct settings or struct topic_settings */
};

#define SETTING_FIELD_BOOL bool
#define SETTING_FIELD_INT int32_t
#define SETTING_FIELD_LONG int64_t
#define SETTING_FIELD_STRING const char *
#define SETTING_FIELD_LIST const char *

enum {
#define BROKER(type, field, ...) SETTING_ROW_##field,
#include "broker/settings.def"
    SETTINGS_BROKER
};
enum {
#define TOPIC(type, field, ...) SETTING_TOPIC_ROW_##field,
#include "broker/settings.def"
    SETTINGS_TOPIC
};

struct topic_settings {
#define TOPIC(type, field, ...) SETTING_FIELD_##type field;
#include "broker/settings.def"
};

struct settings {
#define BROKER(type, field, ...) SETTING_FIELD_##type field;
#include "broker/settings.def"
    enum setting_source source[SETTINGS_BROKER];
    struct topic_settings
        topic; /* of a topic on which nothing is set; texts are borrowed from above */
};

/* The rows. */
const struct setting *settings_rows(size_t *n);       /* of the broker */
const struct setting *settings_topic_rows(size_t *n); /* of a topic */
const struct setting *settings_find(const struct setting *rows, size_t n,
                                    struct span name); /* or NULL */
const char *setting_type_name(enum setting_type t);
/* "CHRONIK_NUM_PARTITIONS" */
void setting_env_name(const struct setting *row, char *buf, size_t cap);
/* Would this text be accepted? 0 or ERR_INVALID with the reason. */
int setting_check(const struct setting *row, struct span value, struct err *e);

/* All defaults. 0 or -ENOMEM. */
int settings_init(struct settings *s);
void settings_release(struct settings *s);
/* One value. ERR_INVALID: no such name, or a bad value; ERR_STALE: a stronger source has set it,
 * which is no failure. */
int settings_set(struct settings *s, const char *name, struct span value, enum setting_source from,
                 struct err *e);
/* "name=value". */
int settings_argument(struct settings *s, const char *assignment, struct err *e);
/* A JSON file: one object whose keys are names. */
int settings_file(struct settings *s, const char *path, struct err *e);
/* Every CHRONIK_ variable whose setting exists. */
int settings_environment(struct settings *s, struct err *e);
/* To be called behind all sources: values chosen by the machine and by wal.profile take the place
 * of the zeros that ask for it; values that contradict each other are refused. */
int settings_resolve(struct settings *s, struct err *e);

/* The value as text into buf (cut if it does not fit). */
void settings_text(const struct settings *s, const struct setting *row, char *buf, size_t cap);
/* Every setting a line, "name=value", with its source behind it where it is not the default. */
void settings_print(const struct settings *s, FILE *out);

/* What holds for a topic. Values that an older or newer broker let in and this one cannot read
 * count as not set. t NULL: a topic with nothing set. Texts are borrowed from s and t. */
void settings_of_topic(const struct settings *s, const struct meta_topic *t,
                       struct topic_settings *out);
/* May this be set on a topic? ERR_INVALID with the reason. */
int settings_check_topic(struct span name, struct span value, struct err *e);

#endif

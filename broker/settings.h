/* settings.h - what an administrator may set on a broker, from one table (settings.def).
 *
 * A setting's value comes from, each source over the one before it: the table's default, the file
 * (JSON, one flat object), the environment (CHRONIK_NUM_PARTITIONS for num.partitions), the command
 * line. They are read once, at the start, and are read-only from then on, so any thread may look. A
 * row that is DYNAMIC may be altered while the broker runs: what holds now is read by live_now
 * (live.h), or for topics by meta_settings_of, never from here.
 *
 * What holds for topics that set nothing is among them: the names that meta/topic_setting.def says
 * stand behind a topic's setting, and the same in other units (log.retention.hours).
 */
#ifndef BROKER_SETTINGS_H
#define BROKER_SETTINGS_H

#include <stdio.h>

#include "base/setting.h"
#include "meta/settings.h"

enum setting_source { SETTING_DEFAULT, SETTING_FILE, SETTING_ENV, SETTING_ARGUMENT };
/* Does a setting hold from the start on, or may it be altered while the broker runs? */
enum setting_change { SETTING_STATIC, SETTING_DYNAMIC };

/* The rows' numbers. */
enum {
#define BROKER(type, field, ...) SETTING_ROW_##field,
#define TOPIC_DEFAULT(type, field, ...) SETTING_ROW_topic_##field,
#define SYNONYM(type, field, ...) SETTING_ROW_##field,
#include "broker/settings.def"
    SETTINGS
};

struct settings {
#define BROKER(type, field, ...) SETTING_FIELD_##type field;
#define SYNONYM(type, field, ...) SETTING_FIELD_##type field;
#include "broker/settings.def"
    struct meta_settings topic; /* of a topic on which nothing is set */
    enum setting_source source[SETTINGS];
};

/* The rows, SETTINGS of them; `at` is in struct settings. */
const struct setting *settings_rows(void);
const struct setting *settings_find(struct span name); /* or NULL */
enum setting_change settings_change(const struct setting *row);
/* The rows from which a topic's setting comes where the topic does not set it, the one that counts
 * first in front. Gives how many. */
enum { SETTINGS_BEHIND_MAX = 4 };
size_t settings_behind(enum meta_setting which, const struct setting *out[SETTINGS_BEHIND_MAX]);
/* How many of its topic setting's one of this row's is; 0: it is no such setting in another unit.
 */
int64_t settings_unit(const struct setting *row);
/* The topic setting that a row is the default of; NULL: of none. */
const struct setting *settings_in_front(const struct setting *row);

/* "CHRONIK_NUM_PARTITIONS" */
void setting_env_name(const struct setting *row, char *buf, size_t cap);

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
/* The same from text in memory. */
int settings_json(struct settings *s, struct span text, struct err *e);
/* Every CHRONIK_ variable whose setting exists. */
int settings_environment(struct settings *s, struct err *e);
/* To be called behind all sources: values chosen by the machine and by wal.profile take the place
 * of the zeros that ask for it, values in other units that of what is not set; values that
 * contradict each other are refused. */
int settings_resolve(struct settings *s, struct err *e);
/* May these be the defaults of topics? A broker is asked for a little more than a topic. */
int settings_check_topic_defaults(const struct meta_settings *t, struct err *e);

/* Has the row a default, and has it a value of its own, set or by default? The others are unset, or
 * hold what rows in other units say. */
bool settings_has_default(const struct setting *row);
bool settings_has(const struct settings *s, const struct setting *row);
/* The value that holds as text into buf (cut if it does not fit). */
void settings_text(const struct settings *s, const struct setting *row, char *buf, size_t cap);
/* Every setting a line, "name=value", with its source behind it where it is not the default. */
void settings_print(const struct settings *s, FILE *out);

#endif

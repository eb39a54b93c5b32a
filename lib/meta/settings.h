/* settings.h - what holds for a topic, parsed: plain numbers, resolved without looking at a text.
 *
 * A topic's setting comes from, the first that has one: the topic itself, the settings of this
 * broker and of all brokers in the image (CONFIG_SET; under the server's name of the setting, such
 * as log.retention.ms), this broker's own configuration (file, environment, command line), the
 * table's default. Texts are parsed when an image is made (meta_overrides); whoever wants to know
 * what holds lays these over what its broker was started with:
 *
 *     struct meta_settings s;
 *     meta_settings_of(image, node, fixed, topic, &s);
 *     if (s.cleanup_policy & META_CLEANUP_DELETE && s.retention_ms >= 0) ...
 *
 * That is a copy of some 200 bytes where nothing is set: cheap enough for each request. The result
 * is the caller's, with no pointer in it; ask again when there is a new image.
 */
#ifndef META_SETTINGS_H
#define META_SETTINGS_H

#include "base/setting.h"

struct meta_config;
struct meta_image;
struct meta_topic;

struct meta_settings {
#define TOPIC_SETTING(type, field, ...) SETTING_FIELD_##type field;
#include "meta/topic_setting.def"
#undef TOPIC_SETTING
};

/* The rows' numbers. */
enum meta_setting {
#define TOPIC_SETTING(type, field, ...) META_SETTING_##field,
#include "meta/topic_setting.def"
#undef TOPIC_SETTING
    META_SETTINGS
};
_Static_assert(META_SETTINGS <= 64, "meta_overrides.set has a bit for each");

/* What CHOICE and LIST fields hold: the order of the table's choices. */
enum meta_cleanup { META_CLEANUP_COMPACT = 1, META_CLEANUP_DELETE = 2 }; /* bits */
enum meta_timestamp_type { META_CREATE_TIME, META_LOG_APPEND_TIME };
enum meta_compression {
    META_COMPRESSION_PRODUCER,
    META_COMPRESSION_NONE,
    META_COMPRESSION_GZIP,
    META_COMPRESSION_SNAPPY,
    META_COMPRESSION_LZ4,
    META_COMPRESSION_ZSTD,
};

/* Some of the settings. */
struct meta_overrides {
    uint64_t set; /* bit i: row i is */
    struct meta_settings value;
};

/* The rows, META_SETTINGS of them, by enum meta_setting; `at` is in struct meta_settings. */
const struct setting *meta_setting_rows(void);
/* The broker's name for a row: what stands behind it. */
const char *meta_setting_server(const struct setting *row);
/* The table's defaults. */
void meta_settings_init(struct meta_settings *s);
/* May this be set on a topic? 0 or ERR_INVALID with the reason. */
int meta_setting_check(struct span name, struct span value, struct err *e);
/* What no bounds can say: values that contradict each other (min.compaction.lag.ms above
 * max.compaction.lag.ms), a gap in a range. 0 or ERR_INVALID with the reason. */
int meta_settings_check(const struct meta_settings *s, struct err *e);

/* Which names a list of texts has. */
enum meta_names { META_NAMES_TOPIC, META_NAMES_SERVER };
/* Parse n settings. Those that are not in the table, or that an older or newer broker let in and
 * this one cannot read, count as not set. */
void meta_overrides_parse(const struct meta_config *configs, size_t n, enum meta_names names,
                          struct meta_overrides *out);
/* Lay them over s. o NULL: none. */
void meta_settings_overlay(struct meta_settings *s, const struct meta_overrides *o);

/* What holds for a topic on which nothing is set, on broker `node`, whose own configuration says
 * `fixed` (NULL: the table's defaults). */
void meta_settings_default(const struct meta_image *m, int32_t node,
                           const struct meta_settings *fixed, struct meta_settings *out);
/* What holds for t, a topic of any image; NULL: one on which nothing is set. */
void meta_settings_of(const struct meta_image *m, int32_t node, const struct meta_settings *fixed,
                      const struct meta_topic *t, struct meta_settings *out);

#endif

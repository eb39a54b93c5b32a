#include "meta/settings.h"

#include <inttypes.h>

#include "meta/meta.h"

static const struct setting rows[META_SETTINGS] = {
#define TOPIC_SETTING(type, field, name, dflt, min, max, choices, server, sentence) \
    {name, SETTING_##type, dflt,     min,                                           \
     max,  choices,        sentence, offsetof(struct meta_settings, field)},
#include "meta/topic_setting.def"
#undef TOPIC_SETTING
};

static const char *const servers[META_SETTINGS] = {
#define TOPIC_SETTING(type, field, name, dflt, min, max, choices, server, sentence) server,
#include "meta/topic_setting.def"
#undef TOPIC_SETTING
};

const struct setting *meta_setting_rows(void)
{
    return rows;
}

const char *meta_setting_server(const struct setting *row)
{
    return servers[row - rows];
}

void meta_settings_init(struct meta_settings *s)
{
    memset(s, 0, sizeof *s);
    for (size_t i = 0; i < META_SETTINGS; i++) {
        union setting_value v;
        if (setting_parse(&rows[i], span_str(rows[i].dflt), &v, NULL) == 0)
            setting_store(&rows[i], s, v);
    }
}

int meta_setting_check(struct span name, struct span value, struct err *e)
{
    const struct setting *row = setting_find(rows, META_SETTINGS, name);
    if (!row)
        return err_set(e, ERR_INVALID, "%.*s: there is no such topic setting",
                       (int)(name.n < 100 ? name.n : 100), name.n ? (const char *)name.p : "");
    return setting_check(row, value, e);
}

int meta_settings_check(const struct meta_settings *s, struct err *e)
{
    if (s->min_compaction_lag_ms > s->max_compaction_lag_ms)
        return err_set(e, ERR_INVALID,
                       "min.compaction.lag.ms, %" PRId64
                       ", is above max.compaction.lag.ms, %" PRId64,
                       s->min_compaction_lag_ms, s->max_compaction_lag_ms);
    if (s->compression_gzip_level == 0)
        return err_set(e, ERR_INVALID, "compression.gzip.level: 0 would not compress");
    return 0;
}

static const struct setting *row_of(const char *name, enum meta_names names)
{
    if (names == META_NAMES_TOPIC)
        return setting_find(rows, META_SETTINGS, span_str(name));
    for (size_t i = 0; i < META_SETTINGS; i++) {
        if (strcmp(servers[i], name) == 0)
            return &rows[i];
    }
    return NULL;
}

void meta_overrides_parse(const struct meta_config *configs, size_t n, enum meta_names names,
                          struct meta_overrides *out)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < n; i++) {
        const struct setting *row = row_of(configs[i].name, names);
        union setting_value v;
        if (!row || setting_parse(row, span_str(configs[i].value), &v, NULL))
            continue;
        out->set |= (uint64_t)1 << (row - rows);
        setting_store(row, &out->value, v);
    }
}

void meta_settings_overlay(struct meta_settings *s, const struct meta_overrides *o)
{
    if (!o || !o->set)
        return;
#define TOPIC_SETTING(type, field, ...)               \
    if (o->set & (uint64_t)1 << META_SETTING_##field) \
        s->field = o->value.field;
#include "meta/topic_setting.def"
#undef TOPIC_SETTING
}

void meta_settings_default(const struct meta_image *m, int32_t node,
                           const struct meta_settings *fixed, struct meta_settings *out)
{
    size_t n;
    const struct meta_broker_configs *all = meta_all_broker_configs(m, &n);
    if (fixed)
        *out = *fixed;
    else
        meta_settings_init(out);
    /* By node: those of all brokers, -1, come first. */
    for (size_t i = 0; i < n; i++) {
        if (all[i].node == -1 || all[i].node == node)
            meta_settings_overlay(out, all[i].own);
    }
}

void meta_settings_of(const struct meta_image *m, int32_t node, const struct meta_settings *fixed,
                      const struct meta_topic *t, struct meta_settings *out)
{
    meta_settings_default(m, node, fixed, out);
    meta_settings_overlay(out, t ? t->own : NULL);
}

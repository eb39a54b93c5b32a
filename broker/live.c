#include "broker/live.h"

#include "meta/meta.h"

static bool is_ours(size_t row)
{
    const struct setting *r = &settings_rows()[row];
    return settings_change(r) == SETTING_DYNAMIC && !settings_in_front(r);
}

static void put(struct live *l, size_t row, int64_t value)
{
    atomic_store_explicit(&l->value[row], value, memory_order_relaxed);
}

void live_init(struct live *l, const struct settings *s)
{
    for (size_t i = 0; i < SETTINGS; i++)
        put(l, i, is_ours(i) ? setting_load(&settings_rows()[i], s).number : 0);
}

/* Take what a list of settings says of the row. What cannot be read counts as not set. */
static void take(const struct setting *row, const struct meta_config *configs, size_t n,
                 union setting_value *v)
{
    for (size_t i = 0; i < n; i++) {
        union setting_value own;
        if (strcmp(configs[i].name, row->name) == 0 &&
            setting_parse(row, span_str(configs[i].value), &own, NULL) == 0)
            *v = own;
    }
}

void live_update(struct live *l, const struct settings *s, const struct meta_image *image,
                 int32_t node)
{
    size_t n_all, n_own;
    const struct meta_config *all = meta_broker_configs(image, -1, &n_all);
    const struct meta_config *own = meta_broker_configs(image, node, &n_own);
    for (size_t i = 0; i < SETTINGS; i++) {
        const struct setting *row = &settings_rows()[i];
        if (!is_ours(i))
            continue;
        union setting_value v = setting_load(row, s);
        take(row, all, n_all, &v);
        take(row, own, n_own, &v);
        put(l, i, v.number);
    }
}

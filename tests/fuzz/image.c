#include "tests/fuzz/image.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

/* Whatever the image says, what holds for a topic is within the table's bounds. */
static void settings_hold(const struct meta_image *m, const struct meta_topic *t)
{
    struct meta_settings s;
    meta_settings_of(m, 1, NULL, t, &s);
    for (size_t i = 0; i < META_SETTINGS; i++) {
        const struct setting *row = &meta_setting_rows()[i];
        union setting_value v = setting_load(row, &s);
        if (row->type == SETTING_INT || row->type == SETTING_LONG)
            must(v.number >= row->min && v.number <= row->max);
    }
}

static void topics_hold(const struct meta_image *m)
{
    const struct meta_topic *last = NULL;
    size_t n = 0;
    for (const struct meta_topic *t; (t = meta_topic_next(m, last)) != NULL; last = t) {
        must(!last || strcmp(last->name, t->name) < 0);
        must(meta_topic_by_name(m, span_str(t->name)) == t && meta_topic_by_id(m, &t->id) == t);
        must(t->n_partitions >= 1 && t->n_partitions <= META_PARTITIONS_MAX);
        must(t->n_configs >= 0 && t->n_configs <= META_CONFIGS_MAX);
        for (int32_t i = 0; i + 1 < t->n_configs; i++)
            must(strcmp(t->configs[i].name, t->configs[i + 1].name) < 0);
        settings_hold(m, t);
        n++;
    }
    must(n == meta_n_topics(m));
    settings_hold(m, NULL);
}

void fuzz_image_holds(const struct meta_image *m)
{
    struct wr first, second;
    struct meta_image *again = NULL;
    struct err e = {0};
    wr_init(&first, 0);
    wr_init(&second, 0);
    topics_hold(m);
    meta_snapshot_encode(m, 5, &first);
    must(!first.err);
    struct span file = span_of(first.buf, first.len);
    if (meta_snapshot_decode(file, meta_cluster_id(m), &again, NULL, &e) != 0)
        fuzz_broken(e.text, __FILE__, __LINE__);
    must(meta_index(again) == meta_index(m) && meta_term(again) == meta_term(m));
    meta_snapshot_encode(again, 5, &second);
    must(!second.err && first.len == second.len);
    must(memcmp(first.buf, second.buf, first.len) == 0);
    meta_image_unref(again);
    wr_free(&first);
    wr_free(&second);
}

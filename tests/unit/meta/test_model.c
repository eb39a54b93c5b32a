/* Random commands, good and bad, against a model so plain that it can be seen to be right: arrays,
 * no sharing, no order. Names and ids come from small pools, so that collisions and misses are
 * common. */
#include "tests/unit/meta/kit.h"

enum {
    NAMES = 40,
    IDS = 60,
    CONFIGS = 4,
    NODES = 6,
    PARTITIONS_MAX = 12,
    STEPS = 1500,
    SEEDS = 20
};

struct model_configs {
    bool set[CONFIGS];
    int value[CONFIGS];
};

struct model {
    struct {
        bool exists;
        int name; /* "t<name>" */
        int n;
        int32_t leader[PARTITIONS_MAX];
        struct model_configs configs;
    } topic[IDS]; /* by id; 0 is not used */
    struct {
        bool exists;
        int port;
    } node[NODES];
    struct model_configs broker[NODES + 1]; /* [0] is node -1 */
    int64_t next_producer_id;
};

static int pick(int n)
{
    return (int)(random() % n);
}

/* ---- both sides as text */

static void print_configs(FILE *f, const struct meta_config *c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fprintf(f, " %s=%s", c[i].name, c[i].value);
}

static void print_image(FILE *f, const struct meta_image *m)
{
    size_t n;
    for (uint32_t i = 1; i < IDS; i++) {
        struct uuid id = kit_id(i);
        const struct meta_topic *t = meta_topic_by_id(m, &id);
        if (!t)
            continue;
        ck_assert_ptr_eq(meta_topic_by_name(m, span_str(t->name)), t);
        fprintf(f, "topic %u %s", i, t->name);
        for (int32_t p = 0; p < t->n_partitions; p++)
            fprintf(f, " %d", t->partitions[p].leader);
        print_configs(f, t->configs, (size_t)t->n_configs);
        fputc('\n', f);
    }
    const struct meta_node *nodes = meta_nodes(m, &n);
    for (size_t i = 0; i < n; i++)
        fprintf(f, "node %d %d\n", nodes[i].id, nodes[i].port);
    for (int32_t node = -1; node < NODES; node++) {
        const struct meta_config *c = meta_broker_configs(m, node, &n);
        fprintf(f, "broker %d", node);
        print_configs(f, c, n);
        fputc('\n', f);
    }
    fprintf(f, "next %lld topics %zu\n", (long long)meta_next_producer_id(m), meta_n_topics(m));
}

static void print_model_configs(FILE *f, const struct model_configs *c)
{
    for (int i = 0; i < CONFIGS; i++) {
        if (c->set[i])
            fprintf(f, " c%d=%d", i, c->value[i]);
    }
}

static void print_model(FILE *f, const struct model *m)
{
    size_t n = 0;
    for (int i = 1; i < IDS; i++) {
        if (!m->topic[i].exists)
            continue;
        fprintf(f, "topic %d t%d", i, m->topic[i].name);
        for (int p = 0; p < m->topic[i].n; p++)
            fprintf(f, " %d", m->topic[i].leader[p]);
        print_model_configs(f, &m->topic[i].configs);
        fputc('\n', f);
        n++;
    }
    for (int i = 0; i < NODES; i++) {
        if (m->node[i].exists)
            fprintf(f, "node %d %d\n", i, m->node[i].port);
    }
    for (int i = 0; i <= NODES; i++) {
        fprintf(f, "broker %d", i - 1);
        print_model_configs(f, &m->broker[i]);
        fputc('\n', f);
    }
    fprintf(f, "next %lld topics %zu\n", (long long)m->next_producer_id, n);
}

static void check(const struct model *model, const struct meta_image *m)
{
    char *want = NULL, *have = NULL;
    size_t n;
    FILE *f = open_memstream(&want, &n);
    print_model(f, model);
    fclose(f);
    f = open_memstream(&have, &n);
    print_image(f, m);
    fclose(f);
    ck_assert_str_eq(have, want);
    free(want);
    free(have);
}

/* ---- commands: each runs on the image and says what the model makes of it */

static bool name_taken(const struct model *model, int name)
{
    for (int i = 1; i < IDS; i++) {
        if (model->topic[i].exists && model->topic[i].name == name)
            return true;
    }
    return false;
}

static void create(struct model *model, struct meta_image **m)
{
    int id = 1 + pick(IDS - 1), name = pick(NAMES), n = pick(6);
    int32_t replicas[] = {0, 1, 2, 3};
    char text[16];
    struct meta_topic_create_partitions parts[6];
    struct meta_topic_create msg = {.topic_id = kit_id((uint32_t)id), .n_partitions = n};
    snprintf(text, sizeof text, "t%d", name);
    msg.name = kp_str(text);
    msg.partitions = parts;
    for (int32_t i = 0; i < n; i++)
        parts[i] = (struct meta_topic_create_partitions){i, 1, pick(5) - 1, 4, replicas};
    int code = kit_run(m, META_TOPIC_CREATE, &msg).code;
    if (n == 0) {
        ck_assert_int_eq(code, ERR_INVALID);
    } else if (model->topic[id].exists || name_taken(model, name)) {
        ck_assert_int_eq(code, ERR_EXISTS);
    } else {
        ck_assert_int_eq(code, 0);
        memset(&model->topic[id], 0, sizeof model->topic[id]);
        model->topic[id].exists = true;
        model->topic[id].name = name;
        model->topic[id].n = n;
        for (int i = 0; i < n; i++)
            model->topic[id].leader[i] = parts[i].leader;
    }
}

static void drop(struct model *model, struct meta_image **m)
{
    int id = 1 + pick(IDS - 1);
    struct meta_topic_delete msg = {kit_id((uint32_t)id)};
    int code = kit_run(m, META_TOPIC_DELETE, &msg).code;
    ck_assert_int_eq(code, model->topic[id].exists ? 0 : ERR_NOTFOUND);
    model->topic[id].exists = false;
}

static void add(struct model *model, struct meta_image **m)
{
    int id = 1 + pick(IDS - 1), n = 1 + pick(3), old = model->topic[id].n;
    int first = old + (pick(4) == 0);
    int32_t replicas[] = {7, 8};
    struct meta_partitions_add_partitions parts[3];
    struct meta_partitions_add msg = {kit_id((uint32_t)id), n, parts};
    if (old + n > PARTITIONS_MAX)
        return;
    for (int32_t i = 0; i < n; i++)
        parts[i] = (struct meta_partitions_add_partitions){first + i, 2, 7 + pick(2), 2, replicas};
    int code = kit_run(m, META_PARTITIONS_ADD, &msg).code;
    if (!model->topic[id].exists) {
        ck_assert_int_eq(code, ERR_NOTFOUND);
    } else if (first != old) {
        ck_assert_int_eq(code, ERR_INVALID);
    } else {
        ck_assert_int_eq(code, 0);
        for (int i = 0; i < n; i++)
            model->topic[id].leader[old + i] = parts[i].leader;
        model->topic[id].n += n;
    }
}

static void set(struct model *model, struct meta_image **m)
{
    static const char *const names[CONFIGS] = {"c0", "c1", "c2", "c3"};
    bool topic = pick(2);
    int id = 1 + pick(IDS - 1), node = pick(NODES + 1), n = 0, value[CONFIGS];
    struct meta_config_set_configs c[CONFIGS];
    char text[CONFIGS][16];
    struct model_configs *to = topic ? &model->topic[id].configs : &model->broker[node];
    struct model_configs after = *to;
    for (int i = CONFIGS - 1; i >= 0; i--) {
        int what = pick(3); /* leave, set, remove */
        if (what == 0)
            continue;
        value[n] = pick(1000);
        snprintf(text[n], sizeof text[n], "%d", value[n]);
        c[n] =
            (struct meta_config_set_configs){kp_str(names[i]), kp_str(what == 1 ? text[n] : NULL)};
        after.set[i] = what == 1;
        after.value[i] = value[n];
        n++;
    }
    struct meta_config_set msg = {.resource_type =
                                      topic ? META_RESOURCE_TOPIC : META_RESOURCE_BROKER,
                                  .topic_id = kit_id((uint32_t)id),
                                  .node_id = node - 1,
                                  .n_configs = n,
                                  .configs = c};
    int code = kit_run(m, META_CONFIG_SET, &msg).code;
    if (topic && !model->topic[id].exists) {
        ck_assert_int_eq(code, ERR_NOTFOUND);
    } else {
        ck_assert_int_eq(code, 0);
        *to = after;
    }
}

static void producer_ids(struct model *model, struct meta_image **m)
{
    struct meta_producer_ids msg = {pick(NODES), pick(1000)};
    struct meta_result res = kit_run(m, META_PRODUCER_IDS, &msg);
    ck_assert_int_eq(res.code, msg.count ? 0 : ERR_INVALID);
    ck_assert_int_eq(res.producer_ids, msg.count ? model->next_producer_id : -1);
    model->next_producer_id += msg.count;
}

static void node_register(struct model *model, struct meta_image **m)
{
    int id = pick(NODES);
    struct meta_node_register msg = {id, kp_str("h"), pick(100), kp_str(NULL)};
    int code = kit_run(m, META_NODE_REGISTER, &msg).code;
    ck_assert_int_eq(code, msg.port ? 0 : ERR_INVALID);
    if (msg.port) {
        model->node[id].exists = true;
        model->node[id].port = msg.port;
    }
}

/* The image through a snapshot and back. */
static void through_snapshot(struct meta_image **m)
{
    struct meta_image *back = NULL;
    struct wr w;
    struct err e = {0, ""};
    wr_init(&w, 0);
    meta_snapshot_encode(*m, 1, &w);
    int rc = meta_snapshot_decode(span_of(w.buf, w.len), NULL, &back, NULL, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    ck_assert_uint_eq(meta_index(back), meta_index(*m));
    wr_free(&w);
    meta_image_unref(*m);
    *m = back;
}

static void step(struct model *model, struct meta_image **m)
{
    static void (*const ops[])(struct model *, struct meta_image **) = {
        create, create, create, drop, add, add, set, set, producer_ids, node_register};
    ops[pick(sizeof ops / sizeof *ops)](model, m);
}

START_TEST(images_follow_the_model)
{
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        struct model model = {.next_producer_id = 0};
        struct meta_image *m = kit_new();
        srandom(seed);
        for (int i = 0; i < STEPS; i++) {
            step(&model, &m);
            if (i % 10 == 0)
                check(&model, m);
            if (i % 200 == 199)
                through_snapshot(&m);
        }
        check(&model, m);
        ck_assert_uint_gt(meta_n_topics(m), 0);
        meta_image_unref(m);
    }
}
END_TEST

UNIT_MAIN(images_follow_the_model)

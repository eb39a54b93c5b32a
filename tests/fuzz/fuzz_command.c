/* fuzz_command.c - entries of shard 0's log, applied one upon the other to an empty image.
 *
 *   entries: u8 kind, u16 length, so many bytes
 *   COMMAND, CHANGE: a frame of that kind; FRAMES: the payload behind its header, as it is
 *
 * Whatever they say, each entry leaves an image that holds (image.h), and one that had no effect
 * leaves all but the index as it was.
 */
#include <string.h>

#include "shard/conf.h"
#include "shard/meta_entry.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/image.h"
#include "tests/fuzz/kp.h"
#include "wal/wal.h"

enum { COMMAND, CHANGE, FRAMES, KINDS };
enum { ENTRIES = 24 };

static void lay_out(struct wr *w, uint8_t kind, struct span bytes)
{
    wr_zero(w, WAL_PAYLOAD_HEADER);
    if (kind % KINDS != FRAMES) {
        wr_u8(w, kind % KINDS == COMMAND ? WAL_COMMAND : WAL_CHANGE);
        wr_zero(w, 3);
        wr_le32(w, (uint32_t)bytes.n);
    }
    wr_bytes(w, bytes.p, bytes.n);
    must(!w->err);
}

static void conf_holds(struct span body)
{
    struct shard_conf c;
    struct wr w;
    if (shard_conf_decode(body, &c) != 0)
        return;
    wr_init(&w, 0);
    shard_conf_encode(&c, &w);
    must(!w.err && w.len == body.n && memcmp(w.buf, body.p, body.n) == 0);
    wr_free(&w);
}

static void no_effect(const struct meta_image *before, const struct meta_image *after)
{
    size_t n[2];
    must(meta_n_topics(before) == meta_n_topics(after));
    must(meta_next_producer_id(before) == meta_next_producer_id(after));
    must(meta_nodes(before, &n[0]) == meta_nodes(after, &n[1]) && n[0] == n[1]);
}

/* Gives whether the log can be followed any further. */
static bool apply(struct meta_image **m, uint64_t index, struct span payload)
{
    struct meta_image *next = NULL;
    struct meta_result res;
    struct err e = {0};
    int rc = shard_meta_apply(*m, index, 1, payload, &next, &res, &e);
    if (rc) {
        must((rc == ERR_MALFORMED || rc == ERR_UNSUPPORTED || rc == ERR_TOOBIG) && e.text[0]);
        must(!next);
        return false;
    }
    must(meta_index(next) == index && meta_term(next) == 1);
    must(res.code == 0 || res.code == ERR_EXISTS || res.code == ERR_NOTFOUND ||
         res.code == ERR_INVALID || res.code == ERR_STALE);
    if (res.code)
        no_effect(*m, next);
    meta_image_unref(*m);
    *m = next;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct rd in = rd_of(data, n);
    struct meta_image *m = meta_image_new(&(struct uuid){{1}});
    struct wr w;
    must(m);
    wr_init(&w, 0);
    bool goes_on = true;
    for (uint64_t index = 1; goes_on && index <= ENTRIES && rd_left(&in); index++) {
        uint8_t kind = rd_u8(&in);
        struct span bytes = fuzz_some(&in, rd_be16(&in));
        wr_reset(&w);
        lay_out(&w, kind, bytes);
        conf_holds(bytes);
        goes_on = apply(&m, index, span_of(w.buf, w.len));
    }
    fuzz_image_holds(m);
    meta_image_unref(m);
    wr_free(&w);
    return 0;
}

/* ---- other entries */

static const struct {
    int16_t type;
    const struct kp_schema *schema;
} commands[] = {
#define META_COMMAND(name, number, schema, sentence) {number, &meta_##schema##_schema},
#include "meta/command.def"
#undef META_COMMAND
};

/* A setting that means something to this program. */
static struct kp_str setting_name(unsigned seed, bool server)
{
    const struct setting *row = &meta_setting_rows()[seed % META_SETTINGS];
    return kp_str(server ? meta_setting_server(row) : row->name);
}

static struct kp_str setting_value(unsigned seed)
{
    static const char *const values[] = {"compact", "delete", "compact,delete", "1", "-1", "100000",
                                         "zstd",    "0.5",    "true",           ""};
    return kp_str(values[seed % (sizeof values / sizeof *values)]);
}

/* Few topics and nodes, so that commands meet. */
static struct uuid topic_id(unsigned seed)
{
    return (struct uuid){{(uint8_t)(1 + seed % 3)}};
}

static size_t put_command(enum meta_command_type type, const void *msg, uint8_t *p, size_t max)
{
    struct wr w;
    wr_init(&w, max);
    meta_command_encode(type, msg, &w);
    size_t n = w.err ? 0 : w.len;
    if (n)
        memcpy(p, w.buf, n);
    wr_free(&w);
    return n;
}

static size_t config_set(uint8_t *p, size_t max, unsigned seed)
{
    bool topic = seed & 1;
    struct meta_config_set_configs c = {setting_name(seed / 4, !topic), setting_value(seed >> 12)};
    struct meta_config_set msg = {.resource_type =
                                      topic ? META_RESOURCE_TOPIC : META_RESOURCE_BROKER,
                                  .topic_id = topic_id(seed >> 20),
                                  .node_id = (int)(seed >> 20) % 3 - 1,
                                  .n_configs = 1,
                                  .configs = &c};
    return put_command(META_CONFIG_SET, &msg, p, max);
}

static size_t topic_create(uint8_t *p, size_t max, unsigned seed)
{
    static const char *const names[] = {"a", "b", "c"};
    int32_t replica = 1;
    struct meta_topic_create_partitions part = {.shard = 1, .n_replicas = 1, .replicas = &replica};
    struct meta_topic_create_configs c = {setting_name(seed / 4, false), setting_value(seed >> 12)};
    part.leader = 1;
    struct meta_topic_create msg = {.name = kp_str(names[(seed >> 22) % 3]),
                                    .topic_id = topic_id(seed >> 20),
                                    .n_partitions = 1,
                                    .partitions = &part,
                                    .n_configs = (int)(seed & 1),
                                    .configs = &c};
    return put_command(META_TOPIC_CREATE, &msg, p, max);
}

static size_t random_command(uint8_t *p, size_t max, unsigned seed)
{
    size_t i = seed % (sizeof commands / sizeof *commands);
    if (max < 4)
        return 0;
    put_be16(p, (uint16_t)commands[i].type);
    put_be16(p + 2, 0);
    return 4 + fuzz_kp_random(commands[i].schema, 0, seed, p + 4, max - 4);
}

/* One more command behind the others. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed)
{
    static size_t (*const makers[])(uint8_t *, size_t, unsigned) = {random_command, config_set,
                                                                    topic_create};
    size_t which = seed % 32;
    if (which >= sizeof makers / sizeof *makers || n + 3 >= max)
        return LLVMFuzzerMutate(data, n, max);
    uint8_t *p = data + n;
    size_t body = makers[which](p + 3, max - n - 3, seed / 32);
    p[0] = COMMAND;
    put_be16(p + 1, (uint16_t)body);
    return n + 3 + body;
}

/* make_samples.c - what samples/meta holds, made anew, and a data directory to try chronik-meta on.
 *
 *   make_samples DIR
 *
 * DIR/<name>.snapshot and DIR/corrupt/<name>.snapshot are the same bytes each time. DIR/node is the
 * data directory of a broker that stopped; the salts of its log are random. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crc32c.h"
#include "meta/meta.h"
#include "meta/snapshot_format.h"
#include "tests/shard/rig.h"

enum { TERM = 3, FLIPPED = 400 }; /* FLIPPED: the byte that is wrong in the corrupt one */
static const int64_t epoch = 1700000000000;

static void die(const char *what, int code)
{
    fprintf(stderr, "make_samples: %s: %s\n", what, err_str(code));
    exit(EXIT_FAILURE);
}

static void need(int code, const char *what)
{
    if (code < 0)
        die(what, code);
}

/* ---- the snapshot */

static struct uuid id_of(uint8_t n)
{
    struct uuid u = {{0x0d, 0xe5, 0x01}};
    u.b[15] = n;
    return u;
}

static void become(struct meta_image **m, struct meta_image *next)
{
    if (!next)
        die("image", -ENOMEM);
    meta_image_unref(*m);
    *m = next;
}

static void run(struct meta_image **m, enum meta_command_type type, const void *msg)
{
    struct meta_image *next = NULL;
    struct meta_result res;
    struct wr w;
    wr_init(&w, 0);
    meta_command_encode(type, msg, &w);
    need(w.err, "encode");
    need(meta_apply(*m, meta_index(*m) + 1, TERM, span_of(w.buf, w.len), &next, &res, NULL),
         "apply");
    need(res.code, meta_command_name(type));
    wr_free(&w);
    become(m, next);
}

static void make_nodes(struct meta_image **m)
{
    static const struct meta_server servers[] = {
        {1, META_VOTER}, {2, META_VOTER}, {3, META_VOTER}, {4, META_STANDBY}};
    static const char *const racks[] = {"east", "west", NULL};
    become(m, meta_change(*m, meta_index(*m) + 1, TERM, servers, 4));
    for (int32_t i = 0; i < 3; i++) {
        char host[32];
        snprintf(host, sizeof host, "broker-%d.example", i + 1);
        struct meta_node_register r = {i + 1, kp_str(host), 9092, kp_str(racks[i])};
        run(m, META_NODE_REGISTER, &r);
    }
}

/* Partitions over nodes 1 to 3 and shards 1 and 2, `replicas` each; the last one has no leader yet.
 */
static void make_topic(struct meta_image **m, const char *name, uint8_t id, int32_t n,
                       int32_t replicas, struct meta_topic_create_configs *configs,
                       int32_t n_configs)
{
    enum { MOST = 4 };
    static int32_t nodes[] = {1, 2, 3, 1, 2, 3};
    struct meta_topic_create_partitions parts[MOST];
    for (int32_t i = 0; i < n; i++)
        parts[i] = (struct meta_topic_create_partitions){
            i, 1 + (uint32_t)i % 2, i + 1 == n ? -1 : nodes[i % 3], replicas, &nodes[i % 3]};
    struct meta_topic_create r = {kp_str(name), id_of(id), epoch + id, n,
                                  parts,        n_configs, configs};
    run(m, META_TOPIC_CREATE, &r);
}

static void make_topics(struct meta_image **m)
{
    struct meta_topic_create_configs configs[] = {
        {kp_str("retention.ms"), kp_str("604800000")},
        {kp_str("cleanup.policy"), kp_str("compact,delete")}};
    make_topic(m, "orders", 1, 4, 3, configs, 2);
    make_topic(m, "events", 2, 2, 1, NULL, 0);
    make_topic(m, "gone", 3, 1, 1, NULL, 0);
    make_topic(m, "z", 4, 3, 2, configs, 1);
    struct meta_topic_delete d = {id_of(3)};
    run(m, META_TOPIC_DELETE, &d);
}

static void make_settings(struct meta_image **m)
{
    struct meta_config_set_configs c = {kp_str("message.max.bytes"), kp_str("1048588")};
    struct meta_config_set r = {
        .resource_type = META_RESOURCE_BROKER, .node_id = -1, .n_configs = 1, .configs = &c};
    run(m, META_CONFIG_SET, &r);
    r.node_id = 2;
    c = (struct meta_config_set_configs){kp_str("log.retention.hours"), kp_str("")};
    run(m, META_CONFIG_SET, &r);
    struct meta_producer_ids ids = {1, 1000};
    run(m, META_PRODUCER_IDS, &ids);
}

static void write_file(const char *dir, const char *name, const void *p, size_t n)
{
    char path[IO_PATH_MAX];
    need(io_path(path, sizeof path, dir, "%s", name), dir);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(p, 1, n, f) != n || fclose(f)) {
        perror(path);
        exit(EXIT_FAILURE);
    }
}

/* DIR/newer/<name>.snapshot is of the next format. */
static void make_newer(const char *dir, const char *name, uint8_t *p, size_t n)
{
    char newer[IO_PATH_MAX];
    put_le32(p + 8, SNAPSHOT_FORMAT + 1);
    put_le32(p + SNAPSHOT_HEADER_CRC_AT, 0);
    put_le32(p + SNAPSHOT_HEADER_CRC_AT, crc32c(0, p, get_le32(p + 12)));
    need(io_path(newer, sizeof newer, dir, "newer"), dir);
    mkdir(newer, 0777);
    write_file(newer, name, p, n);
}

static void make_snapshots(const char *dir)
{
    struct uuid cluster = id_of(0xff);
    struct meta_image *m = meta_image_new(&cluster);
    char name[META_SNAPSHOT_NAME], corrupt[IO_PATH_MAX];
    struct wr w;
    if (!m)
        die("image", -ENOMEM);
    make_nodes(&m);
    make_topics(&m);
    make_settings(&m);
    wr_init(&w, 0);
    meta_snapshot_encode(m, epoch + 60000, &w);
    need(w.err, "encode");
    meta_snapshot_format_name(name, (struct meta_snapshot_name){meta_index(m), meta_term(m)});
    write_file(dir, name, w.buf, w.len);
    w.buf[FLIPPED] ^= 1;
    need(io_path(corrupt, sizeof corrupt, dir, "corrupt"), dir);
    mkdir(corrupt, 0777);
    write_file(corrupt, name, w.buf, w.len);
    w.buf[FLIPPED] ^= 1;
    make_newer(dir, name, w.buf, w.len);
    wr_free(&w);
    meta_image_unref(m);
}

/* ---- the data directory */

struct copy {
    struct io *io;
    const char *from, *to;
};

static int copy_entry(void *ctx, const char *name);

static void copy_tree(struct io *io, const char *from, const char *to)
{
    struct copy c = {io, from, to};
    mkdir(to, 0777);
    need(io_list(io, from, copy_entry, &c), from);
}

static int copy_entry(void *ctx, const char *name)
{
    const struct copy *c = ctx;
    char from[IO_PATH_MAX], to[IO_PATH_MAX];
    struct io_stat st;
    uint8_t *buf;
    size_t n;
    need(io_path(from, sizeof from, c->from, "%s", name), name);
    need(io_path(to, sizeof to, c->to, "%s", name), name);
    need(io_stat(c->io, from, &st), from);
    if (st.is_dir) {
        copy_tree(c->io, from, to);
    } else {
        need(io_read_file(c->io, from, 1 << 24, &buf, &n), from);
        write_file(c->to, name, buf, n);
        free(buf);
    }
    return 0;
}

/* Three topics, a checkpoint, three more, a checkpoint, two more and one fewer. */
static void make_node(const char *dir)
{
    struct rig r;
    struct err e;
    char to[IO_PATH_MAX], name[24];
    rig_init(&r, io_mem_new());
    need(rig_open(&r, &e), "data directory");
    for (int i = 0; i < 8; i++) {
        snprintf(name, sizeof name, "topic-%d", i);
        need(rig_create_topic(&r, name, i % 3 + 1), name);
        if (i == 2 || i == 5) {
            shard_checkpoint(r.shard[0].s);
            rig_run(&r);
        }
    }
    need(rig_delete_topic(&r, "topic-0"), "topic-0");
    need(io_path(to, sizeof to, dir, "node"), dir);
    copy_tree(io_mem_io(r.disk), RIG_DIR, to);
    rig_drop(&r);
    rig_release(&r);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: make_samples DIR\n", stderr);
        return 2;
    }
    mkdir(argv[1], 0777);
    make_snapshots(argv[1]);
    make_node(argv[1]);
    return 0;
}

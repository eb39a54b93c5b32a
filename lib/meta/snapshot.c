/* An image to bytes and back; the format is in snapshot_format.h. */
#include <errno.h>
#include <inttypes.h>

#include "base/crc32c.h"
#include "base/rd.h"
#include "meta/apply.h"
#include "meta/command.h"
#include "meta/snapshot_format.h"

enum { RECORD_VERSION = 0 };

enum section_type {
#define META_SECTION(name, number, schema, sentence) SECTION_##name = number,
#include "meta/section.def"
#undef META_SECTION
};

struct kind {
    uint32_t type;
    const char *name;
    const struct kp_schema *schema;
};

static const struct kind kinds[] = {
#define META_SECTION(name, number, schema, sentence) {number, #name, &meta_##schema##_schema},
#include "meta/section.def"
#undef META_SECTION
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* ---- encoding */

/* A section under way. */
struct section_writer {
    struct wr *w;
    size_t at; /* of its header */
    uint32_t type, records;
};

static void section_begin(struct section_writer *s, struct wr *w, uint32_t type)
{
    *s = (struct section_writer){w, w->len, type, 0};
    wr_zero(w, SNAPSHOT_SECTION);
}

static void section_record(struct section_writer *s, const struct kp_schema *schema,
                           const void *msg)
{
    size_t at = s->w->len;
    wr_le32(s->w, 0);
    kp_encode_record(schema, RECORD_VERSION, msg, s->w);
    if (!s->w->err)
        wr_patch_le32(s->w, at, (uint32_t)(s->w->len - at - 4));
    s->records++;
}

static void section_end(struct section_writer *s)
{
    if (s->w->err)
        return;
    uint8_t *header = s->w->buf + s->at;
    size_t length = s->w->len - s->at - SNAPSHOT_SECTION;
    put_le32(header, s->type);
    put_le64(header + 8, length);
    put_le32(header + 16, s->records);
    uint32_t crc = crc32c(0, header, SNAPSHOT_SECTION_CRC_AT);
    put_le32(header + SNAPSHOT_SECTION_CRC_AT, crc32c(crc, header + SNAPSHOT_SECTION, length));
}

static void encode_state(const struct meta_image *m, struct section_writer *s)
{
    struct meta_snapshot_state r = {.next_producer_id = m->next_producer_id};
    section_record(s, &meta_snapshot_state_schema, &r);
}

static void encode_servers(const struct meta_image *m, struct section_writer *s)
{
    for (size_t i = 0; i < m->brokers->n_servers; i++) {
        const struct meta_server *server = &m->brokers->servers[i];
        struct meta_snapshot_server r = {(int64_t)server->id, (int8_t)server->role};
        section_record(s, &meta_snapshot_server_schema, &r);
    }
}

static void encode_nodes(const struct meta_image *m, struct section_writer *s)
{
    for (size_t i = 0; i < m->brokers->n_nodes; i++) {
        const struct meta_node *n = &m->brokers->nodes[i];
        struct meta_node_register r = {n->id, kp_str(n->host), n->port, kp_str(n->rack)};
        section_record(s, &meta_node_register_schema, &r);
    }
}

static void encode_broker_configs(const struct meta_image *m, struct section_writer *s)
{
    struct meta_config_set_configs list[META_CONFIGS_MAX];
    for (size_t i = 0; i < m->brokers->n_configs; i++) {
        const struct meta_broker_configs *c = &m->brokers->configs[i];
        for (int32_t j = 0; j < c->n; j++)
            list[j] = (struct meta_config_set_configs){kp_str(c->configs[j].name),
                                                       kp_str(c->configs[j].value)};
        struct meta_config_set r = {.resource_type = META_RESOURCE_BROKER,
                                    .node_id = c->node,
                                    .n_configs = c->n,
                                    .configs = list};
        section_record(s, &meta_config_set_schema, &r);
    }
}

static void encode_topic(const struct meta_topic *t, struct arena *a, struct section_writer *s)
{
    struct meta_topic_create_configs configs[META_CONFIGS_MAX];
    struct meta_topic_create r = {.name = kp_str(t->name),
                                  .topic_id = t->id,
                                  .created_ms = t->created_ms,
                                  .n_partitions = t->n_partitions,
                                  .n_configs = t->n_configs,
                                  .configs = configs};
    r.partitions = arena_array(a, (size_t)t->n_partitions, sizeof *r.partitions);
    if (!r.partitions) {
        s->w->err = s->w->err ? s->w->err : -ENOMEM;
        return;
    }
    for (int32_t i = 0; i < t->n_partitions; i++) {
        const struct meta_partition *p = &t->partitions[i];
        /* The encoder only reads; its structs serve decoding too, hence no const in them. */
        r.partitions[i] = (struct meta_topic_create_partitions){
            i, p->shard, p->leader, p->n_replicas, (int32_t *)p->replicas};
    }
    for (int32_t i = 0; i < t->n_configs; i++)
        configs[i] = (struct meta_topic_create_configs){kp_str(t->configs[i].name),
                                                        kp_str(t->configs[i].value)};
    section_record(s, &meta_topic_create_schema, &r);
}

static void encode_topics(const struct meta_image *m, struct section_writer *s)
{
    struct arena a;
    arena_init(&a, 0);
    for (const struct meta_topic *t = meta_topic_next(m, NULL); t; t = meta_topic_next(m, t)) {
        encode_topic(t, &a, s);
        arena_reset(&a);
    }
    arena_free(&a);
}

static void encode_section(const struct meta_image *m, enum section_type type, struct wr *w)
{
    struct section_writer s;
    section_begin(&s, w, type);
    switch (type) {
    case SECTION_STATE:
        encode_state(m, &s);
        break;
    case SECTION_SERVERS:
        encode_servers(m, &s);
        break;
    case SECTION_NODES:
        encode_nodes(m, &s);
        break;
    case SECTION_BROKER_CONFIGS:
        encode_broker_configs(m, &s);
        break;
    case SECTION_TOPICS:
        encode_topics(m, &s);
        break;
    }
    section_end(&s);
}

static void encode_header(const struct meta_image *m, int64_t wall_ms, struct wr *w)
{
    wr_bytes(w, snapshot_magic, SNAPSHOT_MAGIC);
    wr_le32(w, SNAPSHOT_FORMAT);
    wr_le32(w, SNAPSHOT_HEADER);
    wr_le32(w, 0); /* CRC, once the size is known */
    wr_le32(w, 0);
    wr_bytes(w, m->cluster_id.b, sizeof m->cluster_id.b);
    wr_le64(w, m->index);
    wr_le64(w, m->term);
    wr_le64(w, (uint64_t)wall_ms);
    wr_le64(w, 0); /* size */
    wr_le32(w, KINDS);
    wr_le32(w, 0);
}

void meta_snapshot_encode(const struct meta_image *m, int64_t wall_ms, struct wr *w)
{
    size_t start = w->len;
    encode_header(m, wall_ms, w);
    for (size_t i = 0; i < KINDS; i++)
        encode_section(m, (enum section_type)kinds[i].type, w);
    wr_bytes(w, snapshot_end_magic, SNAPSHOT_MAGIC);
    wr_le32(w, 0);
    wr_le32(w, 0);
    if (w->err)
        return;
    uint8_t *file = w->buf + start;
    size_t size = w->len - start;
    put_le64(file + SNAPSHOT_SIZE_AT, size);
    put_le32(file + SNAPSHOT_HEADER_CRC_AT, crc32c(0, file, SNAPSHOT_HEADER));
    put_le32(file + size - 4, crc32c(0, file, size - 4));
}

/* ---- checking */

/* A file being read. */
struct reader {
    struct span file;
    uint64_t fault; /* the byte at which what failed begins */
    struct err *e;
};

static int corrupt(struct reader *r, size_t at, const char *what)
{
    r->fault = at;
    return err_set(r->e, ERR_CORRUPT, "byte %zu: %s", at, what);
}

static int newer(struct reader *r, size_t at, const char *what, uint32_t number)
{
    r->fault = at;
    return err_code(r->e, ERR_VERSION, "byte %zu: %s %" PRIu32, at, what, number);
}

/* The CRC of bytes that hold their own CRC as zero. */
static uint32_t crc_without(const uint8_t *p, size_t n, size_t crc_at)
{
    static const uint8_t zero[4];
    uint32_t crc = crc32c(0, p, crc_at);
    crc = crc32c(crc, zero, sizeof zero);
    return crc32c(crc, p + crc_at + 4, n - crc_at - 4);
}

static int read_header(struct reader *r, struct meta_snapshot_header *h)
{
    const uint8_t *p = r->file.p;
    if (r->file.n < SNAPSHOT_HEADER)
        return corrupt(r, r->file.n, "the file ends within its header");
    if (memcmp(p, snapshot_magic, SNAPSHOT_MAGIC) != 0)
        return corrupt(r, 0, "no snapshot's magic");
    uint32_t length = get_le32(p + 12);
    if (length < SNAPSHOT_HEADER || length > SNAPSHOT_HEADER_MAX || length > r->file.n)
        return corrupt(r, 12, "a header's length that cannot be");
    if (get_le32(p + SNAPSHOT_HEADER_CRC_AT) != crc_without(p, length, SNAPSHOT_HEADER_CRC_AT))
        return corrupt(r, SNAPSHOT_HEADER_CRC_AT, "the header's checksum does not match");
    h->version = get_le32(p + 8);
    if (h->version != SNAPSHOT_FORMAT)
        return newer(r, 8, "format version", h->version);
    h->flags = get_le32(p + 20);
    if (h->flags != 0)
        return newer(r, 20, "flags", h->flags);
    memcpy(h->cluster_id.b, p + 24, sizeof h->cluster_id.b);
    h->index = get_le64(p + 40);
    h->term = get_le64(p + 48);
    h->wall_ms = (int64_t)get_le64(p + 56);
    h->size = get_le64(p + SNAPSHOT_SIZE_AT);
    h->sections = get_le32(p + 72);
    if (length != SNAPSHOT_HEADER || get_le32(p + 76) != 0)
        return corrupt(r, 12, "a header that is not of its version");
    return 0;
}

int meta_snapshot_header_decode(struct span file, struct meta_snapshot_header *h, struct err *e)
{
    struct reader r = {file, 0, e};
    return read_header(&r, h);
}

struct section {
    const struct kind *kind; /* NULL: unknown, skippable */
    size_t at;               /* of the body in the file */
    uint32_t records;
    struct span body;
};

static const struct kind *find_kind(uint32_t type)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (kinds[i].type == type)
            return &kinds[i];
    }
    return NULL;
}

/* The section at *at, which is moved behind it; `end` is where the trailer begins. */
static int read_section(struct reader *r, size_t *at, size_t end, struct section *s)
{
    size_t start = *at;
    const uint8_t *p = r->file.p + start;
    if (end - start < SNAPSHOT_SECTION)
        return corrupt(r, start, "the file ends within a section's header");
    uint64_t length = get_le64(p + 8);
    if (length > end - start - SNAPSHOT_SECTION)
        return corrupt(r, start + 8, "a section is longer than the file");
    uint32_t crc =
        crc32c(crc32c(0, p, SNAPSHOT_SECTION_CRC_AT), p + SNAPSHOT_SECTION, (size_t)length);
    if (crc != get_le32(p + SNAPSHOT_SECTION_CRC_AT))
        return corrupt(r, start, "the checksum of the section that begins here does not match");
    uint32_t type = get_le32(p), flags = get_le32(p + 4);
    s->kind = find_kind(type);
    if (!s->kind && !(flags & SNAPSHOT_SKIPPABLE))
        return newer(r, start, "section type", type);
    if (flags & ~(uint32_t)SNAPSHOT_SKIPPABLE)
        return newer(r, start + 4, "section flags", flags);
    s->at = start + SNAPSHOT_SECTION;
    s->records = get_le32(p + 16);
    s->body = span_of(p + SNAPSHOT_SECTION, (size_t)length);
    *at = s->at + (size_t)length;
    return 0;
}

/* Check everything but the records: sizes and checksums. found[i] gets the section of kinds[i]. */
static int check_file(struct reader *r, struct meta_snapshot_header *h, struct section found[KINDS])
{
    int rc = read_header(r, h);
    if (rc < 0)
        return rc;
    if (r->file.n < h->size)
        return corrupt(r, r->file.n, "the file ends before its stated size");
    if (r->file.n > h->size)
        return corrupt(r, (size_t)h->size, "bytes behind the stated size");
    if (h->size < SNAPSHOT_HEADER + SNAPSHOT_TRAILER)
        return corrupt(r, SNAPSHOT_SIZE_AT, "a size that cannot be");
    size_t at = SNAPSHOT_HEADER, end = r->file.n - SNAPSHOT_TRAILER, next = 0;
    for (uint32_t i = 0; i < h->sections; i++) {
        struct section s;
        size_t start = at;
        rc = read_section(r, &at, end, &s);
        if (rc < 0)
            return rc;
        if (!s.kind)
            continue;
        if (next == KINDS || s.kind != &kinds[next])
            return corrupt(r, start, "a section is repeated or out of order");
        found[next++] = s;
    }
    if (at != end)
        return corrupt(r, at, "bytes that belong to no section");
    if (next != KINDS)
        return corrupt(r, at, "a section is missing");
    const uint8_t *p = r->file.p + end;
    if (memcmp(p, snapshot_end_magic, SNAPSHOT_MAGIC) != 0 || get_le32(p + 8) != 0)
        return corrupt(r, end, "no trailer");
    if (get_le32(p + 12) != crc32c(0, r->file.p, r->file.n - 4))
        return corrupt(r, end + 12, "the whole file's checksum does not match");
    return 0;
}

/* ---- restoring */

static int restore_state(struct meta_image *draft, const struct meta_snapshot_state *s)
{
    if (s->next_producer_id < 0)
        return ERR_INVALID;
    draft->next_producer_id = s->next_producer_id;
    return 0;
}

static int restore_server(struct meta_image *draft, const struct meta_snapshot_server *s,
                          struct arena *a)
{
    size_t n = draft->brokers->n_servers;
    if (s->node_id < 1 || s->role < META_STANDBY || s->role > META_SPARE || n == META_NODES_MAX)
        return ERR_INVALID;
    struct meta_server *all = arena_array(a, n + 1, sizeof *all);
    if (!all)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        all[i] = draft->brokers->servers[i];
        if (all[i].id == (uint64_t)s->node_id)
            return ERR_INVALID;
    }
    all[n] = (struct meta_server){(uint64_t)s->node_id, (uint8_t)s->role};
    return image_set_servers(draft, all, n + 1);
}

/* What an image says of a record: 0, -ENOMEM, or why it cannot stand there. */
static int restore_record(struct meta_image *draft, enum section_type type, const void *msg,
                          struct arena *a)
{
    struct meta_result res = {0, -1};
    int rc = 0;
    switch (type) {
    case SECTION_STATE:
        return restore_state(draft, msg);
    case SECTION_SERVERS:
        return restore_server(draft, msg, a);
    case SECTION_NODES:
        rc = apply_message(draft, META_NODE_REGISTER, msg, a, &res);
        break;
    case SECTION_BROKER_CONFIGS:
        rc = apply_message(draft, META_CONFIG_SET, msg, a, &res);
        break;
    case SECTION_TOPICS:
        rc = apply_message(draft, META_TOPIC_CREATE, msg, a, &res);
        break;
    }
    return rc < 0 ? rc : res.code;
}

static int restore_section(struct reader *r, struct meta_image *draft, const struct section *s,
                           struct arena *a)
{
    struct rd rd = rd_of(s->body.p, s->body.n);
    if (s->kind->type == SECTION_STATE && s->records != 1)
        return corrupt(r, s->at, "the image's numbers must be one record");
    for (uint32_t i = 0; i < s->records; i++) {
        size_t at = s->at + rd_pos(&rd);
        struct span bytes = rd_span(&rd, rd_le32(&rd));
        const void *msg;
        int16_t version = 0;
        if (rd.err)
            return corrupt(r, at, "a record ends behind its section");
        int rc = command_decode_record(s->kind->schema, bytes, a, &version, &msg);
        if (rc == 0)
            rc = restore_record(draft, (enum section_type)s->kind->type, msg, a);
        arena_reset(a);
        if (rc == -ENOMEM)
            return err_code(r->e, rc, "metadata snapshot");
        if (rc == ERR_UNSUPPORTED)
            return newer(r, at, "record version", (uint16_t)version);
        if (rc < 0)
            return corrupt(r, at, "a record that cannot stand here");
    }
    if (rd_left(&rd) > 0)
        return corrupt(r, s->at + rd_pos(&rd), "bytes behind a section's last record");
    return 0;
}

static int restore(struct reader *r, const struct meta_snapshot_header *h,
                   const struct section found[KINDS], struct meta_image **out)
{
    struct meta_image *draft = meta_image_new(&h->cluster_id);
    struct arena a;
    if (!draft)
        return err_code(r->e, -ENOMEM, "metadata snapshot");
    draft->index = h->index;
    draft->term = h->term;
    arena_init(&a, COMMAND_MEMORY);
    int rc = 0;
    for (size_t i = 0; i < KINDS && rc == 0; i++)
        rc = restore_section(r, draft, &found[i], &a);
    arena_free(&a);
    if (rc < 0) {
        meta_image_unref(draft);
        return rc;
    }
    *out = draft;
    return 0;
}

int meta_snapshot_decode(struct span file, const struct uuid *owner, struct meta_image **out,
                         uint64_t *fault, struct err *e)
{
    struct reader r = {file, 0, e};
    struct meta_snapshot_header h;
    struct section found[KINDS];
    int rc = check_file(&r, &h, found);
    if (rc == 0 && owner && !uuid_eq(owner, &h.cluster_id)) {
        char theirs[UUID_TEXT], ours[UUID_TEXT];
        uuid_text(&h.cluster_id, theirs);
        uuid_text(owner, ours);
        r.fault = 24;
        rc = err_set(e, ERR_FOREIGN, "belongs to cluster %s, not to %s", theirs, ours);
    }
    if (rc == 0)
        rc = restore(&r, &h, found, out);
    if (fault)
        *fault = r.fault;
    return rc;
}

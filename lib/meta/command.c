/* A command's bytes: int16 type, int16 version, body; see chronik-meta(5). */
#include "meta/command.h"

#include <errno.h>

struct kind {
    int type;
    const char *name;
    const struct kp_schema *schema;
};

static const struct kind kinds[] = {
#define META_COMMAND(name, number, schema, sentence) {number, #schema, &meta_##schema##_schema},
#include "meta/command.def"
#undef META_COMMAND
};

enum { COMMAND_VERSION = 0 }; /* what this program writes, for every type */

static const struct kind *find_kind(int type)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (kinds[i].type == type)
            return &kinds[i];
    }
    return NULL;
}

const char *meta_command_name(int type)
{
    const struct kind *kind = find_kind(type);
    return kind ? kind->name : "?";
}

void meta_command_encode(enum meta_command_type type, const void *msg, struct wr *w)
{
    wr_be16(w, (uint16_t)type);
    kp_encode_record(find_kind(type)->schema, COMMAND_VERSION, msg, w);
}

int command_decode_record(const struct kp_schema *schema, struct span bytes, struct arena *a,
                          int16_t *version, const void **msg)
{
    struct rd r = rd_of(bytes.p, bytes.n);
    void *out = arena_alloc(a, kp_sizeof(schema));
    if (!out)
        return -ENOMEM;
    int rc = kp_decode_record(schema, &r, a, version, out);
    if (rc == ERR_SHORT || (rc == 0 && rd_left(&r) > 0))
        rc = ERR_MALFORMED;
    *msg = out;
    return rc;
}

int command_decode(struct span bytes, struct arena *a, struct command *c, struct err *e)
{
    if (bytes.n < 4)
        return err_set(e, ERR_MALFORMED, "a metadata command of %zu bytes", bytes.n);
    const struct kind *kind = find_kind((int16_t)get_be16(bytes.p));
    int16_t version = (int16_t)get_be16(bytes.p + 2);
    if (!kind)
        return err_code(e, ERR_UNSUPPORTED, "metadata command of type %d",
                        (int16_t)get_be16(bytes.p));
    struct span record = span_of(bytes.p + 2, bytes.n - 2);
    int rc = command_decode_record(kind->schema, record, a, &version, &c->msg);
    if (rc < 0)
        return err_code(e, rc, "metadata command %s of version %d", kind->name, version);
    c->type = (enum meta_command_type)kind->type;
    c->version = version;
    c->schema = kind->schema;
    return 0;
}

struct json *meta_command_fields(struct span command)
{
    struct arena a;
    struct command c;
    struct json *obj = NULL;
    arena_init(&a, COMMAND_MEMORY);
    if (command_decode(command, &a, &c, NULL) == 0)
        obj = kp_json(c.schema, c.version, c.msg);
    arena_free(&a);
    return obj;
}

struct json *meta_command_json(struct span command)
{
    struct json *fields = meta_command_fields(command), *obj = NULL;
    if (fields) {
        obj = json_new_object();
        json_set_str(obj, "command", meta_command_name((int16_t)get_be16(command.p)));
        json_merge(obj, fields);
    }
    return obj;
}

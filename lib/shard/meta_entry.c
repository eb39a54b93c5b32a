#include "shard/meta_entry.h"

#include <errno.h>

#include "shard/conf.h"
#include "wal/wal.h"

static int apply_change(const struct meta_image *m, uint64_t index, uint64_t term, struct span body,
                        struct meta_image **out, struct err *e)
{
    struct shard_conf c;
    struct meta_server servers[SHARD_SERVERS_MAX];
    int rc = shard_conf_decode(body, &c);
    if (rc)
        return err_code(e, rc, "raft configuration");
    for (uint32_t i = 0; i < c.n; i++)
        servers[i] = (struct meta_server){c.servers[i].id, c.servers[i].role};
    *out = meta_change(m, index, term, servers, c.n);
    return *out ? 0 : err_code(e, -ENOMEM, "raft configuration");
}

static int apply_frame(const struct meta_image *m, uint64_t index, uint64_t term,
                       const struct wal_frame *f, struct meta_image **out, struct meta_result *res,
                       struct err *e)
{
    switch (f->type) {
    case WAL_COMMAND:
    case WAL_CHANGE:
        if (*out)
            return err_set(e, ERR_MALFORMED, "two commands in one entry");
        return f->type == WAL_CHANGE ? apply_change(m, index, term, f->body, out, e)
                                     : meta_apply(m, index, term, f->body, out, res, e);
    case WAL_NOOP:
        return 0;
    default:
        if (f->flags & WAL_FRAME_SKIPPABLE)
            return 0;
        return err_set(e, ERR_UNSUPPORTED, "frame of type %d: written by a newer program?",
                       f->type);
    }
}

static int give_up(struct meta_image **out, int rc)
{
    meta_image_unref(*out);
    *out = NULL;
    return rc;
}

int shard_meta_apply(const struct meta_image *m, uint64_t index, uint64_t term, struct span payload,
                     struct meta_image **out, struct meta_result *res, struct err *e)
{
    size_t at = WAL_PAYLOAD_HEADER;
    struct wal_frame f;
    int rc;
    *out = NULL;
    *res = (struct meta_result){0};
    while ((rc = wal_frame_next(payload, &at, &f)) == 1) {
        rc = apply_frame(m, index, term, &f, out, res, e);
        if (rc)
            return give_up(out, rc);
    }
    if (rc)
        return give_up(out, err_set(e, rc, "malformed frame at byte %zu of the payload", at));
    if (!*out)
        *out = meta_advance(m, index, term);
    return *out ? 0 : err_code(e, -ENOMEM, "apply");
}

/* wal_frame.c - frames as JSON, and whether their bodies follow the format. */
#include "base/rd.h"
#include "batch/batch.h"
#include "cli/wal_tool.h"
#include "meta/meta.h"

enum { CHANGE_SERVER = 9 }; /* bytes */

static struct json *trim_json(struct span body)
{
    struct wal_trim t;
    if (wal_trim_decode(body, &t) != 0)
        return NULL;
    struct json *j = json_new_object();
    json_set_int(j, "log_start", t.log_start);
    return j;
}

static struct json *change_json(struct span body)
{
    static const char *const roles[] = {"standby", "voter", "spare"};
    struct rd rd = rd_of(body.p, body.n);
    uint32_t n = rd_le32(&rd);
    if (rd.err || rd_left(&rd) != (uint64_t)n * CHANGE_SERVER)
        return NULL;
    struct json *servers = json_new_array();
    for (uint32_t i = 0; i < n; i++) {
        struct json *s = json_new_object();
        json_set_int(s, "id", (int64_t)rd_le64(&rd));
        uint8_t role = rd_u8(&rd);
        json_set_str(s, "role", role < sizeof roles / sizeof *roles ? roles[role] : "?");
        json_push(servers, s);
    }
    struct json *j = json_new_object();
    json_set(j, "servers", servers);
    return j;
}

static struct json *open_json(struct span body)
{
    struct wal_open o;
    if (wal_open_decode(body, &o) != 0)
        return NULL;
    struct json *j = json_new_object();
    json_set_int(j, "term", (int64_t)o.term);
    json_set_int(j, "vote", (int64_t)o.vote);
    json_set_int(j, "previous_segment", (int64_t)o.prev.segment);
    json_set_int(j, "previous_end", (int64_t)o.prev.offset);
    return j;
}

static struct json *state_json(struct span body)
{
    struct wal_state s;
    if (wal_state_decode(body, &s) != 0)
        return NULL;
    struct json *j = json_new_object();
    json_set_int(j, "term", (int64_t)s.term);
    json_set_int(j, "vote", (int64_t)s.vote);
    return j;
}

static struct json *roll_json(struct span body)
{
    uint64_t next;
    if (wal_roll_decode(body, &next) != 0)
        return NULL;
    struct json *j = json_new_object();
    json_set_int(j, "next_segment", (int64_t)next);
    return j;
}

struct json *wal_frame_json(const struct wal_frame *f)
{
    switch (f->type) {
    case WAL_TRIM:
        return trim_json(f->body);
    case WAL_CHANGE:
        return change_json(f->body);
    case WAL_COMMAND:
        return meta_command_json(f->body);
    case WAL_OPEN:
        return open_json(f->body);
    case WAL_STATE:
        return state_json(f->body);
    case WAL_ROLL:
        return roll_json(f->body);
    default:
        return NULL;
    }
}

static int check_batch(struct span body, const char **why)
{
    struct wal_batch w;
    struct batch b;
    *why = "a BATCH frame too short for topic id and partition";
    if (wal_batch_decode(body, &w) != 0)
        return ERR_MALFORMED;
    int rc = batch_verify(w.batch, &b, NULL);
    *why = rc == ERR_CRC ? "checksum of the record batch does not match"
                         : "the record batch is malformed";
    return rc == 0 && batch_size(&b) == w.batch.n ? 0 : ERR_MALFORMED;
}

static int check_other(const struct wal_frame *f)
{
    struct wal_topic t;
    struct json *j;
    switch (f->type) {
    case WAL_TOPIC:
        return wal_topic_decode(f->body, &t);
    case WAL_NOOP:
    case WAL_MARK:
        return f->body.n == 0 ? 0 : ERR_MALFORMED;
    case WAL_BATCH_REF:
        return ERR_MALFORMED;
    case WAL_TRIM:
    case WAL_CHANGE:
    case WAL_COMMAND:
    case WAL_OPEN:
    case WAL_STATE:
    case WAL_ROLL:
        j = wal_frame_json(f);
        json_free(j);
        return j ? 0 : ERR_MALFORMED;
    default:
        return f->flags & WAL_FRAME_SKIPPABLE ? 0 : ERR_MALFORMED;
    }
}

int wal_frame_check(const struct wal_frame *f, const char **why)
{
    if (f->type == WAL_BATCH)
        return check_batch(f->body, why);
    *why = "a frame's body does not follow the format";
    return check_other(f);
}

#include "broker/group_records.h"

#include <errno.h>
#include <stdlib.h>

enum { OFFSET_KEY = 1, OFFSET_VALUE = 4, STATE_KEY = 2, STATE_VALUE = 3 };

/* ---- writing */

static void add(struct batch_builder *b, int64_t wall_ms, struct wr *key, struct wr *value)
{
    if (key->err && !b->records.err)
        b->records.err = key->err;
    if (value && value->err && !b->records.err)
        b->records.err = value->err;
    batch_builder_add(b, wall_ms, span_of(key->buf, key->len),
                      value ? span_of(value->buf, value->len) : span_of(NULL, 0), NULL, 0);
}

static void offset_key(struct wr *w, struct kp_str group, struct kp_str topic, int32_t partition)
{
    struct kp_offset_commit_key key = {group, topic, partition};
    wr_init(w, 0);
    kp_encode_record(&kp_offset_commit_key_schema, OFFSET_KEY, &key, w);
}

void group_records_offset(struct batch_builder *b, int64_t wall_ms, struct kp_str group,
                          const struct group_offset *c)
{
    struct wr key, value;
    struct kp_offset_commit_value v;
    kp_init(&kp_offset_commit_value_schema, &v);
    v.offset = c->offset;
    v.leader_epoch = c->leader_epoch;
    v.metadata = c->metadata.n >= 0 ? c->metadata : kp_strn("", 0);
    v.commit_timestamp = c->commit_ms;
    v.kept_until = c->expire_ms >= 0 ? c->expire_ms : -1;
    v.topic_id = c->topic_id;
    offset_key(&key, group, c->topic, c->partition);
    wr_init(&value, 0);
    kp_encode_record(&kp_offset_commit_value_schema, OFFSET_VALUE, &v, &value);
    add(b, wall_ms, &key, &value);
    wr_free(&key);
    wr_free(&value);
}

void group_records_no_offset(struct batch_builder *b, int64_t wall_ms, struct kp_str group,
                             struct kp_str topic, int32_t partition)
{
    struct wr key;
    offset_key(&key, group, topic, partition);
    add(b, wall_ms, &key, NULL);
    wr_free(&key);
}

static struct kp_bytes not_null(struct kp_bytes b)
{
    return b.n >= 0 ? b : (struct kp_bytes){.p = (const uint8_t *)"", .n = 0};
}

static void fill_members(const struct group *g, struct kp_group_metadata_value_members *to)
{
    for (const struct group_member *m = g->members; m; m = m->next, to++) {
        to->member_id = m->id;
        to->group_instance_id = m->instance_id;
        to->client_id = m->client_id;
        to->client_host = m->client_host;
        to->rebalance_timeout = m->rebalance_ms;
        to->session_timeout = m->session_ms;
        to->subscription = group_member_metadata(m, g->protocol);
        to->assignment = not_null(m->assignment);
    }
}

static void state_key(struct wr *w, struct kp_str group)
{
    struct kp_group_metadata_key key = {group};
    wr_init(w, 0);
    kp_encode_record(&kp_group_metadata_key_schema, STATE_KEY, &key, w);
}

void group_records_state(struct batch_builder *b, int64_t wall_ms, const struct group *g)
{
    struct kp_group_metadata_value v;
    struct wr key, value;
    kp_init(&kp_group_metadata_value_schema, &v);
    v.members = calloc((size_t)g->n_members + 1, sizeof *v.members);
    if (!v.members) {
        b->records.err = -ENOMEM;
        return;
    }
    fill_members(g, v.members);
    v.n_members = g->n_members;
    v.protocol_type = g->protocol_type.n >= 0 ? g->protocol_type : kp_strn("", 0);
    v.generation = g->generation;
    v.protocol = g->protocol;
    v.leader = g->leader ? g->leader->id : kp_str(NULL);
    v.current_state_timestamp = wall_ms;
    state_key(&key, g->id);
    wr_init(&value, 0);
    kp_encode_record(&kp_group_metadata_value_schema, STATE_VALUE, &v, &value);
    add(b, wall_ms, &key, &value);
    wr_free(&key);
    wr_free(&value);
    free(v.members);
}

void group_records_no_state(struct batch_builder *b, int64_t wall_ms, struct kp_str group)
{
    struct wr key;
    state_key(&key, group);
    add(b, wall_ms, &key, NULL);
    wr_free(&key);
}

/* ---- reading */

static int decode(const struct kp_schema *schema, struct span bytes, struct arena *a, void *msg)
{
    struct rd r = rd_of(bytes.p, bytes.n);
    int16_t version;
    int rc = kp_decode_record(schema, &r, a, &version, msg);
    if (rc == ERR_SHORT || (!rc && rd_left(&r)))
        return ERR_MALFORMED;
    return rc;
}

static int decode_offset(const struct record *r, struct arena *a, struct group_record *out)
{
    struct kp_offset_commit_key key;
    struct kp_offset_commit_value v;
    int rc = decode(&kp_offset_commit_key_schema, r->key, a, &key);
    if (rc)
        return rc;
    out->group = key.group;
    out->offset = (struct group_offset){.topic = key.topic, .partition = key.partition};
    if (out->none)
        return 0;
    rc = decode(&kp_offset_commit_value_schema, r->value, a, &v);
    if (rc)
        return rc;
    out->offset.topic_id = v.topic_id;
    out->offset.offset = v.offset;
    out->offset.leader_epoch = v.leader_epoch;
    out->offset.metadata = v.metadata;
    out->offset.commit_ms = v.commit_timestamp;
    out->offset.expire_ms = v.kept_until >= 0 ? v.kept_until : v.expire_timestamp;
    return 0;
}

static int decode_state(const struct record *r, struct arena *a, struct group_record *out)
{
    struct kp_group_metadata_key key;
    int rc = decode(&kp_group_metadata_key_schema, r->key, a, &key);
    if (rc)
        return rc;
    out->group = key.group;
    return out->none ? 0 : decode(&kp_group_metadata_value_schema, r->value, a, &out->state);
}

int group_record_decode(const struct record *r, struct arena *a, struct group_record *out)
{
    struct rd kind = rd_of(r->key.p, r->key.n);
    int16_t version = (int16_t)rd_be16(&kind);
    if (kind.err)
        return ERR_MALFORMED;
    out->none = !r->value.p;
    switch (version) {
    case 0:
    case OFFSET_KEY:
        out->kind = GROUP_RECORD_OFFSET;
        return decode_offset(r, a, out);
    case STATE_KEY:
        out->kind = GROUP_RECORD_STATE;
        return decode_state(r, a, out);
    default:
        out->kind = GROUP_RECORD_OTHER;
        return 0;
    }
}

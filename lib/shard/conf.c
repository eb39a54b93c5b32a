#include "shard/conf.h"

#include "base/rd.h"

void shard_conf_encode(const struct shard_conf *c, struct wr *w)
{
    wr_le32(w, c->n);
    for (uint32_t i = 0; i < c->n; i++) {
        wr_le64(w, c->servers[i].id);
        wr_u8(w, c->servers[i].role);
    }
}

int shard_conf_decode(struct span body, struct shard_conf *c)
{
    struct rd r = rd_of(body.p, body.n);
    c->n = rd_le32(&r);
    if (r.err || c->n > SHARD_SERVERS_MAX || rd_left(&r) != (size_t)c->n * 9)
        return ERR_MALFORMED;
    for (uint32_t i = 0; i < c->n; i++) {
        struct shard_server *s = &c->servers[i];
        s->id = rd_le64(&r);
        s->role = rd_u8(&r);
        if (s->id == 0 || s->id > INT64_MAX || s->role > SHARD_SPARE)
            return ERR_MALFORMED;
        for (uint32_t k = 0; k < i; k++)
            if (c->servers[k].id == s->id)
                return ERR_MALFORMED;
    }
    return 0;
}

bool shard_conf_sole_voter(const struct shard_conf *c, uint64_t id)
{
    bool self = false;
    for (uint32_t i = 0; i < c->n; i++) {
        if (c->servers[i].role != SHARD_VOTER)
            continue;
        if (c->servers[i].id != id)
            return false;
        self = true;
    }
    return self;
}

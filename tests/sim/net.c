#include "tests/sim/net.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

/* ---- one message */

static void take_off(struct sim_net *net, struct shard_message *m)
{
    struct shard_message **p = &net->on_way;
    while (*p != m)
        p = &(*p)->next;
    *p = m->next;
    m->next = NULL;
}

static void deliver_event(struct sim_world *w, const struct event *ev)
{
    struct shard_message *m = ev->arg;
    struct sim_node *to = sim_node(w, (uint32_t)m->to);
    take_off(&w->net, m);
    trace_line(w, "deliver type=%d from=%u to=%u term=%llu", (int)m->type, (unsigned)m->from,
               (unsigned)m->to, (unsigned long long)m->term);
    if (!sim_data_shard(to) || to->disk.dead || w->net.cut[m->from - 1][m->to - 1]) {
        cover(w, COVER_message_lost);
        shard_message_free(m);
        return;
    }
    cover(w, COVER_message);
    shard_receive(sim_data_shard(to), m);
    sim_node_touch(to, 1);
}

static struct shard_message *copy_of(const struct shard_message *m)
{
    struct shard_message *c = shard_message_new();
    if (!c)
        sim_out_of_memory();
    *c = *m;
    c->next = NULL;
    if (m->type != SHARD_APPEND || m->append.n == 0)
        return c;
    c->append.entries = sim_alloc(m->append.n * sizeof *c->append.entries);
    for (uint32_t i = 0; i < m->append.n; i++) {
        const struct shard_message_entry *e = &m->append.entries[i];
        c->append.entries[i] = *e;
        c->append.entries[i].payload = sim_alloc(e->n);
        memcpy(c->append.entries[i].payload, e->payload, e->n);
    }
    return c;
}

static void put_on_way(struct sim_world *w, struct shard_message *m)
{
    m->next = w->net.on_way;
    w->net.on_way = m;
    sim_always(w, rng_delay(&w->rng, w->plan.net_delay), deliver_event, (uint32_t)m->to, m);
}

static void say(struct sim_world *w, const struct shard_message *m)
{
    unsigned from = (unsigned)m->from, to = (unsigned)m->to;
    unsigned long long term = m->term;
    if (m->type == SHARD_APPEND)
        trace_detail(w, "append %u -> %u term %llu: %u entries behind %llu, commit %llu", from, to,
                     term, m->append.n, (unsigned long long)m->append.prev_index,
                     (unsigned long long)m->append.commit);
    else if (m->type == SHARD_APPEND_RESULT)
        trace_detail(w, "result %u -> %u term %llu: last %llu, rejected %llu", from, to, term,
                     (unsigned long long)m->append_result.last_index,
                     (unsigned long long)m->append_result.rejected);
    else if (m->type == SHARD_INSTALL)
        trace_detail(w, "install %u -> %u term %llu: checkpoint %llu", from, to, term,
                     (unsigned long long)m->install.index);
    else
        trace_detail(w, "message %d %u -> %u term %llu", (int)m->type, from, to, term);
}

void sim_net_send(struct sim_world *w, struct shard_message *m)
{
    say(w, m);
    if (!w->settling && rng_chance(&w->rng, w->plan.drop_ppm)) {
        cover(w, COVER_message_lost);
        shard_message_free(m);
        return;
    }
    if (!w->settling && rng_chance(&w->rng, w->plan.double_ppm)) {
        cover(w, COVER_message_doubled);
        put_on_way(w, copy_of(m));
    }
    put_on_way(w, m);
}

/* ---- links */

void sim_net_heal(struct sim_world *w)
{
    memset(w->net.cut, 0, sizeof w->net.cut);
}

/* A node alone, one way or both, or a single link. */
void sim_net_trouble(struct sim_world *w)
{
    uint64_t a = rng_below(&w->rng, NET_NODES), b = (a + 1 + rng_below(&w->rng, 2)) % NET_NODES;
    uint64_t how = rng_below(&w->rng, 6);
    sim_net_heal(w);
    trace_line(w, "links node=%llu other=%llu how=%llu", (unsigned long long)a + 1,
               (unsigned long long)b + 1, (unsigned long long)how);
    if (how < 2) /* all are well */
        return;
    cover(w, COVER_links_cut);
    for (uint64_t i = 0; i < NET_NODES; i++) {
        if (how != 5 && i != a)
            w->net.cut[a][i] = how != 3;
        if (how != 5 && i != a)
            w->net.cut[i][a] = how != 4;
    }
    if (how == 5)
        w->net.cut[a][b] = true;
}

void sim_net_release(struct sim_world *w)
{
    while (w->net.on_way) {
        struct shard_message *m = w->net.on_way;
        w->net.on_way = m->next;
        m->next = NULL;
        shard_message_free(m);
    }
}

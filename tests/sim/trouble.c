/* trouble.c - what befalls a node that runs: deaths at any instruction, clean stops, a full disk, a
 * clock that jumps, a second process. */
#include "tests/sim/world.h"

/* ---- deaths */

void sim_kill(struct sim_node *n, bool power)
{
    n->power = power;
    n->disk.dead = true;
}

/* Now, or in the middle of one of the next changes to the disk. */
static void crash_event(struct sim_world *w, const struct event *ev)
{
    struct sim_node *n = sim_node(w, ev->node);
    sim_always(w, rng_delay(&w->rng, w->plan.crash_every), crash_event, n->id, NULL);
    if (!n->up || n->disk.dead || w->settling)
        return;
    bool power = rng_chance(&w->rng, w->plan.power_ppm);
    if (n->disk.die_in || rng_below(&w->rng, 3) == 0) {
        trace_line(w, "kill node=%u power=%d", n->id, power);
        sim_kill(n, power);
    } else {
        n->power = power;
        n->disk.die_in_commit = rng_below(&w->rng, 3) == 0;
        n->disk.die_in = 1 + rng_below(&w->rng, n->disk.die_in_commit ? 4 : 40);
        trace_line(w, "plan death node=%u in=%llu power=%d", n->id,
                   (unsigned long long)n->disk.die_in, power);
    }
}

static bool is_sick(struct sim_node *n)
{
    struct model *m = &n->w->model;
    if (n->offline)
        return true;
    for (int i = 0; i < 2; i++)
        if (n->shard[i].s && shard_poisoned(n->shard[i].s))
            return true;
    for (unsigned i = 0; i < m->n_topics; i++)
        for (int32_t p = 0; model_topic_usable(&m->topics[i]) && p < m->topics[i].partitions; p++) {
            struct plog *log = shard_partition(n->shard[1].s, &m->topics[i].id, p);
            if (log && plog_failed(log))
                return true;
        }
    return false;
}

/* ---- the rest */

static void fill_disk(struct sim_node *n, bool full)
{
    uint64_t left = 0;
    if (full) {
        io_mem_set_space(n->disk.mem, UINT64_MAX);
        io_space(io_mem_io(n->disk.mem), "/", &left);
        io_mem_set_space(n->disk.mem, UINT64_MAX - left + rng_below(&n->w->rng, 65536));
        cover(n->w, COVER_disk_full);
    } else {
        io_mem_set_space(n->disk.mem, UINT64_MAX);
    }
    n->full = full;
    n->full_once = n->full_once || full;
    trace_line(n->w, "disk node=%u full=%d", n->id, full);
}

static void jump_clock(struct sim_node *n)
{
    int64_t days = rng_between(&n->w->rng, -3650, 3650);
    n->clock.wall_jump = rng_below(&n->w->rng, 3) ? days * 86400000 : 0;
    cover(n->w, COVER_clock_jump);
    trace_line(n->w, "clock node=%u days=%lld", n->id, (long long)(n->clock.wall_jump / 86400000));
}

/* Another process on the directory, and one of another node. */
static void intrude(struct sim_node *n)
{
    struct node second;
    struct node_config nc = {.io = io_mem_io(n->disk.mem),
                             .dir = SIM_DIR,
                             .node_id = n->id,
                             .data_shards = 1,
                             .clock = &n->clock.clock};
    struct err e = {0};
    int rc = node_open(&second, &nc, &e);
    if (rc != ERR_LOCKED)
        sim_violation(n->w, "R3", "a second process on the directory: %s, not LOCKED",
                      err_name(rc));
    cover(n->w, COVER_locked_out);
}

static void trouble_event(struct sim_world *w, const struct event *ev)
{
    struct sim_node *n = sim_node(w, ev->node);
    sim_always(w, rng_delay(&w->rng, w->plan.trouble_every), trouble_event, n->id, NULL);
    if (!n->up || n->disk.dead || n->stopping || w->settling)
        return;
    if (w->plan.nodes > 1 && rng_below(&w->rng, 2)) {
        sim_net_trouble(w);
        return;
    }
    switch (rng_below(&w->rng, 6)) {
    case 0:
    case 1:
        fill_disk(n, !n->full);
        break;
    case 2:
    case 3:
        jump_clock(n);
        break;
    case 4:
        if (w->plan.nodes == 1)
            intrude(n);
        break;
    default:
        sim_node_begin_stop(n);
    }
}

/* An operator looks after a node that says it has stopped writing. */
static void nurse_event(struct sim_world *w, const struct event *ev)
{
    struct sim_node *n = sim_node(w, ev->node);
    sim_always(w, rng_delay(&w->rng, 300 * SIM_MS), nurse_event, n->id, NULL);
    if (!n->up || n->disk.dead || n->stopping)
        return;
    if (n->full && (w->settling || rng_below(&w->rng, 2)))
        fill_disk(n, false);
    if (!is_sick(n))
        return;
    trace_line(w, "restart node=%u: it is sick", n->id);
    sim_kill(n, false);
}

void sim_trouble_begin(struct sim_world *w)
{
    for (uint32_t i = 1; i <= w->plan.nodes; i++) {
        event_fn *const all[] = {crash_event, trouble_event, nurse_event};
        for (int k = 0; k < 3; k++) {
            sim_always(w, rng_delay(&w->rng, w->plan.crash_every), all[k], i, NULL);
        }
    }
}

void sim_trouble_after(struct sim_node *n)
{
    if (n->disk.dead) {
        sim_bury(n);
        sim_start_after(n, rng_delay(&n->w->rng, 10 * SIM_MS));
    } else if (n->up && sim_node_advance_stop(n)) {
        trace_line(n->w, "stopped node=%u", n->id);
        cover(n->w, COVER_clean_stop);
        n->clean = true;
        for (int i = 0; i < 2; i++)
            if (n->shard[i].s && shard_poisoned(n->shard[i].s))
                n->clean = false;
        sim_node_drop(n);
        sim_clients_forget(n);
        sim_admin_forget(n);
        sim_start_after(n, rng_delay(&n->w->rng, 10 * SIM_MS));
    }
}

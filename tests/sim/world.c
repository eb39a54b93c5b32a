#include "tests/sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/sim/fiber.h"

/* A follower that fetched a checkpoint while its leader made the next one is left alone until
 * raft's own time for that is over, ten minutes. */
enum { SETTLE_SECONDS = 120, SETTLE_SECONDS_TOGETHER = 720 };

/* ---- memory */

void sim_out_of_memory(void)
{
    fputs("sim: out of memory\n", stderr);
    exit(2);
}

void *sim_alloc(size_t n)
{
    void *p = calloc(1, n);
    if (!p)
        sim_out_of_memory();
    return p;
}

void *sim_grow(void *p, size_t *cap, size_t size)
{
    *cap = *cap ? 2 * *cap : 64;
    p = reallocarray(p, *cap, size);
    if (!p)
        sim_out_of_memory();
    return p;
}

/* ---- events */

void sim_always(struct sim_world *w, int64_t delay, event_fn *fn, uint32_t node, void *arg)
{
    queue_push(&w->queue, (struct event){.at = w->now + delay, .fn = fn, .node = node, .arg = arg});
}

void sim_after(struct sim_world *w, int64_t delay, event_fn *fn, struct sim_node *n, void *arg)
{
    queue_push(
        &w->queue,
        (struct event){.at = w->now + delay, .fn = fn, .node = n->id, .life = n->life, .arg = arg});
}

static void step(struct sim_world *w)
{
    struct event ev;
    do {
        if (!queue_pop(&w->queue, &ev))
            sim_violation(w, "LIVE", "nothing is left to happen");
    } while (ev.life && ev.life != sim_node(w, ev.node)->life);
    w->now = ev.at;
    w->step++;
    ev.fn(w, &ev);
    for (uint32_t i = 1; i <= w->plan.nodes; i++) {
        struct sim_node *n = sim_node(w, i);
        sim_node_read_log(n);
        sim_check_step(n);
        sim_cluster_install(n);
        sim_trouble_after(n);
    }
}

/* ---- a violation */

void sim_violation(struct sim_world *w, const char *invariant, const char *fmt, ...)
{
    char what[600];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    trace_tail(w);
    fflush(stderr);
    printf("FAIL seed=%llu steps=%llu nodes=%u invariant=%s step=%llu: %s\n",
           (unsigned long long)w->seed, (unsigned long long)w->steps, w->plan.nodes, invariant,
           (unsigned long long)w->step, what);
    fflush(stdout);
    _exit(1); /* in the middle of everything: there is nothing to tidy up */
}

/* ---- one world */

static bool settled(struct sim_world *w)
{
    for (uint32_t i = 1; i <= w->plan.nodes; i++) {
        const struct sim_node *n = sim_node(w, i);
        if (!n->up || n->stopping || n->disk.dead)
            return false;
    }
    return sim_clients_idle(w) && sim_admin_idle(w) &&
           (w->plan.nodes == 1 || sim_cluster_agrees(w));
}

/* No more trouble: what is outstanding has to be answered, and nothing may be lost by one more
 * power cut. */
static void settle(struct sim_world *w)
{
    w->settling = true;
    w->plan.slow_sync_ppm = 0;
    sim_net_heal(w);
    for (uint32_t i = 1; i <= w->plan.nodes; i++) {
        struct sim_node *n = sim_node(w, i);
        n->disk.faulty = false;
        n->disk.die_in = 0;
    }
    int seconds = w->plan.nodes == 1 ? SETTLE_SECONDS : SETTLE_SECONDS_TOGETHER;
    for (int64_t until = w->now + seconds * SIM_SECOND; !settled(w); step(w))
        if (w->now > until)
            sim_violation(w, "LIVE", "%d s after the last trouble: %s%s%s", seconds,
                          w->plan.nodes == 1 || sim_cluster_agrees(w) ? "" : "the nodes differ ",
                          sim_clients_idle(w) ? "" : "a batch is not answered ",
                          sim_admin_idle(w) ? "" : "a command or trim is not answered");
    cover(w, COVER_settled);
    for (uint32_t i = 1; i <= w->plan.nodes; i++)
        if (sim_node(w, i)->up)
            sim_kill(sim_node(w, i), true);
    do
        step(w);
    while (!settled(w));
}

void sim_world_run(struct sim_world *w, uint64_t seed, uint64_t steps, uint32_t nodes, bool loud)
{
    *w = (struct sim_world){.seed = seed, .steps = steps, .rng = {seed}};
    w->trace.loud = loud;
    entropy_seed(seed);
    plan_draw(&w->plan, &w->rng, nodes);
    for (uint32_t i = 1; i <= nodes; i++)
        sim_node_init(sim_node(w, i), w, i);
    if (nodes > 1)
        sim_cluster_begin(w);
    for (uint32_t i = 1; i <= nodes; i++)
        sim_start_after(sim_node(w, i), SIM_MS);
    sim_clients_begin(w);
    sim_reader_begin(w);
    sim_admin_begin(w);
    sim_trouble_begin(w);
    while (w->step < steps)
        step(w);
    settle(w);
}

void sim_world_release(struct sim_world *w)
{
    for (uint32_t i = 1; i <= w->plan.nodes; i++)
        sim_node_release(sim_node(w, i));
    sim_clients_release(w);
    sim_net_release(w);
    sim_cluster_release(w);
    sim_admin_release(w);
    model_release(&w->model);
    queue_release(&w->queue);
    fiber_cleanup();
}

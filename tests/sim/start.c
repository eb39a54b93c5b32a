/* start.c - a node starts: on what a death has left, and it may die again while it recovers. */
#include <string.h>

#include "tests/sim/world.h"

/* ---- the end of a life */

static void note_death(struct sim_node *n)
{
    struct sim_world *w = n->w;
    cover(w, n->power ? COVER_power_cut : COVER_kill);
    if (sim_tasks_any(n, false))
        cover(w, COVER_died_writing);
    if (sim_tasks_any(n, true))
        cover(w, COVER_died_in_a_job);
    if (n->stopping)
        cover(w, COVER_died_stopping);
}

void sim_bury(struct sim_node *n)
{
    struct sim_world *w = n->w;
    enum io_mem_cut cut = (enum io_mem_cut)rng_below(&w->rng, IO_CUT_LAST_FIRST + 1);
    note_death(n);
    trace_line(w, "dead node=%u power=%d cut=%d", n->id, n->power, (int)cut);
    sim_node_drop(n);
    sim_clients_forget(n);
    sim_admin_forget(n);
    if (n->power) {
        sim_disk_power_cut(&n->disk, rng_below(&w->rng, 3) ? IO_CUT_SEED : cut, rng_next(&w->rng));
        n->clock.mono_base = (int64_t)rng_below(&w->rng, 100 * (uint64_t)SIM_SECOND);
        n->full = false;
    }
    n->disk.dead = false;
    n->disk.die_in = 0;
    n->mourned = true;
}

/* ---- before the start */

static bool is_index(const char *name)
{
    static const char *const ends[] = {".index", ".timeindex", ".check"};
    size_t n = strlen(name);
    for (size_t i = 0; i < 3; i++)
        if (n > strlen(ends[i]) && strcmp(name + n - strlen(ends[i]), ends[i]) == 0)
            return true;
    return false;
}

/* L8: indexes are derived. */
static void remove_indexes(struct sim_node *n)
{
    struct io *io = io_mem_io(n->disk.mem);
    char **dirs, **files;
    size_t n_dirs, n_files, removed = 0;
    if (io_names(io, SIM_DIR "/log", &dirs, &n_dirs))
        return;
    for (size_t i = 0; i < n_dirs; i++) {
        char dir[IO_PATH_MAX], path[IO_PATH_MAX];
        if (io_path(dir, sizeof dir, SIM_DIR "/log", "%s", dirs[i]) ||
            io_names(io, dir, &files, &n_files))
            continue;
        for (size_t k = 0; k < n_files; k++)
            if (is_index(files[k]) && io_path(path, sizeof path, dir, "%s", files[k]) == 0)
                removed += io_unlink(io, path) == 0;
        io_names_free(files, n_files);
        io_sync_dir(io, dir);
    }
    io_names_free(dirs, n_dirs);
    if (removed)
        cover(n->w, COVER_no_indexes);
    trace_line(n->w, "indexes removed node=%u %zu", n->id, removed);
}

/* What a directory of another node must be told. */
static void try_foreign(struct sim_node *n)
{
    struct node other;
    struct node_config nc = {.io = io_mem_io(n->disk.mem),
                             .dir = SIM_DIR,
                             .node_id = n->id + 7,
                             .data_shards = 1,
                             .clock = &n->clock.clock};
    struct err e;
    int rc = node_open(&other, &nc, &e);
    if (rc != ERR_FOREIGN)
        sim_violation(n->w, "R3", "a node of another id on the directory: %s",
                      rc ? e.text : "welcome");
    cover(n->w, COVER_foreign);
}

static void try_things(struct sim_node *n)
{
    struct rng *r = &n->w->rng;
    bool alone = n->w->plan.nodes == 1;
    bool whole = n->power && n->begun && alone; /* all that is on the disk is synced */
    if (n->begun && rng_below(r, 16) == 0)
        remove_indexes(n);
    if (n->begun && alone && rng_below(r, 32) == 0)
        try_foreign(n);
    if (whole && rng_below(r, 12) == 0)
        sim_twin_compare(n);
    if ((whole || (n->clean && alone)) && rng_below(r, 6) == 0)
        sim_bitrot(n);
}

/* ---- the start */

static void died_starting(struct sim_node *n)
{
    struct sim_world *w = n->w;
    cover(w, n->begun ? COVER_died_in_recovery : COVER_died_in_first_start);
    if (n->deaths_in_recovery++)
        cover(w, COVER_died_in_recovery_twice);
}

static void is_up(struct sim_node *n)
{
    struct sim_world *w = n->w;
    n->begun = true;
    n->deaths_in_recovery = 0;
    trace_line(w, "up node=%u term=%llu", n->id, (unsigned long long)shard_term(n->shard[1].s));
    sim_check_recovered(n);
    w->crashes += n->mourned;
    n->mourned = false;
    n->disk.faulty = !w->settling;
    n->disk.die_in = 0;
}

/* Perhaps it does not live through its start: rather so, and without power, if its page cache holds
 * what no sync has covered. */
static void plan_death(struct sim_node *n)
{
    struct sim_world *w = n->w;
    bool delicate = n->disk.half_done && !n->power;
    n->disk.half_done = false;
    if (w->settling || rng_below(&w->rng, delicate ? 2 : 6))
        return;
    n->disk.die_in = 1 + rng_below(&w->rng, n->begun ? 60 : 150);
    n->disk.die_in_commit = false;
    n->power = delicate || rng_chance(&w->rng, w->plan.power_ppm);
}

static void start_event(struct sim_world *w, const struct event *ev)
{
    struct sim_node *n = sim_node(w, ev->node);
    struct err e = {0};
    if (!w->settling)
        try_things(n);
    n->clean = false;
    n->disk.life_faults = 0;
    n->disk.faulty = !w->settling && rng_below(&w->rng, 8) == 0;
    n->full_once = n->full;
    plan_death(n);
    trace_line(w, "start node=%u die_in=%llu", n->id, (unsigned long long)n->disk.die_in);
    n->starts[0]++;
    n->starts[1]++;
    int rc = sim_node_open(n, &e);
    sim_node_read_log(n);
    if (n->disk.dead) {
        died_starting(n); /* sim_trouble_after buries it */
        return;
    }
    if (rc == 0) {
        is_up(n);
        return;
    }
    trace_line(w, "start node=%u failed: %s", n->id, e.text);
    if (!n->disk.life_faults && !n->full_once)
        sim_violation(w, "R1", "node %u does not start: %s", n->id, e.text);
    cover(w, COVER_failed_start);
    n->disk.die_in = 0;
    io_mem_set_space(n->disk.mem, UINT64_MAX);
    n->full = false;
    sim_start_after(n, rng_delay(&w->rng, 10 * SIM_MS));
}

void sim_start_after(struct sim_node *n, int64_t delay)
{
    sim_after(n->w, delay, start_event, n, NULL);
}

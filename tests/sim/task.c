/* task.c - the writer's and the jobs' threads: each write and job is a fiber that may stop at any
 * call of the disk while the shard goes on. */
#include "tests/sim/fiber.h"
#include "tests/sim/world.h"

static struct shard *shard_of(struct sim_node *n, const struct sim_task *t)
{
    return n->shard[t->shard].s;
}

static void done_event(struct sim_world *w, const struct event *ev);

static void run(void *arg)
{
    struct sim_task *t = arg;
    if (t->job)
        shard_job_run(t->job);
    else
        shard_write_run(t->s);
    t->ran = true;
}

static void finished(struct sim_node *n, struct sim_task *t)
{
    t->fiber = NULL;
    sim_after(n->w, rng_delay(&n->w->rng, n->w->plan.hand_over), done_event, n, t);
}

static void run_event(struct sim_world *w, const struct event *ev)
{
    struct sim_node *n = sim_node(w, ev->node);
    struct sim_task *t = ev->arg;
    trace_line(w, "run node=%u shard=%u %s", n->id, t->shard, t->job ? "job" : "write");
    t->started = true;
    t->s = shard_of(n, t);
    w->running = t;
    t->fiber = fiber_start(run, t);
    w->running = NULL;
    if (t->ran)
        finished(n, t);
}

static void resume_event(struct sim_world *w, const struct event *ev)
{
    struct sim_node *n = sim_node(w, ev->node);
    struct sim_task *t = ev->arg;
    if (w->step > t->stopped_at + 1)
        cover(w, COVER_interleaved);
    w->running = t;
    if (fiber_resume(t->fiber))
        finished(n, t);
    w->running = NULL;
}

static void complete(struct sim_node *n, struct sim_task *t)
{
    struct sim_task done = *t;
    t->used = false; /* the shard may want the next one at once */
    if (done.job)
        shard_job_done(shard_of(n, &done), done.job);
    else
        shard_written(shard_of(n, &done));
}

static void done_event(struct sim_world *w, const struct event *ev)
{
    struct sim_node *n = sim_node(w, ev->node);
    struct sim_task *t = ev->arg;
    uint32_t shard = t->shard;
    trace_line(w, "done node=%u shard=%u %s", n->id, shard, t->job ? "job" : "write");
    complete(n, t);
    sim_node_touch(n, shard);
}

void sim_task_new(struct sim_node *n, uint32_t shard, struct shard_job *job)
{
    struct sim_task *t = n->tasks;
    while (t < n->tasks + SIM_TASKS && t->used)
        t++;
    if (t == n->tasks + SIM_TASKS)
        sim_violation(n->w, "HOST", "more than %d writes and jobs at a time", SIM_TASKS);
    *t = (struct sim_task){.used = true, .node = n, .shard = shard, .job = job};
    if (!n->tearing)
        sim_after(n->w, rng_delay(&n->w->rng, n->w->plan.hand_over), run_event, n, t);
}

void sim_task_wait(struct sim_world *w, int64_t delay)
{
    struct sim_task *t = w->running;
    t->stopped_at = w->step;
    sim_after(w, delay, resume_event, t->node, t);
    w->running = NULL;
    fiber_yield();
}

void sim_tasks_finish(struct sim_node *n)
{
    for (int i = 0; i < SIM_TASKS; i++) {
        struct sim_task *t = &n->tasks[i];
        if (!t->used)
            continue;
        t->s = shard_of(n, t);
        if (t->fiber)
            fiber_resume(t->fiber); /* the disk is dead: nothing stops it any more */
        else if (!t->ran)
            run(t);
        complete(n, t);
        i = -1; /* it may have brought another one */
    }
}

bool sim_tasks_any(const struct sim_node *n, bool job)
{
    for (int i = 0; i < SIM_TASKS; i++)
        if (n->tasks[i].used && n->tasks[i].started && (n->tasks[i].job != NULL) == job)
            return true;
    return false;
}

bool sim_tasks_under_way(const struct sim_node *n)
{
    for (int i = 0; i < SIM_TASKS; i++)
        if (n->tasks[i].used)
            return true;
    return false;
}

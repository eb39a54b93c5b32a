/* world.h - one world: nodes, the actors that trouble them, what they were promised, and time.
 *
 * One thread. Everything that happens is an event in a queue, at a virtual time; which event comes
 * next, and what goes wrong in it, is drawn from the seed. After each event the invariants are
 * checked (invariants.c), which read only what a client or an operator could.
 *
 *   actors     client.c (producers), reader.c (fetches), admin.c (topics, trims, ids), trouble.c
 *              (deaths, stops, full disks, clocks)
 *   the node   node.c hosts the real shards, task.c runs their writes and jobs, disk.c fails them
 *   judgement  model.c what was promised, invariants.c what must hold, scan.c reading back
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include "base/clock.h"
#include "base/io_mem.h"
#include "base/log.h"
#include "shard/node.h"
#include "shard/shard.h"
#include "tests/sim/client.h"
#include "tests/sim/cluster.h"
#include "tests/sim/coverage.h"
#include "tests/sim/disk.h"
#include "tests/sim/model.h"
#include "tests/sim/net.h"
#include "tests/sim/plan.h"
#include "tests/sim/queue.h"
#include "tests/sim/rng.h"
#include "tests/sim/trace.h"

#define SIM_US INT64_C(1000)
#define SIM_MS (1000 * SIM_US)
#define SIM_SECOND (1000 * SIM_MS)
#define SIM_DIR "/d"
#define SIM_CLUSTER "AAECAwQFBgcICQoLDA0ODw"

enum { SIM_NODES = 3, SIM_TASKS = 2 * (SHARD_JOBS_MAX + 1), SIM_IMAGES = 64 };

struct sim_clock {
    struct clock clock; /* first */
    struct sim_world *w;
    int64_t mono_base; /* ns: a reboot starts anew */
    int64_t wall_jump; /* ms */
};

/* A write or a job that another thread would run. */
struct sim_task {
    bool used, started, ran;
    struct sim_node *node;
    uint32_t shard;
    struct shard *s;
    struct shard_job *job; /* NULL: the shard's write */
    struct fiber *fiber;   /* stopped in the middle, */
    uint64_t stopped_at;   /* in that step */
};

struct sim_shard {
    struct sim_node *node;
    uint32_t number;
    struct shard *s;
    struct shard_host host;
    int64_t turn_at; /* when its thread will look again; INT64_MAX: not by itself */
    struct shard_stats seen;
    bool leads;
};

struct sim_node {
    struct sim_world *w;
    uint32_t id;
    struct sim_disk disk;
    struct sim_clock clock;
    struct meta_settings settings; /* of topics on which nothing is set */
    struct log log;
    int log_fd;
    uint64_t life; /* counts starts; events of an earlier one are void */
    bool up, tearing, stopping;
    int stop_from; /* the shard that stops now */
    struct node dir;
    bool dir_open;
    struct sim_shard shard[2];
    struct sim_task tasks[SIM_TASKS];
    struct meta_image *images[SIM_IMAGES]; /* on their way from shard 0 to shard 1, oldest first */
    unsigned n_images;
    bool wants_install; /* it is too far behind, says that node */
    uint64_t install_from;
    bool power;         /* the next death is a power cut */
    bool begun;         /* it has been up once */
    bool mourned;       /* a death, and no recovery since */
    bool clean;         /* it has stopped cleanly, and not started since */
    bool full;          /* its disk is, now; */
    bool full_once;     /* and was at some time in this life */
    bool offline;       /* it says that a partition is, until a restart: no checkpoint is made */
    unsigned starts[2]; /* since each shard last had two checkpoints in one life */
    unsigned deaths_in_recovery; /* in a row */
};

struct sim_world {
    uint64_t seed, step, steps;
    int64_t now; /* virtual ns */
    struct rng rng;
    struct sim_plan plan;
    struct queue queue;
    struct trace trace;
    struct coverage coverage;
    struct sim_node nodes[SIM_NODES];
    struct sim_clients clients;
    struct model model;
    struct sim_net net;
    struct meta_image *image; /* of several nodes */
    uint64_t leader_term;     /* the newest, */
    uint32_t leader;          /* and who leads in it */
    struct sim_admin *admin;
    struct sim_task *running; /* whose fiber runs now */
    uint64_t crashes;         /* deaths that were recovered from */
    bool settling;            /* no more trouble: what is outstanding has to come to an end */
};

/* One world, from an empty disk to the last check. A violation ends the process with status 1. */
void sim_world_run(struct sim_world *w, uint64_t seed, uint64_t steps, uint32_t nodes, bool loud);
void sim_world_release(struct sim_world *w);

/* Call fn in `delay` ns, if the node still lives the same life then. */
void sim_after(struct sim_world *w, int64_t delay, event_fn *fn, struct sim_node *n, void *arg);
/* Call fn in `delay` ns in any case. */
void sim_always(struct sim_world *w, int64_t delay, event_fn *fn, uint32_t node, void *arg);
static inline struct sim_node *sim_node(struct sim_world *w, uint32_t id)
{
    return &w->nodes[id - 1];
}

/* What a wall clock shows that is never set, ms since 1970. */
static inline int64_t sim_true_time_ms(const struct sim_world *w)
{
    return INT64_C(1800000000000) + w->now / SIM_MS;
}

/* An invariant does not hold: say which, where and when, and end the process. */
_Noreturn void sim_violation(struct sim_world *w, const char *invariant, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Memory of the simulator itself: never NULL. */
_Noreturn void sim_out_of_memory(void);
void *sim_alloc(size_t n); /* zeroed */
/* A bigger array: *cap becomes twice what it was. */
void *sim_grow(void *p, size_t *cap, size_t size);

/* node.c */
void sim_node_init(struct sim_node *n, struct sim_world *w, uint32_t id);
/* Open the directory and the shards on it. 0, or a code with e: nothing is open then. */
int sim_node_open(struct sim_node *n, struct err *e);
int sim_node_open_shard(struct sim_node *n, uint32_t number, struct meta_image *image,
                        struct err *e);
/* Forget all that is in memory, as a process that dies does. */
void sim_node_drop(struct sim_node *n);
void sim_node_release(struct sim_node *n);
void sim_node_shard_config(struct sim_node *n, uint32_t number, struct meta_image *image,
                           struct shard_config *cfg, char paths[3][IO_PATH_MAX]);
/* An event reached a shard: it may want a flush, and to be asked the time. */
void sim_node_touch(struct sim_node *n, uint32_t shard);
/* Its data shard, if it is up. */
struct shard *sim_data_shard(struct sim_node *n);
struct shard *sim_meta_shard(struct sim_node *n);
/* The metadata that a client knows. */
struct meta_image *sim_image(struct sim_node *n);
void sim_node_begin_stop(struct sim_node *n);
/* After each step: has a stop gone on, or come to its end (true)? */
bool sim_node_advance_stop(struct sim_node *n);
/* New lines of its log: to the trace and the marks. */
void sim_node_read_log(struct sim_node *n);

/* task.c */
void sim_task_new(struct sim_node *n, uint32_t shard, struct shard_job *job);
/* In a fiber: the task goes on after `delay` ns. */
void sim_task_wait(struct sim_world *w, int64_t delay);
/* Run all that is under way to its end, on a dead disk. */
void sim_tasks_finish(struct sim_node *n);
bool sim_tasks_under_way(const struct sim_node *n);
bool sim_tasks_any(const struct sim_node *n, bool job);

/* trouble.c */
void sim_trouble_begin(struct sim_world *w);
/* After each step: bury whom the step has killed, restart who has stopped. */
void sim_trouble_after(struct sim_node *n);
void sim_kill(struct sim_node *n, bool power);

/* start.c: start it in `delay` ns; what may go wrong in a start, does. */
void sim_start_after(struct sim_node *n, int64_t delay);
/* The node is dead: forget what was in memory, and what was not synced. */
void sim_bury(struct sim_node *n);

/* reader.c, admin.c */
void sim_reader_begin(struct sim_world *w);
void sim_admin_begin(struct sim_world *w);
bool sim_admin_idle(const struct sim_world *w);
void sim_admin_forget(struct sim_node *n);

/* invariants.c: what holds after each step, and what after a recovery. */
void sim_check_step(struct sim_node *n);
void sim_check_recovered(struct sim_node *n);

void sim_admin_release(struct sim_world *w);

/* twin.c: a second node on a copy of the disk, on which recovery is tried out. mem is the twin's.
 */
void sim_twin_begin(struct sim_node *twin, struct sim_node *of, struct io_mem *mem);
void sim_twin_end(struct sim_node *twin);
/* A recovery that is killed and begun again gives the same state as one that is not. */
void sim_twin_compare(struct sim_node *n);

/* bitrot.c: flip a byte of such a copy, and see it found. */
void sim_bitrot(struct sim_node *n);

#endif

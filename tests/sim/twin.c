/* twin.c - R1: killed anywhere in a recovery and begun again, the state is the same.
 *
 * On two copies of the disk a power cut left: one recovers, the other dies in its recovery (once or
 * more, by power cuts and kills) until it comes through. What a client can see must be equal, and
 * what the next checkpoint says of producers.
 */
#include <stdlib.h>
#include <string.h>

#include "shard/checkpoint.h"
#include "tests/sim/scan.h"
#include "tests/sim/world.h"

struct digest {
    uint64_t h;
};

static void mix(struct digest *d, uint64_t v)
{
    uint64_t h = (d->h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
    d->h = h ^ h >> 29;
}

static void mix_batch(void *ctx, const struct batch *head, const uint8_t *bytes)
{
    (void)bytes;
    mix(ctx, (uint64_t)head->base_offset);
    mix(ctx, (uint64_t)head->crc << 32 | (uint32_t)head->leader_epoch);
}

static void mix_partition(struct sim_node *twin, struct digest *d, struct plog *log)
{
    struct err e = {0};
    int64_t start = plog_log_start(log), hw = plog_high_watermark(log);
    mix(d, (uint64_t)start);
    mix(d, (uint64_t)hw);
    int rc = scan_partition(log, start, hw, true, mix_batch, d, &e);
    if (rc)
        sim_violation(twin->w, "R1", "what a recovery left cannot be read: %s", e.text);
}

static void mix_producers(struct sim_node *twin, struct digest *d)
{
    struct checkpoint newest, older;
    struct err e;
    bool bad;
    char dir[IO_PATH_MAX];
    node_wal_dir(dir, sizeof dir, SIM_DIR "/wal", 1);
    if (checkpoint_load(&twin->disk.io, dir, NULL, &newest, &older, &bad, &e))
        sim_violation(twin->w, "R1", "the checkpoint that a recovery wrote: %s", e.text);
    for (uint32_t i = 0; i < newest.n_partitions; i++)
        for (uint32_t k = 0; k < newest.partitions[i].n_producers; k++) {
            const struct checkpoint_producer *p = &newest.partitions[i].producers[k];
            mix(d, (uint64_t)p->id << 16 | (uint16_t)p->epoch);
            for (int b = 0; b < p->n_batches; b++) {
                mix(d, (uint64_t)p->batches[b].first_sequence);
                mix(d, (uint64_t)p->batches[b].base_offset);
            }
        }
    checkpoint_release(&newest);
    checkpoint_release(&older);
}

static uint64_t state_of(struct sim_node *twin)
{
    struct digest d = {1};
    struct meta_image *image = shard_image(twin->shard[0].s);
    const struct meta_topic *t = NULL;
    mix(&d, (uint64_t)meta_next_producer_id(image));
    while ((t = meta_topic_next(image, t)) != NULL)
        for (int32_t p = 0; p < t->n_partitions; p++) {
            struct plog *log = shard_partition(twin->shard[1].s, &t->id, p);
            if (log)
                mix_partition(twin, &d, log);
        }
    mix_producers(twin, &d);
    return d.h;
}

void sim_twin_begin(struct sim_node *twin, struct sim_node *of, struct io_mem *mem)
{
    *twin = (struct sim_node){.w = of->w, .id = of->id, .log = of->log, .tearing = true};
    twin->log.fd = -1;
    sim_disk_init(&twin->disk, of->w, of->id, mem);
    twin->clock = of->clock;
    twin->settings = of->settings;
    twin->log.clock = &twin->clock.clock;
}

void sim_twin_end(struct sim_node *twin)
{
    sim_node_drop(twin);
    sim_disk_release(&twin->disk);
}

static struct io_mem *copy_of(const struct io_mem *mem)
{
    struct io_mem *copy = io_mem_crash(mem, io_mem_trace_len(mem), IO_CUT_ALL, 0);
    if (!copy)
        sim_out_of_memory();
    return copy;
}

/* Open it; it may die on the way. True: it is up. */
static bool open_or_die(struct sim_node *twin)
{
    struct err e = {0};
    int rc = sim_node_open(twin, &e);
    if (twin->disk.dead) {
        sim_node_drop(twin);
        twin->disk.dead = false;
        twin->tearing = true;
        if (rng_below(&twin->w->rng, 2))
            sim_disk_power_cut(&twin->disk, IO_CUT_SEED, rng_next(&twin->w->rng));
        return false;
    }
    if (rc)
        sim_violation(twin->w, "R1", "begun again, a recovery fails: %s", e.text);
    return true;
}

void sim_twin_compare(struct sim_node *n)
{
    struct sim_node *twin = sim_alloc(sizeof *twin);
    struct sim_world *w = n->w;
    sim_twin_begin(twin, n, copy_of(n->disk.mem));
    open_or_die(twin);
    uint64_t straight = state_of(twin);
    sim_twin_end(twin);
    sim_twin_begin(twin, n, copy_of(n->disk.mem));
    unsigned deaths = 0;
    do {
        twin->disk.die_in = deaths < 3 ? 1 + rng_below(&w->rng, 60) : 0;
    } while (!open_or_die(twin) && ++deaths);
    twin->disk.die_in = 0;
    uint64_t broken = state_of(twin);
    sim_twin_end(twin);
    free(twin);
    trace_line(w, "twins node=%u deaths=%u state=%016llx", n->id, deaths,
               (unsigned long long)straight);
    if (straight != broken)
        sim_violation(w, "R1", "killed %u times in its recovery, the state is another one", deaths);
    if (deaths)
        cover(w, COVER_same_twice);
}

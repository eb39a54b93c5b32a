/* sim - many worlds, each from a seed: the real shards on a disk that fails, and what they
 * promised.
 *
 * A world that breaks an invariant prints one line, beginning with FAIL, which names the seed, the
 * step and the invariant; the trace's last lines are on stderr; the exit status is 1. The same seed
 * gives the same world. A run which met too little (coverage.def) fails as well.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#include "tests/sim/world.h"

enum { WORLD_SECONDS = 120 }; /* of the processor's time: a world takes hundredths of one */

struct options {
    uint64_t seed, worlds, steps, crashes;
    uint32_t nodes;
    bool trace, coverage, hash;
};

static void usage(FILE *to)
{
    fputs("usage: sim [--seed N] [--worlds N] [--steps N] [--nodes 1|3] [--crashes N] [--trace] "
          "[--coverage] [--hash]\n"
          "  --seed N     the first world's seed (1); the next ones count on\n"
          "  --worlds N   so many worlds (200)\n"
          "  --steps N    events in each, before it settles (2000)\n"
          "  --nodes N    1, or 3 nodes of one data shard with a network between them (1)\n"
          "  --crashes N  fail if fewer crashes were recovered from\n"
          "  --trace      print what happens\n"
          "  --coverage   print how often each mark was reached\n"
          "  --hash       print a digest of each world's trace\n",
          to);
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t n = strtoull(text, &end, 10);
    if (*end || end == text) {
        fprintf(stderr, "sim: %s: not a number\n", text);
        exit(2);
    }
    return n;
}

static struct options parse(int argc, char **argv)
{
    static const struct option longs[] = {{"seed", 1, NULL, 's'},    {"worlds", 1, NULL, 'w'},
                                          {"steps", 1, NULL, 'n'},   {"nodes", 1, NULL, 'N'},
                                          {"trace", 0, NULL, 't'},   {"coverage", 0, NULL, 'c'},
                                          {"crashes", 1, NULL, 'C'}, {"hash", 0, NULL, 'h'},
                                          {"help", 0, NULL, '?'},    {0}};
    struct options o = {.seed = 1, .worlds = 200, .steps = 2000, .nodes = 1};
    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        switch (c) {
        case 's':
            o.seed = number(optarg);
            break;
        case 'w':
            o.worlds = number(optarg);
            break;
        case 'n':
            o.steps = number(optarg);
            break;
        case 'N':
            o.nodes = (uint32_t)number(optarg);
            break;
        case 'C':
            o.crashes = number(optarg);
            break;
        case 't':
            o.trace = true;
            break;
        case 'c':
            o.coverage = true;
            break;
        case 'h':
            o.hash = true;
            break;
        default:
            usage(stderr);
            exit(2);
        }
    }
    if (optind != argc || (o.nodes != 1 && o.nodes != SIM_NODES)) {
        usage(stderr);
        exit(2);
    }
    return o;
}

static struct sim_world w;

/* A step that never ends is a failure too, and needs a line of its own. */
static void too_long(int signal)
{
    (void)signal;
    sim_violation(&w, "LIVE", "the step does not end");
}

static void watch(void)
{
    const struct itimerval limit = {.it_value.tv_sec = WORLD_SECONDS};
    signal(SIGPROF, too_long);
    if (setitimer(ITIMER_PROF, &limit, NULL)) {
        perror("sim: setitimer");
        exit(2);
    }
}

int main(int argc, char **argv)
{
    struct options o = parse(argc, argv);
    struct coverage sum = {0};
    uint64_t steps = 0, crashes = 0, acked = 0, read_back = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (uint64_t i = 0; i < o.worlds; i++) {
        watch();
        sim_world_run(&w, o.seed + i, o.steps, o.nodes, o.trace);
        if (o.hash)
            printf("seed=%llu hash=%016llx\n", (unsigned long long)(o.seed + i),
                   (unsigned long long)w.trace.hash);
        steps += w.step;
        crashes += w.crashes;
        acked += w.model.acked;
        read_back += w.model.read_back;
        coverage_add(&sum, &w.coverage);
        sim_world_release(&w);
    }
    printf("sim: %llu worlds from seed %llu, %llu steps, %llu crashes recovered from, %llu batches "
           "acknowledged, %llu read back\n",
           (unsigned long long)o.worlds, (unsigned long long)o.seed, (unsigned long long)steps,
           (unsigned long long)crashes, (unsigned long long)acked, (unsigned long long)read_back);
    if (o.coverage)
        coverage_print(&sum);
    bool enough = coverage_enough(&sum, steps, o.nodes);
    if (crashes < o.crashes) {
        printf("FAIL crashes: %llu of %llu\n", (unsigned long long)crashes,
               (unsigned long long)o.crashes);
        enough = false;
    }
    return enough ? 0 : 1;
}

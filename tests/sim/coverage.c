#include "tests/sim/coverage.h"

#include <stdio.h>
#include <string.h>

#include "tests/sim/world.h"

static const struct {
    const char *name, *sentence;
    uint64_t needed[2];
} marks[COVERS] = {
#define COVER(name, alone, together, sentence) {#name, sentence, {alone, together}},
#include "tests/sim/coverage.def"
#undef COVER
};

static const struct {
    const char *says;
    enum cover mark;
} lines[] = {
    {"torn tail cut", COVER_torn_tail},
    {"stopped: nothing more is written", COVER_poisoned},
    {"partition offline", COVER_partition_offline},
    {"checkpoint failed", COVER_checkpoint_failed},
    {"disk nearly full", COVER_nearly_full},
    {"disk has room again", COVER_room_again},
    {"no room to apply", COVER_no_room_to_apply},
    {"room to apply what is logged again", COVER_room_to_apply_again},
    {"no new segment for the write-ahead log", COVER_no_segment},
    {"has reached its bound and no checkpoint", COVER_bound_without_checkpoint},
};

void cover(struct sim_world *w, enum cover mark)
{
    w->coverage.n[mark]++;
}

void cover_log_line(struct sim_world *w, const char *line)
{
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (strstr(line, lines[i].says))
            cover(w, lines[i].mark);
}

void coverage_add(struct coverage *sum, const struct coverage *c)
{
    for (int i = 0; i < COVERS; i++)
        sum->n[i] += c->n[i];
}

void coverage_print(const struct coverage *c)
{
    for (int i = 0; i < COVERS; i++)
        printf("  %9llu  %-22s %s\n", (unsigned long long)c->n[i], marks[i].name,
               marks[i].sentence);
}

bool coverage_enough(const struct coverage *c, uint64_t steps, uint32_t nodes)
{
    bool enough = true;
    for (int i = 0; i < COVERS; i++) {
        uint64_t needed = marks[i].needed[nodes > 1];
        if (c->n[i] || !needed || steps < needed)
            continue;
        printf("FAIL coverage=%s: never in %llu steps: %s\n", marks[i].name,
               (unsigned long long)steps, marks[i].sentence);
        enough = false;
    }
    return enough;
}

#include "plog/keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct plog_keys_entry {
    uint64_t hash[2];
    int64_t after; /* offset + 1; 0: the slot is free */
};

/* At most three quarters of the slots are used: looking costs a few steps. */
static uint64_t most_of(uint64_t slots)
{
    return slots - slots / 4 - (slots > 1 && slots < 4);
}

int plog_keys_init(struct plog_keys *m, uint64_t expected, uint64_t max_bytes,
                   const uint8_t seed[SIPHASH_KEY])
{
    uint64_t slots = max_bytes / sizeof *m->entry;
    if (expected < slots / 2) /* a small log takes a small table */
        slots = expected + expected / 2;
    if (slots < 2)
        slots = 2;
    *m = (struct plog_keys){.slots = slots, .most = most_of(slots)};
    memcpy(m->seed, seed, sizeof m->seed);
    m->entry = calloc(slots, sizeof *m->entry);
    return m->entry ? 0 : -ENOMEM;
}

void plog_keys_release(struct plog_keys *m)
{
    free(m->entry);
    *m = (struct plog_keys){0};
}

/* The key's slot, or the free one where it would go: there always is one. */
static struct plog_keys_entry *slot_of(const struct plog_keys *m, const uint64_t hash[2])
{
    uint64_t i = (uint64_t)((unsigned __int128)hash[0] * m->slots >> 64);
    for (;; i = i + 1 == m->slots ? 0 : i + 1) {
        struct plog_keys_entry *e = &m->entry[i];
        if (e->after == 0 || (e->hash[0] == hash[0] && e->hash[1] == hash[1]))
            return e;
    }
}

bool plog_keys_put(struct plog_keys *m, struct span key, int64_t offset)
{
    uint64_t hash[2];
    siphash128(m->seed, key, hash);
    struct plog_keys_entry *e = slot_of(m, hash);
    if (e->after == 0) {
        if (m->used == m->most)
            return false;
        m->used++;
        e->hash[0] = hash[0];
        e->hash[1] = hash[1];
    }
    e->after = offset + 1;
    return true;
}

int64_t plog_keys_last(const struct plog_keys *m, struct span key)
{
    uint64_t hash[2];
    siphash128(m->seed, key, hash);
    return slot_of(m, hash)->after - 1;
}

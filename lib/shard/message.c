#include "shard/message.h"

#include <stdlib.h>

struct shard_message *shard_message_new(void)
{
    return calloc(1, sizeof(struct shard_message));
}

void shard_message_free(struct shard_message *m)
{
    if (!m)
        return;
    if (m->type == SHARD_APPEND) {
        for (uint32_t i = 0; i < m->append.n; i++)
            free(m->append.entries[i].payload);
        free(m->append.entries);
    }
    free(m);
}

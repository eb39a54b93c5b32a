#include "broker/topics.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "broker/broker.h"
#include "kp/error.h"

const struct meta_topic *broker_topic_find(const struct meta_image *image, struct kp_str name,
                                           const struct uuid *id, int16_t *error)
{
    const struct meta_topic *t;
    if (name.n > 0) {
        *error = KP_ERR_UNKNOWN_TOPIC_OR_PARTITION;
        t = meta_topic_by_name(image, span_of(name.p, (size_t)name.n));
    } else {
        *error = KP_ERR_UNKNOWN_TOPIC_ID;
        t = meta_topic_by_id(image, id);
    }
    if (t)
        *error = KP_ERR_NONE;
    return t;
}

int broker_topic_check_name(struct kp_str name, struct err *e)
{
    if (name.n <= 0)
        return err_set(e, ERR_INVALID, "a topic's name is empty");
    if (name.n > META_NAME_MAX)
        return err_set(e, ERR_INVALID, "a topic's name has %d characters, %d are allowed", name.n,
                       META_NAME_MAX);
    if (kp_str_is(name, ".") || kp_str_is(name, ".."))
        return err_set(e, ERR_INVALID, "a topic cannot be named '.' or '..'");
    for (int32_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '.' && c != '_' && c != '-')
            return err_set(
                e, ERR_INVALID,
                "a topic's name has other characters than letters, digits, '.', '_', '-'");
    }
    return 0;
}

bool broker_topic_is_internal(const char *name)
{
    return strcmp(name, OFFSETS_TOPIC) == 0 || strcmp(name, "__transaction_state") == 0;
}

struct shard_thread *broker_topic_shard(struct broker *b, const struct meta_topic *t,
                                        int32_t partition)
{
    if (partition < 0 || partition >= t->n_partitions)
        return NULL;
    uint32_t shard = t->partitions[partition].shard;
    return shard > 0 && shard < b->n_shards ? b->shards[shard] : NULL;
}

/* The shard of a new partition. Topics begin at shards of their own, or all first partitions would
 * meet. */
static uint32_t shard_of(const struct broker *b, const struct uuid *id, int32_t partition)
{
    return 1 + (id->b[0] + (uint32_t)partition) % (b->n_shards - 1);
}

/* A list of this node alone. NULL: out of memory. */
static int32_t *self_alone(const struct broker *b, struct arena *a)
{
    int32_t *self = arena_alloc(a, sizeof *self);
    if (self)
        *self = b->node_id;
    return self;
}

int broker_topic_plan(struct broker *b, struct arena *a, struct kp_str name, int32_t n,
                      struct meta_topic_create *command)
{
    kp_init(&meta_topic_create_schema, command);
    command->name = name;
    command->created_ms = b->clock->wall_ms(b->clock);
    int rc = uuid_random(&command->topic_id);
    if (rc)
        return rc;
    command->partitions = arena_array(a, (size_t)n, sizeof *command->partitions);
    int32_t *self = self_alone(b, a);
    if (!command->partitions || !self)
        return -ENOMEM;
    command->n_partitions = n;
    for (int32_t i = 0; i < n; i++)
        command->partitions[i] = (struct meta_topic_create_partitions){
            i, shard_of(b, &command->topic_id, i), b->node_id, 1, self};
    return 0;
}

int broker_topic_plan_more(struct broker *b, struct arena *a, const struct meta_topic *t, int32_t n,
                           struct meta_partitions_add *command)
{
    kp_init(&meta_partitions_add_schema, command);
    command->topic_id = t->id;
    command->n_partitions = n - t->n_partitions;
    command->partitions =
        arena_array(a, (size_t)command->n_partitions, sizeof *command->partitions);
    int32_t *self = self_alone(b, a);
    if (!command->partitions || !self)
        return -ENOMEM;
    for (int32_t i = t->n_partitions; i < n; i++)
        command->partitions[i - t->n_partitions] =
            (struct meta_partitions_add_partitions){i, shard_of(b, &t->id, i), b->node_id, 1, self};
    return 0;
}

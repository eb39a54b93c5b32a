#include "broker/partitions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/container.h"
#include "broker/rcu.h"

enum { BUCKETS = 1024 }; /* to begin with; the table grows by itself */

int partitions_init(struct partitions *all)
{
    all->table = cds_lfht_new_flavor(
        BUCKETS, BUCKETS, 0, CDS_LFHT_AUTO_RESIZE | CDS_LFHT_ACCOUNTING, &urcu_memb_flavor, NULL);
    return all->table ? 0 : -ENOMEM;
}

/* Topic ids are random, so any eight bytes of one are a hash; partitions of a topic are spread by a
 * multiplier. */
static unsigned long hash(const struct uuid *topic_id, int32_t number)
{
    uint64_t h;
    memcpy(&h, topic_id->b + 8, sizeof h);
    return (unsigned long)(h ^ (uint64_t)(uint32_t)number * UINT64_C(0x9e3779b97f4a7c15));
}

struct key {
    const struct uuid *topic_id;
    int32_t number;
};

static int matches(struct cds_lfht_node *node, const void *key)
{
    const struct key *k = key;
    const struct partition *p = container_of(node, struct partition, node);
    return p->number == k->number && uuid_eq(&p->topic_id, k->topic_id);
}

struct partition *partitions_find(struct partitions *all, const struct uuid *topic_id,
                                  int32_t number)
{
    struct key k = {topic_id, number};
    struct cds_lfht_iter it;
    cds_lfht_lookup(all->table, hash(topic_id, number), matches, &k, &it);
    struct cds_lfht_node *node = cds_lfht_iter_get_node(&it);
    if (!node)
        return NULL;
    struct partition *p = container_of(node, struct partition, node);
    rcu_found(p);
    return p;
}

int partitions_add(struct partitions *all, struct shard_thread *shard, struct plog *log)
{
    struct partition *p = calloc(1, sizeof *p);
    if (!p)
        return -ENOMEM;
    p->topic_id = *plog_topic_id(log);
    p->number = plog_partition(log);
    p->log = log;
    p->shard = shard;
    struct key k = {&p->topic_id, p->number};
    rcu_published(p);
    rcu_enter();
    struct cds_lfht_node *there =
        cds_lfht_add_unique(all->table, hash(k.topic_id, k.number), matches, &k, &p->node);
    rcu_leave();
    if (there == &p->node)
        return 0;
    free(p);
    return ERR_EXISTS;
}

static void remove_found(struct partitions *all, struct partition *p)
{
    if (cds_lfht_del(all->table, &p->node))
        return;
    watchers_close(&p->watchers);
    rcu_defer(&p->deferred, free, p);
}

void partitions_remove(struct partitions *all, struct plog *log)
{
    rcu_enter();
    struct partition *p = partitions_find(all, plog_topic_id(log), plog_partition(log));
    if (p && p->log == log)
        remove_found(all, p);
    rcu_leave();
}

void partitions_advanced(struct partitions *all, struct plog *log)
{
    rcu_enter();
    struct partition *p = partitions_find(all, plog_topic_id(log), plog_partition(log));
    if (p)
        watchers_notify(&p->watchers);
    rcu_leave();
}

void partitions_release(struct partitions *all)
{
    if (!all->table)
        return;
    rcu_enter();
    struct cds_lfht_iter it;
    for (cds_lfht_first(all->table, &it); cds_lfht_iter_get_node(&it);
         cds_lfht_next(all->table, &it))
        remove_found(all, container_of(cds_lfht_iter_get_node(&it), struct partition, node));
    rcu_leave();
    cds_lfht_destroy(all->table, NULL);
    all->table = NULL;
}

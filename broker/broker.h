/* broker.h - the parts of a running broker, by name. Made and taken apart by server.c; everybody
 * else borrows what it needs. Pointers and settings do not change while loops run; what does change
 * is guarded as its own header says. */
#ifndef BROKER_BROKER_H
#define BROKER_BROKER_H

#include <stdint.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/uuid.h"
#include "broker/budget.h"
#include "broker/creator.h"
#include "broker/crew.h"
#include "broker/image.h"
#include "broker/live.h"
#include "broker/partitions.h"
#include "broker/producer_ids.h"
#include "broker/reader.h"
#include "broker/settings.h"

struct coordinator;
struct metadata;
struct offsets_topic;
struct shard_thread;
struct worker;

struct broker {
    const struct settings *settings; /* as it was started */
    struct live live;                /* those that may be altered, as they are now */
    struct log *log;
    struct clock *clock;
    struct io *io;
    char cluster_id[UUID_TEXT];
    int32_t node_id;
    const char *host; /* as advertised */
    int32_t port;

    struct image image;           /* the cluster's metadata as loops see it */
    struct partitions partitions; /* partition logs by topic id and number */
    struct shard_thread **shards; /* 0: metadata; 1...: records */
    uint32_t n_shards;
    struct metadata *metadata; /* the way to shard 0 */
    struct worker **workers;
    uint32_t n_workers;
    struct crew pool;       /* opens and searches files, recompresses */
    struct reader reader;   /* reads records that are not in memory */
    struct commits commits; /* of all shards, which the reader gives way to */
    struct crew jobs;       /* the shards' background work */
    struct budget memory;   /* bytes of requests */
    struct budget held;     /* read, and no place for it yet */
    struct budget blocks;   /* memory of partition logs that only replies keep any more */
    struct budget replies;  /* encoded and not sent yet, with what they were made of */
    _Atomic uint32_t n_conns;
    uint32_t room_for_conns; /* that descriptors leave, whatever max.connections is */
    struct creator creator;
    struct producer_ids producer_ids;
    struct offsets_topic *offsets;
    struct coordinator *coordinator; /* of consumer groups */
};

#endif

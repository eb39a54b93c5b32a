/* model.h - what clients and operators know: what was sent, what was answered, what was read.
 *
 * A batch whose answer never came may be there or not; once it was read, or acknowledged, its
 * offset is its own for ever. The model of a partition is therefore the list of batches that were
 * seen, in the order of offsets; it only grows. Crashes do not touch the model.
 */
#ifndef TESTS_SIM_MODEL_H
#define TESTS_SIM_MODEL_H

#include "meta/meta.h"
#include "shard/shard.h"

struct sim_world;
struct sim_node;

enum { MODEL_NODES = 3, MODEL_TOPICS = 256, MODEL_PARTITIONS = 4, MODEL_PIDS = 64 };

struct model_batch {
    struct model_part *part;
    struct model_batch *next; /* of those acknowledged and not yet seen */
    uint8_t *bytes;
    size_t n;
    struct batch head; /* as it was sent */
    uint32_t records;  /* CRC of its records: its identity, since the header may be stamped */
    uint32_t client;
    uint64_t order;  /* of sending, in its client */
    unsigned maybe;  /* sends that may have taken effect */
    bool unanswered; /* a send of it got no answer */
    bool acked;
    uint32_t acked_by; /* node */
    int64_t acked_at;  /* its base offset, by the answer, */
    int64_t stamp;     /* and the broker's time; -1: none was told */
    int64_t seen_at;   /* and by reading; -1: never seen */
};

/* The last batch of a producer in a partition's log. */
struct model_producer {
    int64_t pid;
    int16_t epoch;
    int32_t next_sequence;
};

/* What was read of a partition on one node. With several nodes it begins anew with each life: what
 * a node serves after a start may lag. */
struct model_view {
    int64_t start;   /* the largest log start */
    int64_t read_to; /* the high watermark up to which all was read */
};

struct model_part {
    struct model_topic *topic;
    int32_t partition;
    struct model_batch **log; /* seen, by offset */
    size_t n, cap;
    int64_t end;                    /* behind the last seen one */
    int64_t trim_acked, trim_asked; /* the largest log start promised, and asked for */
    struct model_view view[MODEL_NODES];
    struct model_batch *to_see;                  /* acknowledged in this step */
    struct model_producer producers[MODEL_PIDS]; /* as the log has them */
    unsigned n_producers;
    uint64_t plain_order[MODEL_PIDS]; /* by client: the last seen of its plain batches */
};

enum model_outcome { NOT_ASKED, ASKED, UNKNOWN, DONE, NEVER };

/* What a topic's settings ask for; of those that were ever asked for, what lets most go. */
struct model_settings {
    bool append_time;                      /* message.timestamp.type */
    bool compact, deletes_may_go;          /* cleanup.policy; delete.retention.ms is 0 */
    int64_t retention_bytes, retention_ms; /* -1: for ever */
};

struct model_topic {
    struct uuid id;
    char name[8];
    int32_t partitions, partitions_asked;
    struct model_settings set;
    enum model_outcome created, deleted;
    struct model_part part[MODEL_PARTITIONS];
};

struct model {
    struct model_topic topics[MODEL_TOPICS];
    unsigned n_topics;
    struct model_batch **batches;
    size_t n_batches, cap_batches;
    struct model_batch **by_crc; /* open addressing; a power of two */
    size_t cap_by_crc;
    int64_t next_producer_id; /* behind the last block that was handed out */
    uint64_t image_index;     /* of the newest image whose command was answered */
    uint64_t acked, read_back;
};

void model_release(struct model *m);

struct model_topic *model_topic_new(struct sim_world *w, const char *name, int32_t partitions,
                                    struct model_settings set);
/* May retention have moved a partition's log start from there to there? */
bool model_may_expire(const struct sim_world *w, const struct model_part *p, int64_t from,
                      int64_t log_start);
/* The one of that name that may take records; NULL. */
struct model_topic *model_topic_live(struct sim_world *w, const char *name);
bool model_topic_usable(const struct model_topic *t);
/* Was its deletion asked for? Then anything may be gone. */
bool model_topic_leaving(const struct model_topic *t);

/* Takes over bytes. */
struct model_batch *model_batch_new(struct sim_world *w, struct model_part *p, uint8_t *bytes,
                                    size_t n, uint32_t client, uint64_t order);
/* Are these the bytes that were sent? */
bool model_is_same(const struct model_batch *b, const struct batch *head, const uint8_t *bytes);
/* It was answered: there, at that offset, stamped with that time (-1: not). */
void model_acked(struct sim_node *n, struct model_batch *b, int64_t base_offset, int64_t stamp);
/* It was read at its offset: may it be there? upto: how the log was read before is known to end. */
void model_seen(struct sim_world *w, struct model_part *p, const struct batch *head,
                const uint8_t *bytes);
/* Read again: is it what was there before? */
void model_seen_again(struct sim_world *w, struct model_part *p, size_t i, const struct batch *head,
                      const uint8_t *bytes);
/* The seen batch that holds the offset; n if it lies behind. */
size_t model_find(const struct model_part *p, int64_t offset);

/* An image was published: does it hold what it must, and nothing else? */
void model_image(struct sim_world *w, struct meta_image *image);
/* After a recovery: what was not known is now. */
void model_settle_topics(struct sim_world *w, struct meta_image *image);

#endif

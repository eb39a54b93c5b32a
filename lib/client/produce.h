/* produce.h - append record batches. */
#ifndef CLIENT_PRODUCE_H
#define CLIENT_PRODUCE_H

#include "client/fan.h"

enum { CLIENT_ACKS_NONE = 0, CLIENT_ACKS_LEADER = 1, CLIENT_ACKS_ALL = -1 };

struct client_batch {
    struct client_part part;
    struct span records; /* one record batch (batch/records.h builds them) */
    int64_t base_offset; /* given by the broker; -1 with CLIENT_ACKS_NONE */
    int32_t bad_record;  /* index of the record the broker objected to; -1: not told */
};

/* Append n batches, at most one for each partition, one request per leader. 0 with each part's
 * error set, or a negative code: then batches whose part is not done may or may not have been
 * written. A batch is sent again after a lost connection: without a producer id it can be written
 * twice. */
int client_produce(struct client_cluster *c, int16_t acks, struct client_batch *v, size_t n,
                   struct err *e);

/* An id and epoch for an idempotent producer. 0 or a negative code; ERR_UNSUPPORTED: the broker has
 * none. */
int client_producer_id(struct client_cluster *c, int64_t *id, int16_t *epoch, struct err *e);

#endif

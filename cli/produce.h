/* produce.h - records gathered into batches, and batches sent; the heart of chronik-produce.
 *
 * Records go to a partition's batch; once a batch is full, or enough is gathered, or the linger
 * time is over, all batches leave together, one request for each leader, and are waited for: memory
 * is bounded and what the input is not read for meanwhile is what slows its writer down. One
 * request at a time also keeps each partition's order.
 *
 * With acks=all the batches carry a producer id and sequence numbers if the broker hands them out,
 * so that trying again after a lost connection writes nothing twice. A batch that is too large for
 * the topic is cut in two until it fits or is a single record.
 */
#ifndef CLI_PRODUCE_H
#define CLI_PRODUCE_H

#include "batch/records.h"
#include "cli/cli.h"
#include "client/produce.h"

struct producer_options {
    const char *topic;
    int16_t acks;
    enum batch_codec codec;
    size_t batch_bytes; /* a batch is sent when it would become larger, before compression */
    int64_t timeout_ms; /* for each sending */
    struct out *report; /* a row for each batch acknowledged; NULL: none */
};

struct producer_slot; /* a partition's */

struct producer {
    struct producer_options o;
    struct client_cluster *cluster;
    struct producer_slot *slots; /* by partition */
    int32_t n_slots;
    int32_t sticky;      /* where records without a key go for now */
    size_t gathered;     /* bytes that wait in batches */
    int64_t since_ms;    /* monotonic: when the first of them came */
    int64_t producer_id; /* -1: none */
    int16_t producer_epoch;
    uint64_t sent;          /* records acknowledged */
    struct cli_tally tally; /* over batches */
};

/* Learn the topic's partitions and a producer id. 0 or a negative code; producer_release in every
 * case. */
int producer_init(struct producer *p, const struct producer_options *o, struct client_cluster *c,
                  struct err *e);
void producer_release(struct producer *p);

/* One record: partition -1 lets the key decide (as Java's producer does) or, without one, takes
 * any. line: where it stands in the input, for messages. May send. 0, or a negative code after
 * which nothing can be sent any more. Records that the broker refuses are reported and counted in
 * tally. */
int producer_add(struct producer *p, uint64_t line, int32_t partition, int64_t timestamp,
                 struct span key, struct span value, const struct record_header *headers,
                 int32_t n_headers, struct err *e);

/* Send all that is gathered. The same codes. */
int producer_flush(struct producer *p, struct err *e);

#endif

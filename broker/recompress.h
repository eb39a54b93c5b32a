/* recompress.h - batches whose records take long to check, because they expand to much, and those
 * that are stored compressed otherwise than they came (compression.type).
 *
 * Expanding or compressing some MiB takes up to some ten milliseconds, so it is the pool's work.
 * What a connection sends must be staged in the order in which it came all the same, or a
 * producer's sequences would not follow each other: each connection has a line of the Produce
 * requests that are not ready, and whoever is behind one waits, with or without batches of his own.
 * Where nobody has any nobody waits.
 */
#ifndef BROKER_RECOMPRESS_H
#define BROKER_RECOMPRESS_H

#include "base/wr.h"
#include "batch/batch.h"
#include "loop/loop.h"

struct request;

/* One batch, embedded in what the handler keeps of a partition. */
struct recompress_batch {
    struct recompress_batch *next; /* private */
    struct span in;                /* stays where it is until it is done */
    bool to_check;                 /* do the records meet the rules? */
    bool to_compress;              /* and if they do: */
    enum batch_codec codec;        /* as it is to be stored, */
    int level;                     /* and how (codec.h) */
    struct batch_rules rules;      /* which say what the records may expand to */
    struct batch *batch;           /* of in: its largest timestamp is put right here (not in in) */
    /* results */
    int refused;    /* of batch_admit_records, */
    int32_t record; /* with the record at fault */
    struct err why; /* and the sentence */
    int code;       /* of batch_recompress */
    struct wr out;  /* the caller's: wr_free */
};

/* Embedded in what the handler keeps of a request, which stays until ready is called. */
struct recompress {
    struct request *q;
    void (*ready)(struct request *q);       /* on the request's loop, in a read section */
    struct recompress_batch *first, **last; /* private, like what follows */
    struct recompress *next;                /* in the connection's line */
    bool done;
    struct loop_msg msg;
};

/* The requests of a connection that wait, in the order in which they came. */
struct recompress_line {
    struct recompress *first, *last;
};

void recompress_init(struct recompress *r, struct request *q, void (*ready)(struct request *q));
/* All but the results is filled in, as far as it is to be done. */
void recompress_add(struct recompress *r, struct recompress_batch *b);
/* Call ready when all batches are done and it is the request's turn; at once if there are none and
 * nobody is before it. */
void recompress_run(struct recompress *r);

#endif

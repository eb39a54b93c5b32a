/* batch.h - the record batches that several targets begin with. */
#ifndef TESTS_FUZZ_BATCH_H
#define TESTS_FUZZ_BATCH_H

#include "base/span.h"
#include "base/wr.h"
#include "batch/records.h"

enum {
    FUZZ_BATCH_FIX = 1,      /* its length, magic and CRC are put right */
    FUZZ_BATCH_COMPRESS = 2, /* its records are plain: they are compressed as its attributes say */
    FUZZ_BATCH_TIME = 1000000
};

/* Append the batch that the input's bytes stand for. */
void fuzz_batch_put(struct wr *w, struct span in, unsigned how);
/* A batch of a few records at p, of at most max bytes, to be compressed; 0 if it does not fit. */
size_t fuzz_batch_random(uint8_t *p, size_t max, unsigned seed);
/* The two say the same but for their place. */
bool fuzz_record_equal(const struct record *a, const struct record *b);

#endif

/* compacted.h - what may be read of a log that is compacted: of each key at least the last record,
 * and nothing that was not there at that offset. */
#ifndef TESTS_SIM_COMPACTED_H
#define TESTS_SIM_COMPACTED_H

#include "tests/sim/model.h"

enum { COMPACTED_KEYS = 6 }; /* keys are one byte, 'a' and on */

/* Are these some of the records of the batch, at their offsets, and is it the same batch else? */
bool compacted_is_part(const struct model_batch *b, const struct batch *head, const uint8_t *bytes);

/* The last record of each key, by offset; -1: none. */
struct compacted_last {
    int64_t offset[COMPACTED_KEYS];
    bool deletes[COMPACTED_KEYS]; /* it has no value */
};
void compacted_begin(struct compacted_last *l);
void compacted_note(struct compacted_last *l, const struct batch *head, const uint8_t *bytes);
/* What the model knows, from log_start on. */
void compacted_expect(struct compacted_last *l, const struct model_part *p, int64_t log_start);
/* A key whose last record should have been read and was not; -1: there is none. */
int compacted_missing(const struct compacted_last *want, const struct compacted_last *got,
                      bool deletes_may_go);

#endif

/* bench_book.h - the offsets a partition has given out during a run, over all clients: none may be
 * given twice. Threads share a book; ranges that meet become one, so that it stays small.
 */
#ifndef CLI_BENCH_BOOK_H
#define CLI_BENCH_BOOK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/bench_ranges.h"

enum { BOOK_RANGES_MAX = 1 << 16 }; /* with more gaps than that the lowest offsets are forgotten */

struct book {
    pthread_mutex_t lock;
    struct ranges given;
};

void book_init(struct book *b);
void book_release(struct book *b);
/* Offsets base to base + count - 1 were acknowledged. 0, ERR_CHECK if one of them was before or
 * base is negative, or -ENOMEM. Any thread. */
int book_enter(struct book *b, int64_t base, int32_t count);

#endif

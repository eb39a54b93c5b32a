#include "cli/bench_book.h"

#include "base/err.h"

void book_init(struct book *b)
{
    pthread_mutex_init(&b->lock, NULL);
    b->given = (struct ranges){0};
}

void book_release(struct book *b)
{
    pthread_mutex_destroy(&b->lock);
    ranges_release(&b->given);
}

int book_enter(struct book *b, int64_t base, int32_t count)
{
    uint64_t twice;
    if (base < 0 || count <= 0 || base > INT64_MAX - count)
        return ERR_CHECK;
    pthread_mutex_lock(&b->lock);
    int rc = ranges_add(&b->given, (uint64_t)base, (uint64_t)base + (uint64_t)count, &twice);
    if (b->given.n > BOOK_RANGES_MAX)
        ranges_trim(&b->given, BOOK_RANGES_MAX / 2);
    pthread_mutex_unlock(&b->lock);
    return rc ? rc : twice ? ERR_CHECK : 0;
}

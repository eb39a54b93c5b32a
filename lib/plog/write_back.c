/* write_back.c - hand what a log has written to its files to the disk, before a sync waits for it.
 *
 * Left alone the system keeps written pages for half a minute, and the sync of a checkpoint then
 * sends all of them to the device at once, where every commit of the write-ahead log has to wait
 * behind them. Begun as a log grows, their writing goes on beside the commits, a little at a time.
 *
 * It makes nothing durable and decides nothing: a checkpoint syncs all files as ever, and is told
 * there of what failed meanwhile. A failure that shows already here is one of a sync.
 */
#include <errno.h>

#include "plog/plog_impl.h"

/* The last page of a file is written again when it has grown; not begun twice for that. */
enum { PAGE = 4096 };

/* Bytes of it that are in the file and neither synced nor begun to be written back. */
static uint64_t waiting(const struct plog_segment *s)
{
    uint64_t from = s->handed > s->clean ? s->handed : s->clean, to = plog_segment_written(s);
    return s->dirty && s->out && to > from ? to - from : 0;
}

uint64_t plog_unwritten(const struct plog *p)
{
    const struct plog_list *l = plog_segments(p);
    uint64_t sum = 0, n;
    for (size_t i = l->n; i-- > 0 && ((n = waiting(l->seg[i])) > 0 || i + 1 == l->n);)
        sum += n;
    return sum;
}

/* The oldest segment with some; those behind it have some too, but perhaps the active one. */
static struct plog_segment *first_waiting(const struct plog_list *l)
{
    size_t i = l->n - 1;
    while (i > 0 && waiting(l->seg[i - 1]))
        i--;
    return l->seg[i];
}

bool plog_write_back_begin(struct plog *p, struct plog_write_back *w)
{
    struct plog_segment *s = first_waiting(plog_segments(p));
    uint64_t n = waiting(s);
    if (n == 0)
        return false;
    uint64_t to = plog_segment_written(s), from = to - n;
    *w = (struct plog_write_back){.owner = s, .pos = from - from % PAGE};
    w->len = to - w->pos;
    s->handed = to;
    plog_segment_ref(s);
    return true;
}

int plog_write_back_run(const struct plog_write_back *w, struct err *e)
{
    const struct plog_segment *s = w->owner;
    int rc = io_start_write_back(s->out, w->pos, w->len);
    return rc < 0 ? err_code(e, rc, "%s: write back", s->path) : 0;
}

void plog_write_back_release(struct plog_write_back *w)
{
    plog_segment_unref(w->owner);
}

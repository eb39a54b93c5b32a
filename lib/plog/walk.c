/* walk.c - read a segment file without a log: for tools that look at one offline. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "plog/plog_impl.h"

enum { WINDOW = 256 << 10 };

static int walk(struct plog_scan *scan,
                int (*each)(void *ctx, uint64_t pos, struct span bytes, const struct batch *b),
                void *ctx, uint64_t *valid, struct err *e)
{
    struct span bytes;
    int rc;
    while ((rc = plog_scan_next(scan, e)) > 0) {
        rc = plog_scan_bytes(scan, &bytes, e);
        if (rc < 0)
            return rc;
        rc = each(ctx, scan->at, bytes, &scan->batch);
        if (rc)
            return rc;
        *valid = scan->pos;
    }
    return rc == ERR_CORRUPT && scan->torn ? ERR_TORN : rc;
}

int plog_walk_file(struct io *io, const char *path,
                   int (*each)(void *ctx, uint64_t pos, struct span bytes, const struct batch *b),
                   void *ctx, uint64_t *valid, struct err *e)
{
    struct plog_scan scan;
    struct io_stat st;
    struct io_file *f;

    *valid = 0;
    int rc = io_open(io, path, IO_READ, &f);
    if (rc < 0)
        return err_code(e, rc, "%s", path);
    size_t cap = WINDOW;
    uint8_t *window = NULL;
    rc = io_fstat(f, &st);
    if (rc == 0 && !(window = plog_scan_window(st.size, &cap)))
        rc = -ENOMEM;
    if (rc < 0) {
        err_code(e, rc, "%s", path);
    } else {
        plog_scan_init(&scan, f, path, 0, st.size, -1, window, cap);
        scan.gaps = true; /* Kafka's compaction leaves them */
        rc = walk(&scan, each, ctx, valid, e);
        plog_scan_release(&scan);
    }
    free(window);
    io_close(f);
    return rc;
}

#include "tests/sim/scan.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/sim/world.h"

enum { READ_BYTES = 16384 };

static int walk(const uint8_t *buf, size_t n, bool gaps, int64_t *offset,
                void (*each)(void *ctx, const struct batch *head, const uint8_t *bytes), void *ctx,
                struct err *e)
{
    for (size_t at = 0; at < n;) {
        struct batch b;
        int rc = batch_verify(span_of(buf + at, n - at), &b, e);
        if (rc)
            return rc;
        if ((b.base_offset > *offset && !gaps) || batch_last_offset(&b) < *offset)
            return err_set(e, ERR_CHECK, "batch %lld..%lld where offset %lld is next",
                           (long long)b.base_offset, (long long)batch_last_offset(&b),
                           (long long)*offset);
        *offset = batch_last_offset(&b) + 1;
        each(ctx, &b, buf + at);
        at += batch_size(&b);
    }
    return 0;
}

int scan_partition(struct plog *log, int64_t from, int64_t to, bool gaps,
                   void (*each)(void *ctx, const struct batch *head, const uint8_t *bytes),
                   void *ctx, struct err *e)
{
    int rc = 0;
    for (int64_t offset = from; rc == 0 && offset < to;) {
        struct plog_slice sl;
        rc = plog_read(log, offset, to, READ_BYTES, true, &sl, e);
        if (rc)
            return rc;
        if (sl.len == 0)
            return err_set(e, ERR_CHECK, "nothing at offset %lld, below the high watermark %lld",
                           (long long)offset, (long long)to);
        rc = sl.verified ? 0 : plog_slice_verify(log, &sl, e);
        uint8_t *buf = sim_alloc(sl.len);
        if (rc == 0) {
            ssize_t n = plog_slice_read(&sl, buf);
            rc = n == (ssize_t)sl.len ? walk(buf, sl.len, gaps, &offset, each, ctx, e)
                                      : err_code(e, n < 0 ? (int)n : -EIO, "read");
        }
        free(buf);
        plog_slice_release(&sl);
    }
    return rc;
}

/* fetch_prepare.c - seeing to it that slices may leave from a loop.
 *
 * Two things can hold them up: bytes that this process did not write and has not checked yet, and
 * bytes that are not in memory, for which sendfile would stop the loop. Both are dealt with on a
 * pool thread. Whether bytes are in memory is asked with RWF_NOWAIT, at a few places: a wrong guess
 * costs time, nothing else.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>

#include "broker/broker.h"
#include "broker/errors.h"
#include "broker/fetch.h"
#include "broker/rcu.h"

enum {
    PROBE_EVERY = 1 << 20,
    READAHEAD = 64 * 1024, /* what lies so near to a byte in memory was likely read with it */
    READ_SIZE = 256 * 1024,
};

static bool byte_is_warm(struct io_file *file, uint64_t pos)
{
    char byte;
    struct iovec iov = {&byte, 1};
    return preadv2(io_fd(file), &iov, 1, (off_t)pos, RWF_NOWAIT) >= 0 || errno != EAGAIN;
}

static bool is_warm(const struct plog_slice *s)
{
    if (s->mem)
        return true;
    for (uint64_t at = 0; at < s->len; at += PROBE_EVERY) {
        if (!byte_is_warm(s->file, s->pos + at))
            return false;
    }
    return s->len <= READAHEAD || byte_is_warm(s->file, s->pos + s->len - 1);
}

bool fetch_is_ready(const struct fetch *f)
{
    for (uint32_t i = 0; i < f->n_slices; i++) {
        if (!f->slices[i].slice.verified || !is_warm(&f->slices[i].slice))
            return false;
    }
    return true;
}

/* Reading it brings it into the page cache; what cannot be read is found by whoever sends it. */
static void warm_up(const struct plog_slice *s, uint8_t *buf)
{
    for (uint64_t at = 0; at < s->len; at += READ_SIZE) {
        uint64_t n = s->len - at < READ_SIZE ? s->len - at : READ_SIZE;
        if (io_pread(s->file, buf, n, s->pos + at) < 0)
            return;
    }
}

static int verify(struct broker *b, const struct fetch_part *p, struct plog_slice *s)
{
    int rc = KP_ERR_NONE;
    rcu_enter();
    struct partition *found = partitions_find(&b->partitions, &p->topic_id, p->asked->partition);
    if (!found) {
        rc = ERR_NOTFOUND;
    } else {
        struct err why = {0};
        rc = plog_slice_verify(found->log, s, &why);
        if (rc)
            log_error(b->log, "fetch", "%s", why.text);
    }
    rcu_leave();
    return rc;
}

void fetch_prepare(struct fetch *f)
{
    struct broker *b = request_broker(f->q);
    uint8_t *buf = malloc(READ_SIZE);
    for (uint32_t i = 0; i < f->n_slices; i++) {
        struct plog_slice *s = &f->slices[i].slice;
        struct fetch_part *p = &f->parts[f->slices[i].part];
        if (!s->verified) {
            int rc = verify(b, p, s);
            if (rc) {
                p->answer->error_code = kafka_error(rc);
                p->n_slices = 0;
            }
        } else if (buf && !is_warm(s)) {
            warm_up(s, buf);
        }
    }
    free(buf);
}

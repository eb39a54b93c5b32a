/* fetch_prepare.c - seeing to it that slices may leave from a loop.
 *
 * Two things can hold them up: bytes that are not in memory, for which sendfile would stop the
 * loop, and bytes that this process did not write and has not checked yet. A reader (reader.h)
 * brings them into the page cache, piece by piece, and then verifies them there. Where that takes
 * long, because the log is in use or the disk is slow, the answer leaves with what has come by
 * then: nobody should give it up before it is sent.
 */
#include <fcntl.h>

#include "broker/broker.h"
#include "broker/cached.h"
#include "broker/container.h"
#include "broker/errors.h"
#include "broker/fetch.h"
#include "broker/rcu.h"

enum { READING_MS = 1000 }; /* of one answer */

static bool is_cached(const struct plog_slice *s, uint64_t at, uint64_t n)
{
    return s->mem || !io_tells_cached(s->file) || cached(io_fd(s->file), s->pos + at, n);
}

bool fetch_is_ready(const struct fetch *f)
{
    for (uint32_t i = 0; i < f->n_slices; i++) {
        const struct plog_slice *s = &f->slices[i].slice;
        if (!s->verified || !is_cached(s, 0, s->len))
            return false;
    }
    return true;
}

/* Without the slices that are not read yet. The first one stays, or its reader would never get past
 * it. */
static void leave_out_rest(struct fetch *f)
{
    for (uint32_t i = f->slice_at; i < f->n_slices; i++)
        f->parts[f->slices[i].part].n_slices--;
}

/* May the system read ahead in this file? A loop that sends from it would have it do so, too. */
static void advise(const struct plog_slice *s, bool sparing)
{
    if (!s->mem)
        posix_fadvise(io_fd(s->file), 0, 0, sparing ? POSIX_FADV_RANDOM : POSIX_FADV_NORMAL);
}

/* The next bytes to read: those that are not in memory. If nothing needs sparing, verifying reads
 * them as well, once instead of twice. */
static bool find_cold(struct fetch *f, bool sparing, uint64_t *n)
{
    for (; f->slice_at < f->n_slices; f->slice_at++, f->at = 0) {
        const struct plog_slice *s = &f->slices[f->slice_at].slice;
        if (f->at == 0)
            advise(s, sparing);
        if (!s->verified && !sparing)
            continue;
        for (; f->at < s->len; f->at += *n) {
            *n = s->len - f->at < READER_PIECE ? s->len - f->at : READER_PIECE;
            if (!is_cached(s, f->at, *n))
                return true;
        }
    }
    return false;
}

/* A reader. What cannot be read is found by whoever verifies or sends it. */
static bool read_piece(struct reading *r, uint8_t *buf, bool sparing)
{
    struct fetch *f = container_of(r, struct fetch, reading);
    int64_t took = clock_mono_ms(request_broker(f->q)->clock) - f->reading_from_ms;
    uint64_t n;
    if (!find_cold(f, sparing, &n))
        return false;
    if (took > READING_MS && f->slice_at > 0) {
        leave_out_rest(f);
        return false;
    }
    const struct plog_slice *s = &f->slices[f->slice_at].slice;
    f->at = io_pread(s->file, buf, n, s->pos + f->at) > 0 ? f->at + n : s->len;
    return true;
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

/* What comes before bad bytes leaves: the next Fetch begins at them, and is told. It gets less than
 * was counted, and less than it asked for at least; it does not wait for more, which would not come
 * either. */
static void verify_part(struct broker *b, struct fetch *f, struct fetch_part *p)
{
    for (uint32_t i = 0; i < p->n_slices; i++) {
        struct plog_slice *s = &f->slices[p->slice + i].slice;
        int rc = s->verified ? 0 : verify(b, p, s);
        if (rc) {
            if (i == 0)
                p->answer->error_code = kafka_error(rc);
            p->n_slices = i; /* the array still has the others, and fetch_drop lets go of them */
        }
    }
}

/* A reader. */
static void are_read(struct reading *r)
{
    struct fetch *f = container_of(r, struct fetch, reading);
    for (uint32_t i = 0; i < f->n; i++)
        verify_part(request_broker(f->q), f, &f->parts[i]);
    request_resume(f->q, f->prepared);
}

void fetch_prepare(struct fetch *f, void (*prepared)(struct request *q))
{
    struct broker *b = request_broker(f->q);
    f->prepared = prepared;
    f->reading = (struct reading){.piece = read_piece, .done = are_read};
    f->slice_at = 0;
    f->at = 0;
    f->reading_from_ms = clock_mono_ms(b->clock);
    reader_post(&b->reader, &f->reading);
}

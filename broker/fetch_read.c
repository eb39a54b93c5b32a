/* fetch_read.c - choosing what a Fetch sends.
 *
 * Whole batches from the one that holds the offset, below the high watermark, at most max_bytes of
 * a partition and of the request; only the first batch of the first partition that has one may be
 * larger (KIP-74), or a consumer could never get past it. Parts are read from another one on each
 * time, so that a busy partition in front does not starve those behind it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/broker.h"
#include "broker/errors.h"
#include "broker/fetch.h"
#include "broker/shard_thread.h"
#include "broker/worker.h"

enum { COPIED_MAX = 64 * 1024 };

void fetch_drop(struct fetch *f)
{
    for (uint32_t i = 0; i < f->n_slices; i++)
        plog_slice_release(&f->slices[i].slice);
    free(f->slices);
    f->slices = NULL;
    f->n_slices = f->cap_slices = 0;
    f->bytes = 0;
}

static struct fetch_slice *add_slice(struct fetch *f)
{
    if (f->n_slices == f->cap_slices) {
        uint32_t cap = f->cap_slices ? 2 * f->cap_slices : 4;
        struct fetch_slice *more = reallocarray(f->slices, cap, sizeof *more);
        if (!more)
            return NULL;
        f->slices = more;
        f->cap_slices = cap;
    }
    return &f->slices[f->n_slices];
}

static void fail(struct fetch *f, struct fetch_part *p, int16_t error)
{
    p->answer->error_code = error;
    f->settled = true;
}

/* What the client thinks of the leader (KIP-320). */
static int16_t check_epoch(const struct fetch_part *p, int32_t epoch)
{
    int32_t theirs = p->asked->current_leader_epoch;
    if (theirs < 0 || theirs == epoch)
        return KP_ERR_NONE;
    return theirs < epoch ? KP_ERR_FENCED_LEADER_EPOCH : KP_ERR_UNKNOWN_LEADER_EPOCH;
}

/* Did the log take another turn behind what the reader has? */
static bool diverges(struct fetch *f, struct fetch_part *p, struct plog *log)
{
    if (p->asked->last_fetched_epoch < 0)
        return false;
    struct plog_epoch found;
    int64_t end;
    plog_epoch_end(log, p->asked->last_fetched_epoch, &found, &end);
    if (found.epoch == p->asked->last_fetched_epoch && end >= p->asked->fetch_offset)
        return false;
    p->answer->diverging_epoch.epoch = found.epoch;
    p->answer->diverging_epoch.end_offset = end;
    f->settled = true;
    return true;
}

/* While slow readers keep more memory of partition logs than they may, what is sent is copied from
 * it (h_fetch.c): then a little at a time. */
static uint32_t part_limit(const struct fetch *f, const struct fetch_part *p)
{
    const struct kp_fetch_req *req = f->q->msg;
    struct broker *b = request_broker(f->q);
    int64_t limit = live_now(b, fetch_max_bytes);
    if (budget_is_over(&b->blocks) && limit > COPIED_MAX)
        limit = COPIED_MAX;
    if (req->max_bytes < limit)
        limit = req->max_bytes;
    limit -= (int64_t)f->bytes;
    if (p->asked->partition_max_bytes < limit)
        limit = p->asked->partition_max_bytes;
    return limit > 0 ? (uint32_t)limit : 0;
}

/* Take slices from the offset up to the high watermark or the limit, segment by segment. On a loop
 * they end before what it takes the disk to tell. */
static int read_log(struct fetch *f, struct fetch_part *p, struct plog *log, int64_t high_watermark,
                    bool on_loop)
{
    int64_t offset = p->asked->fetch_offset;
    uint32_t limit = part_limit(f, p);
    uint32_t taken = 0;
    p->slice = f->n_slices;
    while (offset < high_watermark && (taken < limit || f->bytes == 0)) {
        struct fetch_slice *s = add_slice(f);
        if (!s)
            return -ENOMEM;
        struct err why = {0};
        int rc = (on_loop ? plog_read_now : plog_read)(log, offset, high_watermark, limit - taken,
                                                       f->bytes == 0, &s->slice, &why);
        if (rc == -EAGAIN) {
            f->cold = f->cold || !taken;
            return 0;
        }
        if (rc < 0) {
            if (taken)
                return 0; /* what came before is good */
            if (rc != ERR_OFFSET && rc != ERR_NOTFOUND)
                log_error(request_broker(f->q)->log, "fetch", "%s", why.text);
            fail(f, p, kafka_error(rc));
            return 0;
        }
        if (!s->slice.len)
            break;
        s->part = (uint32_t)(p - f->parts);
        f->n_slices++;
        p->n_slices++;
        taken += s->slice.len;
        f->bytes += s->slice.len;
        offset = s->slice.next_offset;
    }
    if (offset < high_watermark && f->bytes)
        f->settled = true; /* the rest does not fit: to wait for more would bring no more */
    return 0;
}

static int read_partition(struct fetch *f, struct fetch_part *p, struct partition *found,
                          bool on_loop)
{
    const struct kp_fetch_req *req = f->q->msg;
    struct plog *log = found->log;
    int16_t error = check_epoch(p, shard_thread_epoch(found->shard));
    if (!shard_thread_leads(found->shard))
        error = KP_ERR_NOT_LEADER_OR_FOLLOWER;
    if (plog_failed(log))
        error = KP_ERR_KAFKA_STORAGE_ERROR;
    if (error) {
        fail(f, p, error);
        return 0;
    }
    p->seen = plog_high_watermark(log);
    p->answer->high_watermark = p->answer->last_stable_offset = p->seen;
    p->answer->log_start_offset = plog_log_start(log);
    p->answer->n_aborted_transactions = req->isolation_level ? 0 : -1;
    int64_t offset = p->asked->fetch_offset;
    if (offset < p->answer->log_start_offset || offset > plog_log_end(log)) {
        fail(f, p, KP_ERR_OFFSET_OUT_OF_RANGE);
        return 0;
    }
    if (diverges(f, p, log))
        return 0;
    return read_log(f, p, log, p->seen, on_loop);
}

static void reset_answer(struct fetch_part *p)
{
    kp_init(&kp_fetch_resp_responses_partitions_schema, p->answer);
    p->answer->partition_index = p->asked->partition;
    p->answer->high_watermark = -1;
    p->answer->n_aborted_transactions = -1;
    p->answer->records = (struct kp_records){.p = (const uint8_t *)""};
    p->seen = -1;
    p->n_slices = 0;
}

int fetch_read(struct fetch *f, bool on_loop)
{
    struct broker *b = request_broker(f->q);
    fetch_drop(f);
    f->settled = f->cold = false;
    for (uint32_t i = 0; i < f->n; i++) {
        struct fetch_part *p = &f->parts[(f->first + i) % f->n];
        reset_answer(p);
        if (p->missing) {
            fail(f, p, p->missing);
            continue;
        }
        struct partition *found =
            partitions_find(&b->partitions, &p->topic_id, p->asked->partition);
        if (!found) {
            fail(f, p, KP_ERR_UNKNOWN_TOPIC_OR_PARTITION);
            continue;
        }
        int rc = read_partition(f, p, found, on_loop);
        if (rc)
            return rc;
    }
    return 0;
}

/* space.c - what a shard does while the disk is full, or descriptors or memory are short: nothing is
 * broken then, and once there is room again it goes on by itself.
 *
 *   staging     new records are refused while the file system of the partition logs has less free
 *               than cfg.reserve_bytes. So what is in the WAL finds room in the partition logs, and
 *               checkpoints, metadata and trims, which are what room is gained by, find some too.
 *   applying    where others took that room all the same, the entry that found none waits, all
 *               behind it wait too, and new records are refused. Nothing is lost: the WAL has the
 *               entry. Nothing is there twice: partitions that took their part of it do not take it
 *               again. Only TRIMs go ahead, for they give room; they commute with appends, since a
 *               log start never exceeds what was readable when it was staged. No checkpoint is made
 *               meanwhile, for there is no index at which all partitions stand.
 *   the WAL     a segment that cannot be made, or the WAL's bound: records wait for a checkpoint to
 *               release an old one, or are refused if none will (shard_no_room). The last of a
 *               segment is kept for trims, and in the metadata's for commands that free something.
 *               What other nodes have to confirm first is written beyond the bound (must_exceed).
 *
 * Each of these is said once when it begins, again every minute it lasts, and once when it is over.
 */
#include <errno.h>
#include <inttypes.h>

#include "shard/shard_impl.h"

enum {
    LOOK_MS = 100,        /* a look at the file system serves so long */
    STALL_RETRY_MS = 200, /* an entry that found no room is tried again */
    AGAIN_MS = 60000,     /* what lasts is said again */
    SLOW_SYNC_MS = 500,   /* a sync that is worth a line, */
    SLOW_AGAIN_MS = 10000 /* which is not written more often than this */
};

bool shard_trouble_begins(struct shard *s, struct shard_trouble *t)
{
    uint32_t held;
    bool due = log_limit_due(&t->limit, shard_now(s), AGAIN_MS, &held);
    t->told |= due;
    return due;
}

bool shard_trouble_ends(struct shard_trouble *t)
{
    bool told = t->told;
    t->told = false;
    return told;
}

/* ---- staging */

static void say_low(struct shard *s, uint64_t free_bytes)
{
    if (!shard_trouble_begins(s, &s->space.disk))
        return;
    log_error(s->cfg.log, "shard",
              "disk nearly full: records are refused (KAFKA_STORAGE_ERROR), fetches and deletes go "
              "on shard=%u dir=%s free=%" PRIu64 " reserved=%" PRIu64
              ": free space; records are taken again by themselves",
              s->cfg.owner.shard, s->cfg.plog.dir, free_bytes, s->cfg.reserve_bytes);
}

/* How many bytes may be staged until the next look. To be taken again after a shortage, there must
 * be an eighth more: else a few bytes freed would be a few requests taken, and so on. */
static void look(struct shard *s, size_t n)
{
    struct shard_space *r = &s->space;
    uint64_t free_bytes = 0, keep = s->cfg.reserve_bytes;
    if (r->low)
        keep += keep / 8;
    r->look_ms = shard_now(s) + LOOK_MS;
    r->left = UINT64_MAX; /* if nobody can tell, the writes will */
    if (io_space(s->cfg.io, s->cfg.plog.dir, &free_bytes) == 0)
        r->left = free_bytes > keep ? free_bytes - keep : 0;
    r->low = r->left < n;
    if (r->low)
        say_low(s, free_bytes);
    else if (shard_trouble_ends(&r->disk))
        log_info(s->cfg.log, "shard",
                 "disk has room again: records are taken shard=%u free=%" PRIu64,
                 s->cfg.owner.shard, free_bytes);
}

int shard_takes_records(struct shard *s, size_t n)
{
    struct shard_space *r = &s->space;
    if (s->stalled)
        return s->stalled;
    if (s->cfg.reserve_bytes == 0)
        return 0;
    if (shard_now(s) >= r->look_ms || (r->left < n && !r->low))
        look(s, n);
    return r->low || r->left < n ? -ENOSPC : 0;
}

void shard_took_records(struct shard *s, size_t n)
{
    s->space.left -= n < s->space.left ? n : s->space.left;
}

/* ---- applying */

bool shard_stall_lasts(const struct shard *s)
{
    return s->stalled && clock_mono_ms(s->cfg.clock) < s->retry_apply_ms;
}

void shard_stall(struct shard *s, uint64_t index, int code, const struct err *why)
{
    s->stalled = code;
    s->retry_apply_ms = shard_now(s) + STALL_RETRY_MS;
    if (!shard_trouble_begins(s, &s->space.apply))
        return;
    log_error(s->cfg.log, "shard",
              "no room to apply what is logged: records are refused (KAFKA_STORAGE_ERROR), fetches "
              "and deletes go on shard=%u index=%" PRIu64 " error=\"%s\": see to what is short, "
              "nothing is lost and it goes on by itself",
              s->cfg.owner.shard, index, why->text);
}

void shard_unstall(struct shard *s)
{
    s->stalled = 0;
    if (shard_trouble_ends(&s->space.apply))
        log_info(s->cfg.log, "shard",
                 "room to apply what is logged again: records are taken shard=%u index=%" PRIu64,
                 s->cfg.owner.shard, s->applied);
}

void shard_trim_ahead(struct shard *s)
{
    uint64_t last = s->commit < s->persisted ? s->commit : s->persisted;
    if (!s->wal || !s->ops->trim_ahead) /* recovery stops instead */
        return;
    for (uint64_t i = s->applied + 2; i <= last; i++) {
        struct span payload;
        if (shard_entry_payload(s, i, &payload, NULL) == 0)
            s->ops->trim_ahead(s, payload);
    }
}

/* ---- slow disks */

void shard_note_sync(struct shard *s, uint32_t us)
{
    uint32_t held;
    hdr_record(&s->sync_us, us);
    if (us < SLOW_SYNC_MS * 1000 ||
        !log_limit_due(&s->space.slow_said, shard_now(s), SLOW_AGAIN_MS, &held))
        return;
    log_warn(s->cfg.log, "shard",
             "slow disk: a write and sync of the log took %" PRIu32 " ms, acknowledgements waited "
             "for it shard=%u dir=%s p99_ms=%" PRIu64 " slow_since_last_line=%" PRIu32
             ": look at the device and at who else uses it",
             us / 1000, s->cfg.owner.shard, s->wal_dir,
             (uint64_t)hdr_percentile(&s->sync_us, 99) / 1000, held);
}

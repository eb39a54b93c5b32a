/* fuzz_index.c - the index files of a segment: what is loaded is what they held, and comes back
 * when it is saved.
 *
 *   u8 flags, u8 entries of .index, u8 of .timeindex, the first part of .check, the entries, the
 * sums FIX: magic, id, counts and checksums of .check are put right
 */
#include <string.h>

#include "base/crc32c.h"
#include "plog/index_file.h"
#include "tests/fuzz/disk.h"
#include "tests/fuzz/fuzz.h"

enum { FIX = 1, BASE = 1000 };

static const char log_path[] = "/t-0/00000000000000001000.log";
static const char offsets_path[] = "/t-0/00000000000000001000.index";
static const char times_path[] = "/t-0/00000000000000001000.timeindex";
static const char check_path[] = "/t-0/00000000000000001000.check";

static const struct plog_segment_id id = {.partition = 7, .base = BASE};

static void seal(uint8_t *check, struct span offsets, struct span times, struct span sums)
{
    memcpy(check, "CHRONIDX", 8);
    put_le32(check + 8, 2);
    put_le32(check + 12, 0);
    memcpy(check + 16, id.topic_id.b, sizeof id.topic_id.b);
    put_le32(check + 32, (uint32_t)id.partition);
    put_le64(check + 40, BASE);
    put_le32(check + 80, (uint32_t)(offsets.n / PLOG_OFFSET_ENTRY));
    put_le32(check + 84, crc32c(0, offsets.p, offsets.n));
    put_le32(check + 88, (uint32_t)(times.n / PLOG_TIME_ENTRY));
    put_le32(check + 92, crc32c(0, times.p, times.n));
    put_le32(check + 100, crc32c(0, sums.p, sums.n));
    put_le32(check + 12, crc32c(0, check, PLOG_CHECK_SIZE));
}

static void put_files(struct fuzz_disk *d, struct rd *in)
{
    static uint8_t check[PLOG_CHECK_SIZE + UINT8_MAX * PLOG_CHECK_SUM];
    uint8_t flags = rd_u8(in);
    size_t n_offsets = rd_u8(in), n_times = rd_u8(in), whole = PLOG_CHECK_SIZE;
    struct span head = fuzz_some(in, PLOG_CHECK_SIZE);
    struct span offsets = fuzz_some(in, n_offsets * PLOG_OFFSET_ENTRY);
    struct span times = fuzz_some(in, n_times * PLOG_TIME_ENTRY);
    struct span sums = fuzz_some(in, offsets.n / PLOG_OFFSET_ENTRY * PLOG_CHECK_SUM);
    memset(check, 0, sizeof check);
    if (head.n)
        memcpy(check, head.p, head.n);
    if (sums.n)
        memcpy(check + whole, sums.p, sums.n);
    if (flags & FIX) {
        sums = span_of(check + whole, offsets.n / PLOG_OFFSET_ENTRY * PLOG_CHECK_SUM);
        seal(check, span_of(offsets.p, offsets.n - offsets.n % PLOG_OFFSET_ENTRY),
             span_of(times.p, times.n - times.n % PLOG_TIME_ENTRY), sums);
    }
    size_t cut = flags & 2 ? head.n : whole + sums.n;
    must(fuzz_disk_put(d, check_path, span_of(check, cut), 0));
    must(fuzz_disk_put(d, offsets_path, offsets, 0));
    must(fuzz_disk_put(d, times_path, times, 0));
}

static void lookups_hold(const struct plog_index *ix)
{
    uint32_t n = plog_grow_count(&ix->offsets), n_times = plog_grow_count(&ix->times);
    struct plog_offset_entry o;
    struct plog_time_entry t;
    for (uint32_t i = 0; i < n; i++) {
        const struct plog_offset_entry *at = plog_grow_at(&ix->offsets, i);
        must(!plog_index_by_offset(ix, at->last, &o) || o.last <= at->last || n > 1);
        must(plog_index_count(ix, at->pos) <= n);
        (void)plog_index_by_pos(ix, at->pos, at->last, &o);
    }
    for (uint32_t i = 0; i < n_times; i++) {
        const struct plog_time_entry *at = plog_grow_at(&ix->times, i);
        (void)plog_index_by_time(ix, at->timestamp, &t);
        (void)plog_index_time_at(ix, at->last, &t);
    }
}

/* Do timestamps grow? Only those are saved. */
static bool times_grow(const struct plog_index *ix)
{
    int64_t last = -1;
    for (uint32_t i = 0; i < plog_grow_count(&ix->times); i++) {
        const struct plog_time_entry *at = plog_grow_at(&ix->times, i);
        if (at->timestamp <= last)
            return false;
        last = at->timestamp;
    }
    return true;
}

static void comes_back(struct fuzz_disk *d, const struct plog_check *c, const struct plog_index *ix)
{
    struct plog_to_save what = {.old = ix,
                                .id = c->id,
                                .last_sum = c->last_sum,
                                .end = c->end,
                                .bytes = c->bytes,
                                .max_timestamp = c->max_timestamp,
                                .max_timestamp_offset = c->max_timestamp_offset};
    struct plog_saved saved = {.valid = false};
    struct plog_check again;
    struct plog_index other;
    plog_index_init(&other);
    must(plog_index_save(&d->io, log_path, &what, &saved, NULL) == 0 && saved.valid);
    must(plog_index_load(&d->io, log_path, &id, &again, &other, NULL) == 0);
    must(again.n_offsets == c->n_offsets && again.offsets_crc == c->offsets_crc);
    must(again.n_times == c->n_times && again.times_crc == c->times_crc);
    must(again.sums_crc == c->sums_crc && again.last_sum == c->last_sum);
    must(again.end == c->end && again.bytes == c->bytes);
    must(again.max_timestamp == c->max_timestamp);
    plog_index_release(&other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct rd in = rd_of(data, n);
    struct fuzz_disk *d = fuzz_disk();
    struct plog_check c;
    struct plog_index ix;
    struct err e = {0};
    put_files(d, &in);
    plog_index_init(&ix);
    int rc = plog_index_load(&d->io, log_path, &id, &c, &ix, &e);
    must(rc == 0 || (rc == ERR_CORRUPT && e.text[0]));
    if (rc == 0) {
        must(plog_grow_count(&ix.offsets) == c.n_offsets);
        must(plog_grow_count(&ix.times) == c.n_times);
        lookups_hold(&ix);
        if (times_grow(&ix))
            comes_back(d, &c, &ix);
    }
    plog_index_release(&ix);
    return 0;
}

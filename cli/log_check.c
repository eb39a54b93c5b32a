#include "cli/log_check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/log_derived.h"
#include "cli/log_truth.h"
#include "plog/progress.h"

/* A partition being checked. */
struct check {
    const struct log_place *place;
    const struct log_truth *truth;
    const struct log_partition *part;
    struct verdict *to;
    bool ours;          /* the broker is Chronik: derived files are made anew */
    bool replayed;      /* what lies behind mark is in the WAL */
    int64_t gaps_below; /* compaction may have left out offsets in segments that begin below it */
    const struct plog_mark *mark;
    const struct plog_epoch *epochs; /* which offsets were written in which epoch; */
    size_t n_epochs;                 /* none: not known */
    struct log_epochs file_epochs;
    int64_t next;  /* the offset due; -1: any */
    int32_t epoch; /* of the batch before; -1: none */
    bool gap_told;
};

/* A segment being checked. */
struct segment_check {
    struct check *c;
    const struct log_segment *s;
    struct log_derived d;
    size_t i_offset, i_time, i_sum; /* the entries not looked at yet */
    bool offsets_bad, times_bad, sums_bad, covered;
    bool base_bad, order_bad, gap_bad, epoch_bad; /* batches: told of this segment */
    uint64_t region;                              /* where the batches begin that sum is of */
    uint32_t sum;
    int64_t max_time, max_time_offset; /* of the batches so far */
};

/* ---- faults */

/* Bytes behind the checkpointed end are written anew from the WAL when the broker starts. */
static bool is_replayed(const struct check *c, const struct log_segment *s, uint64_t pos)
{
    if (!c->replayed)
        return false;
    return !c->mark || s->base > c->mark->segment ||
           (s->base == c->mark->segment && pos >= c->mark->bytes);
}

static enum fault_kind kind_at(const struct check *c, const struct log_segment *s, uint64_t pos)
{
    return is_replayed(c, s, pos) ? FAULT_TORN : FAULT_CORRUPTION;
}

static enum fault_kind kind_of_derived(const struct check *c, const struct log_derived *d)
{
    return c->ours || d->has_check ? FAULT_DERIVED : FAULT_CORRUPTION;
}

static void sibling_fault(const struct segment_check *k, const char *ending, uint64_t position,
                          const char *reason)
{
    char path[IO_PATH_MAX];
    if (plog_sibling(path, sizeof path, k->s->path, ending) < 0)
        return;
    faults_put(&k->c->to->faults, kind_of_derived(k->c, &k->d), path, position, "%s", reason);
}

static void offset_fault(struct segment_check *k, size_t entry, const char *reason)
{
    if (!k->offsets_bad)
        sibling_fault(k, ".index", entry * PLOG_OFFSET_ENTRY, reason);
    k->offsets_bad = true;
}

static void time_fault(struct segment_check *k, size_t entry, const char *reason)
{
    if (!k->times_bad)
        sibling_fault(k, ".timeindex", entry * PLOG_TIME_ENTRY, reason);
    k->times_bad = true;
}

/* ---- a batch */

/* The first time that a segment's batches have such a fault: one damaged field may put all that
 * follow in the wrong. */
static bool first_of(bool *told)
{
    bool first = !*told;
    *told = true;
    return first;
}

/* Kafka does not say which of its segments are compacted. */
static void missing_fault(struct segment_check *k, uint64_t pos, int64_t found)
{
    struct check *c = k->c;
    bool known = c->ours || k->d.has_check;
    if ((!known && c->gap_told) || !first_of(&k->gap_bad))
        return;
    c->gap_told = !known;
    faults_put(&c->to->faults, known ? kind_at(c, k->s, pos) : FAULT_GAP, k->s->path, pos,
               "offset %" PRId64 " where %" PRId64 " is due%s", found, c->next,
               known ? "" : ": compacted, or lost");
}

static void check_offset(struct segment_check *k, uint64_t pos, const struct batch *b)
{
    struct check *c = k->c;
    if (c->next >= 0 && b->base_offset < c->next) {
        if (first_of(&k->order_bad))
            faults_put(&c->to->faults, kind_at(c, k->s, pos), k->s->path, pos,
                       "offset %" PRId64 " where %" PRId64 " is due", b->base_offset, c->next);
    } else if (c->next >= 0 && b->base_offset > c->next && k->s->base >= c->gaps_below)
        missing_fault(k, pos, b->base_offset);
    c->next = batch_last_offset(b) + 1;
}

/* The epoch that wrote an offset; -1: not known. */
static int32_t epoch_at(const struct check *c, int64_t offset)
{
    size_t n = c->n_epochs;
    while (n > 0 && c->epochs[n - 1].start > offset)
        n--;
    return n > 0 ? c->epochs[n - 1].epoch : -1;
}

/* No checksum covers a batch's epoch. One that is at fault says nothing about those behind it. */
static void check_epoch(struct segment_check *k, uint64_t pos, const struct batch *b)
{
    struct check *c = k->c;
    enum fault_kind kind = kind_at(c, k->s, pos);
    int32_t due = epoch_at(c, b->base_offset);
    bool newer = due >= 0 && c->epochs[c->n_epochs - 1].epoch == due && b->leader_epoch > due &&
                 !(c->mark && b->base_offset < c->mark->log_end); /* one that came since */
    bool behind = b->leader_epoch < c->epoch;
    bool other = due >= 0 && b->leader_epoch >= 0 && b->leader_epoch != due && !newer;
    if (!behind && !other)
        c->epoch = b->leader_epoch;
    else if (!first_of(&k->epoch_bad))
        return;
    else if (behind)
        faults_put(&c->to->faults, kind, k->s->path, pos,
                   "leader epoch %" PRId32 " behind epoch %" PRId32, b->leader_epoch, c->epoch);
    else
        faults_put(&c->to->faults, kind, k->s->path, pos,
                   "leader epoch %" PRId32 ", but offset %" PRId64 " was written in epoch %" PRId32,
                   b->leader_epoch, b->base_offset, due);
}

/* Entries up to this batch. */
static void check_offset_entries(struct segment_check *k, uint64_t pos, const struct batch *b)
{
    const struct log_derived *d = &k->d;
    for (; k->i_offset < d->n_offsets && d->offsets[k->i_offset].pos <= pos; k->i_offset++) {
        const struct plog_offset_entry *e = &d->offsets[k->i_offset];
        int64_t offset = k->s->base + e->last;
        if (e->pos < pos)
            offset_fault(k, k->i_offset, "no batch begins at its position");
        else if (offset < b->base_offset || (d->has_check && offset != batch_last_offset(b)))
            offset_fault(k, k->i_offset, "the batch at its position has other offsets");
        else if (k->i_offset > 0 && (e->last <= e[-1].last || e->pos <= e[-1].pos))
            offset_fault(k, k->i_offset, "it does not ascend");
    }
}

static void check_time_entries(struct segment_check *k, const struct batch *b)
{
    const struct log_derived *d = &k->d;
    int64_t before = k->max_time;
    if (b->count > 0 && b->max_timestamp > k->max_time) {
        k->max_time = b->max_timestamp;
        k->max_time_offset = batch_last_offset(b);
    }
    for (; k->i_time < d->n_times; k->i_time++) {
        const struct plog_time_entry *e = &d->times[k->i_time];
        int64_t offset = k->s->base + e->last;
        if (offset > batch_last_offset(b))
            break;
        if (offset < b->base_offset)
            time_fault(k, k->i_time, "no batch has its offset");
        else if (e->timestamp != b->max_timestamp || before > e->timestamp)
            time_fault(k, k->i_time, "it is not the largest time up to its offset");
        else if (k->i_time > 0 && (e->timestamp <= e[-1].timestamp || e->last < e[-1].last))
            time_fault(k, k->i_time, "it does not ascend");
    }
}

/* Does .check have these batches? It is only looked at where it fits the indexes. */
static void check_sum(struct segment_check *k, uint64_t to, uint32_t is)
{
    if (k->sum == is || k->sums_bad)
        return;
    k->sums_bad = true;
    faults_put(&k->c->to->faults, kind_at(k->c, k->s, k->region), k->s->path, k->region,
               "the batches up to byte %" PRIu64 " are not those that were written here", to);
}

/* Sums are of the batches in front of each index entry. */
static void check_sums_to(struct segment_check *k, uint64_t pos, const struct batch *b)
{
    const struct log_derived *d = &k->d;
    if (!d->sums || d->check_rc < 0 || k->i_sum > d->check.n_offsets)
        return;
    if (k->i_sum < d->check.n_offsets && d->offsets[k->i_sum].pos <= pos) {
        check_sum(k, pos, d->sums[k->i_sum++]);
        k->region = pos;
        k->sum = 0;
    }
    k->sum = plog_sum(k->sum, b);
}

/* Is this where the indexes were written? Then their sums are those of the batches so far. */
static void check_covered(struct segment_check *k, uint64_t end, const struct batch *b)
{
    const struct plog_check *is = &k->d.check;
    if (!k->d.has_check || k->d.check_rc < 0 || is->bytes != end)
        return;
    k->covered = true;
    if (is->end != batch_last_offset(b) + 1)
        sibling_fault(k, ".check", 56, "another offset ends at its size");
    else if (is->max_timestamp != k->max_time || is->max_timestamp_offset != k->max_time_offset)
        sibling_fault(k, ".check", 64, "another time is the largest");
    if (k->d.sums && k->i_sum == is->n_offsets) {
        check_sum(k, end, is->last_sum);
        k->i_sum++;
    }
}

static void check_mark(struct segment_check *k, uint64_t pos, uint64_t end, const struct batch *b)
{
    const struct plog_mark *m = k->c->mark;
    if (!m || k->s->base != m->segment || pos >= m->bytes || end < m->bytes)
        return;
    if (end > m->bytes || batch_last_offset(b) + 1 != m->log_end)
        faults_put(&k->c->to->faults, FAULT_CORRUPTION, k->s->path, pos,
                   "the checkpoint has offset %" PRId64 " end at byte %" PRIu64, m->log_end,
                   m->bytes);
}

static int check_batch(void *ctx, uint64_t pos, struct span bytes, const struct batch *b)
{
    struct segment_check *k = ctx;
    struct verdict *to = k->c->to;
    to->units++;
    to->records += (uint64_t)b->count;
    if (k->s->base >= 0 && b->base_offset < k->s->base && first_of(&k->base_bad))
        faults_put(&to->faults, kind_at(k->c, k->s, pos), k->s->path, pos,
                   "offset %" PRId64 " in a segment that begins at %" PRId64, b->base_offset,
                   k->s->base);
    check_offset(k, pos, b);
    check_epoch(k, pos, b);
    check_sums_to(k, pos, b);
    check_offset_entries(k, pos, b);
    check_time_entries(k, b);
    check_covered(k, pos + bytes.n, b);
    check_mark(k, pos, pos + bytes.n, b);
    return 0;
}

/* ---- a segment */

static bool is_of(const struct log_partition *part, const struct log_segment *s,
                  const struct plog_segment_id *id)
{
    return id->base == s->base && id->partition == part->partition &&
           (uuid_is_zero(&part->topic_id) || uuid_eq(&id->topic_id, &part->topic_id));
}

static void check_derived(struct segment_check *k, uint64_t size)
{
    const struct log_derived *d = &k->d;
    if (!d->has_check)
        return;
    if (d->check_rc < 0) {
        sibling_fault(k, ".check", 0, d->check_reason);
        return;
    }
    if (k->c->part->partition >= 0 && !is_of(k->c->part, k->s, &d->check.id)) {
        sibling_fault(k, ".check", 16, "it is another segment's");
        k->d.check_rc = ERR_CORRUPT;
        return;
    }
    if (d->offsets_crc != d->check.offsets_crc)
        offset_fault(k, 0, "its checksum in .check is another one");
    if (!d->sums)
        sibling_fault(k, ".check", PLOG_CHECK_SIZE, "the sums of the batches do not fit");
    if (d->times_crc != d->check.times_crc)
        time_fault(k, 0, "its checksum in .check is another one");
    /* No loss by itself: where the next segment begins tells that. */
    if (d->check.bytes > size)
        sibling_fault(k, ".check", 48, "the log was longer when it was written");
}

/* What must hold once all batches are seen. Entries that were added when the check file was not yet
 * written count for nothing. */
static void check_rest(struct segment_check *k, uint64_t size)
{
    const struct log_derived *d = &k->d;
    bool checked = d->has_check && d->check_rc == 0;
    if (k->i_offset < d->n_offsets && !(checked && k->i_offset >= d->check.n_offsets))
        offset_fault(k, k->i_offset, "it points behind the end of the log");
    if (k->i_time < d->n_times && !(checked && k->i_time >= d->check.n_times))
        time_fault(k, k->i_time, "its offset lies behind the end of the log");
    if (d->offsets_size % PLOG_OFFSET_ENTRY)
        offset_fault(k, d->n_offsets, "it ends within an entry");
    if (d->times_size % PLOG_TIME_ENTRY)
        time_fault(k, d->n_times, "it ends within an entry");
    if (checked && !k->covered && d->check.bytes && d->check.bytes <= size)
        sibling_fault(k, ".check", 48, "no batch ends where it says that the indexes end");
}

static void count_files(struct verdict *to, const struct log_derived *d, uint64_t size)
{
    to->files += 1u + d->has_offsets + d->has_times + d->has_check;
    to->bytes += size + d->offsets_size + d->times_size + (d->has_check ? PLOG_CHECK_SIZE : 0);
}

static void walk_fault(struct segment_check *k, int rc, uint64_t at, struct err *e)
{
    struct check *c = k->c;
    bool replayed = is_replayed(c, k->s, at);
    bool unfinished = rc == ERR_TORN && k->s->last && !(c->replayed && c->mark);
    if (rc != ERR_CORRUPT && rc != ERR_TORN) {
        faults_add(&c->to->faults, k->s->path, at, e);
        return;
    }
    e->code = ERR_CORRUPT;
    if (replayed || unfinished)
        faults_put(&c->to->faults, FAULT_TORN, k->s->path, at, "an incomplete write%s",
                   replayed ? ": written anew from the WAL when the broker starts" : "");
    else
        faults_add(&c->to->faults, k->s->path, at, e);
}

static void check_size(const struct segment_check *k, uint64_t size)
{
    const struct plog_mark *m = k->c->mark;
    if (m && k->s->base == m->segment && size < m->bytes)
        faults_put(&k->c->to->faults, FAULT_CORRUPTION, k->s->path, size,
                   "the file ends here, %" PRIu64 " bytes were synced", m->bytes);
}

/* A segment begins where the one before ends: compaction keeps the last batch of each. */
static void check_meeting(struct segment_check *k)
{
    struct check *c = k->c;
    if (c->next >= 0 && c->next < k->s->base)
        missing_fault(k, 0, k->s->base);
    if (c->next < k->s->base)
        c->next = k->s->base;
}

static void check_segment(struct check *c, const struct log_segment *s)
{
    struct segment_check k = {.c = c, .s = s, .max_time = -1, .max_time_offset = -1};
    struct io_stat st;
    struct err e;
    uint64_t valid = 0;
    /* The indexes before the log, which only grows meanwhile. */
    int rc = log_derived_read(&k.d, c->place->io, s, &e);
    if (rc == 0) {
        rc = io_stat(c->place->io, s->path, &st);
        if (rc < 0)
            err_code(&e, rc, "%s", s->path);
    }
    if (rc < 0) {
        if (rc != -ENOENT || c->part->is_file) /* retention was faster */
            faults_add(&c->to->faults, s->path, 0, &e);
        log_derived_release(&k.d);
        return;
    }
    count_files(c->to, &k.d, st.size);
    check_derived(&k, st.size);
    check_meeting(&k);
    rc = plog_walk_file(c->place->io, s->path, check_batch, &k, &valid, &e);
    if (rc < 0) {
        walk_fault(&k, rc, valid, &e);
        c->next = -1;
    } else {
        check_rest(&k, st.size);
        check_size(&k, st.size);
    }
    log_derived_release(&k.d);
}

/* ---- a partition */

static void partition_fault(struct check *c, enum fault_kind kind, const char *name,
                            uint64_t position, const char *reason)
{
    char path[IO_PATH_MAX];
    if (io_path(path, sizeof path, c->part->dir, "%s", name) == 0)
        faults_put(&c->to->faults, kind, path, position, "%s", reason);
}

/* Epochs of the file against those of the checkpoint. The first may have been cut shorter since,
 * and later ones may have come. */
static bool epochs_agree(const struct log_epochs *file, const struct checkpoint_partition *cp)
{
    size_t i = 0;
    if (cp->n_epochs == 0 || file->n == 0)
        return cp->n_epochs == 0 || cp->mark.log_end == 0;
    while (i < cp->n_epochs && cp->epochs[i].epoch < file->v[0].epoch)
        i++;
    for (size_t j = 0; i < cp->n_epochs; i++, j++) {
        if (j >= file->n || file->v[j].epoch != cp->epochs[i].epoch ||
            (j > 0 && file->v[j].start != cp->epochs[i].start))
            return false;
    }
    return true;
}

static void check_epochs(struct check *c, const struct checkpoint_partition *cp)
{
    static const char name[] = "leader-epoch-checkpoint";
    enum fault_kind kind = c->ours ? FAULT_DERIVED : FAULT_CORRUPTION;
    char path[IO_PATH_MAX];
    struct err e;
    size_t at;
    if (io_path(path, sizeof path, c->part->dir, "%s", name) < 0)
        return;
    int rc = log_epochs_read(&c->file_epochs, c->place->io, path, &at, &e);
    c->to->files += rc == 0 || rc == ERR_CORRUPT;
    if (rc == ERR_CORRUPT)
        partition_fault(c, kind, name, at, "the bytes do not follow the format");
    else if (rc < 0 && rc != ERR_NOTFOUND)
        faults_add(&c->to->faults, path, at, &e);
    else if (rc == 0 && cp && !epochs_agree(&c->file_epochs, cp))
        partition_fault(c, kind, name, 0, "the checkpoint has other epochs");
    c->epochs = cp ? cp->epochs : c->file_epochs.v;
    c->n_epochs = cp ? cp->n_epochs : rc == 0 ? c->file_epochs.n : 0;
}

static void check_metadata(struct check *c, const struct meta_topic *t)
{
    static const char name[] = "partition.metadata";
    char path[IO_PATH_MAX];
    struct uuid id;
    int rc = plog_dir_id(c->place->io, c->part->dir, &id);
    c->to->files += rc == 0 || rc == ERR_MALFORMED;
    if (rc == ERR_MALFORMED)
        partition_fault(c, FAULT_CORRUPTION, name, 0, "the bytes do not follow the format");
    else if (rc == -ENOENT && c->ours)
        partition_fault(c, FAULT_CORRUPTION, name, 0, "the file is missing");
    else if (rc == 0 && t && !uuid_eq(&id, &t->id))
        partition_fault(c, FAULT_FOREIGN, name, 0, "another topic's id than the metadata has");
    else if (rc < 0 && rc != -ENOENT && io_path(path, sizeof path, c->part->dir, "%s", name) == 0) {
        struct err e;
        err_code(&e, rc, "%s", path);
        faults_add(&c->to->faults, path, 0, &e);
    }
}

/* All that the checkpoint counts on must be there. */
static void check_presence(struct check *c, const struct checkpoint_partition *cp)
{
    const struct plog_mark *m = c->mark;
    bool active = m->bytes == 0;
    char name[LOG_SEGMENT_NAME + sizeof ".log"];
    for (size_t i = 0; i < c->part->n; i++)
        active |= c->part->segments[i].base == m->segment;
    snprintf(name, sizeof name, "%020" PRId64 ".log", m->segment);
    if (!active)
        partition_fault(c, FAULT_CORRUPTION, name, 0, "the file is missing, but was synced");
    int64_t start = log_truth_start(c->truth, cp);
    snprintf(name, sizeof name, "%020" PRId64 ".log", start);
    if (m->log_end > start && (c->part->n == 0 || c->part->segments[0].base > start))
        partition_fault(c, FAULT_CORRUPTION, name, 0,
                        "no segment holds the first offset of the log");
}

/* A file that is damaged costs the broker work, and says nothing of gaps any more. */
static void check_progress(struct check *c)
{
    struct plog_progress progress;
    struct err e;
    int rc = plog_progress_load(c->place->io, c->part->dir, &progress, &e);
    c->to->files += rc == 0 || rc == ERR_CORRUPT;
    c->gaps_below = rc == 0 ? progress.gaps_below : rc == ERR_NOTFOUND ? INT64_MIN : INT64_MAX;
    if (rc == ERR_CORRUPT)
        partition_fault(c, FAULT_DERIVED, plog_progress_name, 0, "damaged: all is compacted anew");
    else if (rc < 0 && rc != ERR_NOTFOUND)
        faults_add(&c->to->faults, c->part->dir, 0, &e);
}

static void check_partition(struct check *c)
{
    const struct meta_topic *t = log_truth_topic(c->truth, c->part);
    const struct checkpoint_partition *cp =
        t ? log_truth_mark(c->truth, &t->id, c->part->partition) : NULL;
    if (c->truth->known && !t) {
        faults_put(&c->to->faults, FAULT_DERIVED, c->part->dir, 0,
                   "of no topic: removed when the broker starts");
        return;
    }
    c->replayed = t != NULL;
    c->mark = cp ? &cp->mark : NULL;
    if (!c->part->is_file)
        check_metadata(c, t);
    check_progress(c);
    check_epochs(c, cp);
    if (c->mark && !c->part->is_file)
        check_presence(c, cp);
    for (size_t i = 0; i < c->part->n_bad_swaps; i++)
        faults_add(&c->to->faults, c->part->bad_swaps[i].path, 0, &c->part->bad_swaps[i].why);
    for (size_t i = 0; i < c->part->n; i++)
        check_segment(c, &c->part->segments[i]);
    log_epochs_release(&c->file_epochs);
}

/* ---- all of them */

static bool is_there(const struct log_place *p, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->v[i].partition == partition && strcmp(p->v[i].topic, topic) == 0)
            return true;
    }
    return false;
}

/* Directories that a checkpoint counts on. */
static void check_missing(struct verdict *to, const struct log_place *p, const struct log_truth *t,
                          const struct checkpoint_partition *cp)
{
    const struct meta_topic *topic = meta_topic_by_id(t->image, &cp->topic_id);
    bool counts = cp->mark.bytes > 0 || cp->mark.log_end > log_truth_start(t, cp);
    char path[IO_PATH_MAX];
    if (topic && counts && !is_there(p, topic->name, cp->partition) &&
        io_path(path, sizeof path, p->path, "log/%s-%" PRId32, topic->name, cp->partition) == 0)
        faults_put(&to->faults, FAULT_CORRUPTION, path, 0,
                   "the directory is missing, but was synced");
}

static void check_all(struct verdict *to, const struct log_place *p, const struct log_truth *t)
{
    for (size_t i = 0; i < p->n; i++) {
        struct check c = {.place = p,
                          .truth = t,
                          .part = &p->v[i],
                          .to = to,
                          .ours = p->is_node,
                          .next = -1,
                          .epoch = -1};
        check_partition(&c);
    }
    for (size_t i = 0; t->known && i < t->n; i++) {
        for (uint32_t j = 0; j < t->shards[i].n_partitions; j++)
            check_missing(to, p, t, &t->shards[i].partitions[j]);
    }
}

/* 1: looked, but at something that changed meanwhile; 0: looked; or a code. */
static int try_path(struct verdict *v, struct io *io, const char *path, struct err *e)
{
    struct log_place p;
    struct log_truth t = {.known = false};
    struct err why;
    bool changed = false;
    int rc = log_place_find(&p, io, path, e);
    if (rc == 0) {
        if (log_truth_read(&t, &p, &why) < 0)
            cli_warn("%s; segments are judged by themselves", why.text);
        check_all(v, &p, &t);
        changed = v->faults.failed && log_truth_stale(&t, &p);
    }
    log_truth_release(&t);
    log_place_release(&p);
    return rc < 0 ? rc : changed;
}

/* A broker that removed or compacted segments meanwhile has written a checkpoint since. */
int log_check_run(struct verdict *v, struct io *io, const char *path, struct err *e)
{
    enum { TRIES = 5 };
    int rc = 1;
    *v = (struct verdict){0};
    for (int i = 0; i < TRIES && rc == 1; i++) {
        faults_release(&v->faults);
        *v = (struct verdict){0};
        rc = try_path(v, io, path, e);
    }
    return rc < 0 ? rc : 0;
}

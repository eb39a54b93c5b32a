#include "shard/checkpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/rd.h"

enum { CRC_AT = 12, SIZE_AT = 16, PARTITION_FIXED = 20 + 6 * 8 + 8 };
static const char magic[8] = {'C', 'H', 'R', 'O', 'N', 'C', 'K', 'P'};

/* The format table stands in checkpoint.h. */

static void put_producer(struct wr *w, const struct checkpoint_producer *p)
{
    wr_le64(w, (uint64_t)p->id);
    wr_le16(w, (uint16_t)p->epoch);
    wr_le64(w, (uint64_t)p->last_timestamp);
    wr_u8(w, p->n_batches);
    for (int i = 0; i < p->n_batches; i++) {
        wr_le32(w, (uint32_t)p->batches[i].first_sequence);
        wr_le32(w, (uint32_t)p->batches[i].last_sequence);
        wr_le64(w, (uint64_t)p->batches[i].base_offset);
        wr_le64(w, p->batches[i].index);
    }
}

static void put_partition(struct wr *w, const struct checkpoint_partition *p)
{
    wr_bytes(w, p->topic_id.b, sizeof p->topic_id.b);
    wr_le32(w, (uint32_t)p->partition);
    wr_le64(w, (uint64_t)p->mark.log_start);
    wr_le64(w, (uint64_t)p->mark.log_end);
    wr_le64(w, (uint64_t)p->mark.segment);
    wr_le64(w, p->mark.bytes);
    wr_le64(w, (uint64_t)p->mark.max_timestamp);
    wr_le64(w, (uint64_t)p->mark.max_timestamp_offset);
    wr_le32(w, p->n_epochs);
    wr_le32(w, p->n_producers);
    for (uint32_t i = 0; i < p->n_epochs; i++) {
        wr_le32(w, (uint32_t)p->epochs[i].epoch);
        wr_le64(w, (uint64_t)p->epochs[i].start);
    }
    for (uint32_t i = 0; i < p->n_producers; i++)
        put_producer(w, &p->producers[i]);
}

void checkpoint_encode(const struct checkpoint *c, struct wr *w)
{
    size_t start = w->len;
    wr_bytes(w, magic, sizeof magic);
    wr_le32(w, c->leapt_s ? CHECKPOINT_FORMAT_LEAPT : CHECKPOINT_FORMAT);
    wr_le32(w, 0);
    wr_le64(w, 0);
    wr_le64(w, c->sequence);
    wr_bytes(w, c->owner.cluster_id.b, sizeof c->owner.cluster_id.b);
    wr_le32(w, c->owner.node_id);
    wr_le32(w, c->owner.shard);
    wr_le64(w, c->index);
    wr_le64(w, c->term);
    wr_le64(w, c->current_term);
    wr_le64(w, c->vote);
    wr_le64(w, c->conf_index);
    wr_le64(w, c->meta_index);
    wr_le64(w, (uint64_t)c->wall_ms);
    wr_le64(w, c->live_segment);
    wr_le64(w, c->replay.segment);
    wr_le64(w, c->replay.offset);
    wr_le64(w, c->synced.segment);
    wr_le64(w, c->synced.offset);
    wr_le32(w, c->flags);
    wr_le32(w, c->n_servers);
    wr_le32(w, c->n_partitions);
    wr_le32(w, c->leapt_s);
    for (uint32_t i = 0; i < c->n_servers; i++) {
        wr_le64(w, c->servers[i].id);
        wr_u8(w, c->servers[i].role);
    }
    for (uint32_t i = 0; i < c->n_partitions; i++)
        put_partition(w, &c->partitions[i]);
    if (w->err)
        return;
    put_le64(w->buf + start + SIZE_AT, w->len - start);
    put_le32(w->buf + start + CRC_AT, crc32c(0, w->buf + start, w->len - start));
}

/* n elements of at least min bytes each can be in what is left. */
static void *array(struct rd *r, uint32_t n, size_t min, size_t size)
{
    if (n == 0 || r->err)
        return NULL;
    if (n > rd_left(r) / min) {
        rd_fail(r, ERR_MALFORMED);
        return NULL;
    }
    void *p = calloc(n, size);
    if (!p)
        rd_fail(r, -ENOMEM);
    return p;
}

static void get_producer(struct rd *r, struct checkpoint_producer *p)
{
    p->id = (int64_t)rd_le64(r);
    p->epoch = (int16_t)rd_le16(r);
    p->last_timestamp = (int64_t)rd_le64(r);
    p->n_batches = rd_u8(r);
    if (p->n_batches > PRODUCER_BATCHES) {
        p->n_batches = 0;
        rd_fail(r, ERR_MALFORMED);
    }
    for (int i = 0; i < p->n_batches; i++) {
        p->batches[i].first_sequence = (int32_t)rd_le32(r);
        p->batches[i].last_sequence = (int32_t)rd_le32(r);
        p->batches[i].base_offset = (int64_t)rd_le64(r);
        p->batches[i].index = rd_le64(r);
    }
}

static void get_partition(struct rd *r, struct checkpoint_partition *p)
{
    const uint8_t *id = rd_take(r, sizeof p->topic_id.b);
    if (id)
        memcpy(p->topic_id.b, id, sizeof p->topic_id.b);
    p->partition = (int32_t)rd_le32(r);
    p->mark.log_start = (int64_t)rd_le64(r);
    p->mark.log_end = (int64_t)rd_le64(r);
    p->mark.segment = (int64_t)rd_le64(r);
    p->mark.bytes = rd_le64(r);
    p->mark.max_timestamp = (int64_t)rd_le64(r);
    p->mark.max_timestamp_offset = (int64_t)rd_le64(r);
    uint32_t n_epochs = rd_le32(r), n_producers = rd_le32(r);
    p->epochs = array(r, n_epochs, 12, sizeof *p->epochs);
    p->n_epochs = p->epochs ? n_epochs : 0;
    for (uint32_t i = 0; i < p->n_epochs; i++) {
        p->epochs[i].epoch = (int32_t)rd_le32(r);
        p->epochs[i].start = (int64_t)rd_le64(r);
    }
    p->producers = array(r, n_producers, 19, sizeof *p->producers);
    p->n_producers = p->producers ? n_producers : 0;
    for (uint32_t i = 0; i < p->n_producers; i++)
        get_producer(r, &p->producers[i]);
    if (p->partition < 0 || p->mark.log_start < 0 || p->mark.log_end < p->mark.log_start)
        rd_fail(r, ERR_MALFORMED);
}

static int check_frame(struct span file, struct err *e)
{
    if (file.n < CHECKPOINT_HEADER || memcmp(file.p, magic, sizeof magic) != 0)
        return err_set(e, ERR_CORRUPT, "not a checkpoint file (bad magic at byte 0)");
    /* The CRC covers the version, so a flipped bit in it is not taken for a newer format. */
    uint32_t zero = 0, crc = crc32c(0, file.p, CRC_AT);
    crc = crc32c(crc, &zero, sizeof zero);
    crc = crc32c(crc, file.p + CRC_AT + 4, file.n - CRC_AT - 4);
    if (crc != get_le32(file.p + CRC_AT) || get_le64(file.p + SIZE_AT) != file.n)
        return err_set(e, ERR_CORRUPT, "checksum of the checkpoint does not match (bytes 0 to %zu)",
                       file.n);
    uint32_t version = get_le32(file.p + 8);
    if (version < CHECKPOINT_FORMAT || version > CHECKPOINT_FORMAT_LEAPT)
        return err_set(e, version ? ERR_VERSION : ERR_CORRUPT,
                       "checkpoint has format %u, this program knows %d and %d", version,
                       CHECKPOINT_FORMAT, CHECKPOINT_FORMAT_LEAPT);
    return 0;
}

int checkpoint_decode(struct span file, struct checkpoint *c, struct err *e)
{
    memset(c, 0, sizeof *c);
    int rc = check_frame(file, e);
    if (rc)
        return rc;
    struct rd r = rd_of(file.p, file.n);
    rd_take(&r, 24);
    c->sequence = rd_le64(&r);
    const uint8_t *cluster = rd_take(&r, 16);
    if (cluster)
        memcpy(c->owner.cluster_id.b, cluster, 16);
    c->owner.node_id = rd_le32(&r);
    c->owner.shard = rd_le32(&r);
    c->index = rd_le64(&r);
    c->term = rd_le64(&r);
    c->current_term = rd_le64(&r);
    c->vote = rd_le64(&r);
    c->conf_index = rd_le64(&r);
    c->meta_index = rd_le64(&r);
    c->wall_ms = (int64_t)rd_le64(&r);
    c->live_segment = rd_le64(&r);
    c->replay.segment = rd_le64(&r);
    c->replay.offset = rd_le64(&r);
    c->synced.segment = rd_le64(&r);
    c->synced.offset = rd_le64(&r);
    c->flags = rd_le32(&r);
    uint32_t n_servers = rd_le32(&r), n_partitions = rd_le32(&r);
    c->leapt_s = rd_le32(&r);
    if ((c->leapt_s != 0) != (get_le32(file.p + 8) == CHECKPOINT_FORMAT_LEAPT))
        rd_fail(&r, ERR_MALFORMED);
    c->servers = array(&r, n_servers, 9, sizeof *c->servers);
    c->n_servers = c->servers ? n_servers : 0;
    for (uint32_t i = 0; i < c->n_servers; i++) {
        c->servers[i].id = rd_le64(&r);
        c->servers[i].role = rd_u8(&r);
    }
    c->partitions = array(&r, n_partitions, PARTITION_FIXED, sizeof *c->partitions);
    c->n_partitions = c->partitions ? n_partitions : 0;
    for (uint32_t i = 0; i < c->n_partitions && !r.err; i++)
        get_partition(&r, &c->partitions[i]);
    if (!r.err && (rd_left(&r) != 0 || c->sequence == 0))
        rd_fail(&r, ERR_MALFORMED);
    if (r.err) {
        rc = r.err == -ENOMEM ? -ENOMEM : ERR_CORRUPT;
        err_set(e, rc, "checkpoint does not follow its format at byte %zu", rd_pos(&r));
        checkpoint_release(c);
    }
    return rc;
}

void checkpoint_release(struct checkpoint *c)
{
    for (uint32_t i = 0; i < c->n_partitions; i++) {
        free(c->partitions[i].epochs);
        free(c->partitions[i].producers);
    }
    free(c->partitions);
    free(c->servers);
    memset(c, 0, sizeof *c);
}

static int path_of(char *buf, size_t cap, const char *dir, uint64_t sequence)
{
    return io_path(buf, cap, dir, "checkpoint.%d", (int)(sequence & 1));
}

/* One of the two files; ERR_NOTFOUND if it does not exist. */
static int load_one(struct io *io, const char *dir, uint64_t parity, const struct wal_owner *owner,
                    struct checkpoint *c, struct err *e)
{
    char path[IO_PATH_MAX];
    uint8_t *buf = NULL;
    size_t n = 0;
    memset(c, 0, sizeof *c);
    int rc = path_of(path, sizeof path, dir, parity);
    if (rc)
        return err_code(e, rc, "%s", dir);
    rc = io_read_file(io, path, CHECKPOINT_FILE_MAX, &buf, &n);
    if (rc == -ENOENT)
        return ERR_NOTFOUND;
    if (rc)
        return err_code(e, rc, "read %s", path);
    rc = checkpoint_decode(span_of(buf, n), c, e);
    free(buf);
    if (rc) {
        err_wrap(e, "%s", path);
        return rc;
    }
    if (owner && (!uuid_eq(&owner->cluster_id, &c->owner.cluster_id) ||
                  owner->node_id != c->owner.node_id || owner->shard != c->owner.shard)) {
        checkpoint_release(c);
        return err_set(e, ERR_FOREIGN, "%s: belongs to another cluster, node or shard", path);
    }
    if ((c->sequence & 1) != parity) {
        uint64_t sequence = c->sequence;
        checkpoint_release(c);
        return err_set(e, ERR_CORRUPT,
                       "%s: holds checkpoint %" PRIu64 ", which belongs into the other file", path,
                       sequence);
    }
    return 0;
}

int checkpoint_load(struct io *io, const char *dir, const struct wal_owner *owner,
                    struct checkpoint *newest, struct checkpoint *older, bool *bad, struct err *e)
{
    struct checkpoint c[2];
    int rc[2];
    *bad = false;
    memset(newest, 0, sizeof *newest);
    memset(older, 0, sizeof *older);
    struct err why[2] = {{0}};
    for (uint64_t i = 0; i < 2; i++)
        rc[i] = load_one(io, dir, i, owner, &c[i], &why[i]);
    for (int i = 0; i < 2; i++) {
        /* Only corruption of one file is survivable; a foreign or newer one means this is not our
         * directory. */
        if (rc[i] != 0 && rc[i] != ERR_NOTFOUND && rc[i] != ERR_CORRUPT) {
            checkpoint_release(&c[!i]);
            if (e)
                *e = why[i];
            return rc[i];
        }
    }
    if (rc[0] && rc[1]) {
        int worse = rc[0] == ERR_CORRUPT ? 0 : 1;
        if (rc[worse] == ERR_NOTFOUND)
            return err_set(e, ERR_NOTFOUND, "%s: no checkpoint", dir);
        if (e)
            *e = why[worse];
        return rc[worse];
    }
    int first = rc[0] ? 1 : rc[1] ? 0 : c[0].sequence > c[1].sequence ? 0 : 1;
    *newest = c[first];
    if (rc[!first] == 0) {
        *older = c[!first];
    } else if (rc[!first] == ERR_CORRUPT) {
        *bad = true;
        if (e)
            *e = why[!first];
    }
    return 0;
}

int checkpoint_save(struct io *io, const char *dir, uint64_t sequence, const struct wr *bytes,
                    struct err *e)
{
    char path[IO_PATH_MAX];
    int rc = path_of(path, sizeof path, dir, sequence);
    if (rc == 0)
        rc = io_replace_file(io, path, bytes->buf, bytes->len);
    return rc ? err_code(e, rc, "write checkpoint %s", path) : 0;
}

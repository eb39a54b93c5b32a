/* wal_acked_logs.c - verify --acked: what the WAL no longer holds, in the partition logs.
 *
 * A checkpoint covers what the WAL was recycled of: partition logs are durable up to the ends that
 * it states. Each segment that may hold something not yet seen is read, every CRC on the way, up to
 * that end.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/wal_acked.h"
#include "plog/plog.h"
#include "shard/checkpoint.h"
#include "shard/node.h"

enum { TRIES = 8 }; /* at a directory whose files a broker exchanges */

/* ---- ends and starts, from the checkpoints */

static void take_mark(struct acked_check *c, const struct checkpoint_partition *p)
{
    struct acked_part *part = acked_find(c, &p->topic_id, p->partition);
    if (!part)
        return;
    part->log_end = p->mark.log_end;
    part->segment = p->mark.segment;
    part->bytes = p->mark.bytes;
    if (p->mark.log_start > part->log_start)
        part->log_start = p->mark.log_start;
}

static int read_checkpoint(struct acked_check *c, uint32_t shard, struct err *e)
{
    char dir[IO_PATH_MAX];
    struct checkpoint newest, older;
    bool bad;
    int rc = node_wal_dir(dir, sizeof dir, c->node.wal_dir, shard);
    if (rc != 0)
        return err_code(e, rc, "%s", c->dir);
    rc = checkpoint_load(io_posix(), dir, NULL, &newest, &older, &bad, e);
    if (rc == ERR_NOTFOUND || rc == ERR_CORRUPT)
        return 0; /* then its logs prove nothing; verify tells of what is damaged */
    if (rc != 0)
        return rc;
    for (uint32_t i = 0; i < newest.n_partitions; i++)
        take_mark(c, &newest.partitions[i]);
    checkpoint_release(&newest);
    checkpoint_release(&older);
    return 0;
}

static int read_checkpoints(struct acked_check *c, struct err *e)
{
    uint32_t last = 0;
    int rc = 0;
    for (size_t i = 0; i < c->n_parts; i++) {
        const struct acked_part *p = &c->parts[i];
        if (p->topic && p->partition < p->topic->n_partitions &&
            p->topic->partitions[p->partition].shard > last)
            last = p->topic->partitions[p->partition].shard;
    }
    for (uint32_t shard = 1; rc == 0 && shard <= last; shard++)
        rc = read_checkpoint(c, shard, e);
    return rc;
}

/* ---- segments */

struct look {
    struct acked_check *c;
    const struct acked_part *p;
};

static int each_batch(void *ctx, uint64_t pos, struct span bytes, const struct batch *b)
{
    const struct look *l = ctx;
    (void)pos;
    if (b->base_offset >= l->p->log_end)
        return 1; /* not durable yet, or no longer part of the log */
    acked_batch(l->c, l->p, bytes, b, ACKED_IN_LOGS);
    return 0;
}

static void add_fault(struct acked_check *c, const char *file, uint64_t position,
                      const struct err *e)
{
    struct json *j = json_new_object();
    json_set_str(j, "file", file);
    json_set_int(j, "position", (int64_t)position);
    json_set_str(j, "kind", "corruption");
    json_set_str(j, "reason", e->text);
    json_push(c->faults, j);
    cli_error("%s", e->text);
}

/* 0; 1 if the file is gone. */
static int read_segment(struct acked_check *c, const struct acked_part *p, const char *dir,
                        int64_t base, struct err *e)
{
    char path[IO_PATH_MAX];
    struct look l = {c, p};
    struct err why;
    uint64_t valid;
    int rc = io_path(path, sizeof path, dir, "%020" PRId64 ".log", base);
    if (rc != 0)
        return err_code(e, rc, "%s", dir);
    rc = plog_walk_file(io_posix(), path, each_batch, &l, &valid, &why);
    if (rc >= 0)
        return 0;
    if (rc == -ENOENT)
        return 1;
    if (rc != ERR_CORRUPT && rc != ERR_TORN) {
        if (e)
            *e = why;
        return rc;
    }
    if (base > p->segment || (base == p->segment && valid >= p->bytes))
        return 0; /* behind the end: a start cuts it */
    add_fault(c, path, valid, &why);
    return 0;
}

static bool wanted(const struct acked_check *c, const struct acked_part *p, int64_t from,
                   int64_t to)
{
    for (size_t i = p->from; i < p->to && c->log.v[i].base < to; i++)
        if (c->fates[i].state == ACKED_UNSEEN && c->log.v[i].base + c->log.v[i].count > from)
            return true;
    return false;
}

/* "<20 digits>.log". */
static bool is_log(const char *name, int64_t *base)
{
    char *end;
    if (strlen(name) != 24 || strspn(name, "0123456789") != 20 || strcmp(name + 20, ".log") != 0)
        return false;
    errno = 0;
    *base = strtoll(name, &end, 10);
    return errno == 0;
}

/* Names come sorted, and so do offsets. 1: a file was gone when it was to be read. */
static int read_names(struct acked_check *c, const struct acked_part *p, const char *dir,
                      char **names, size_t n, struct err *e)
{
    int64_t base = -1, next;
    int gone = 0;
    for (size_t i = 0; i <= n; i++) {
        bool end = i == n;
        if (!end && !is_log(names[i], &next))
            continue;
        if (end)
            next = INT64_MAX;
        if (base >= 0 && wanted(c, p, base, next)) {
            int rc = read_segment(c, p, dir, base, e);
            if (rc < 0)
                return rc;
            gone |= rc;
        }
        base = next;
    }
    return gone;
}

/* 0; 1 if files went away meanwhile. */
static int read_partition(struct acked_check *c, const struct acked_part *p, const char *dir,
                          struct err *e)
{
    struct uuid id;
    char **names;
    size_t n;
    int rc = plog_dir_id(io_posix(), dir, &id);
    if (rc == -ENOENT || (rc == 0 && !uuid_eq(&id, &p->id)))
        return 0; /* no log of this topic here: what is missing stays missing */
    if (rc == ERR_MALFORMED)
        return err_set(e, ERR_CORRUPT, "%s: partition.metadata states no topic id", dir);
    if (rc == 0)
        rc = io_names(io_posix(), dir, &names, &n);
    if (rc != 0)
        return err_code(e, rc, "%s", dir);
    rc = read_names(c, p, dir, names, n, e);
    io_names_free(names, n);
    return rc;
}

static int look_in(struct acked_check *c, const struct acked_part *p, struct err *e)
{
    char name[META_NAME_MAX + 16], logs[IO_PATH_MAX], dir[IO_PATH_MAX];
    int rc = plog_dirname(name, sizeof name, p->topic->name, p->partition);
    if (rc == 0)
        rc = node_log_dir(logs, sizeof logs, c->dir);
    if (rc == 0)
        rc = io_path(dir, sizeof dir, logs, "%s", name);
    if (rc != 0)
        return err_code(e, rc, "%s", c->dir);
    rc = 1;
    for (int i = 0; rc == 1 && i < TRIES && wanted(c, p, 0, INT64_MAX); i++)
        rc = read_partition(c, p, dir, e);
    return rc < 0 ? rc : 0;
}

/* ---- the judgement */

static bool compacted(const struct acked_part *p)
{
    const char *policy = p->topic ? meta_config_get(p->topic, "cleanup.policy") : NULL;
    return policy && strstr(policy, "compact");
}

static void judge(struct acked_check *c, const struct acked_part *p)
{
    for (size_t i = p->from; i < p->to; i++) {
        struct acked_fate *f = &c->fates[i];
        const struct acked *a = &c->log.v[i];
        if (f->state != ACKED_UNSEEN)
            continue;
        if (a->base + a->count <= p->log_start)
            f->state = ACKED_REMOVED;
        else if (compacted(p) && a->base < p->segment) /* the active segment is never cleaned */
            f->state = ACKED_COMPACTED;
        else if (f->other)
            f->state = ACKED_ALTERED;
    }
}

int acked_look_in_logs(struct acked_check *c, struct err *e)
{
    int rc = read_checkpoints(c, e);
    for (size_t i = 0; rc == 0 && i < c->n_parts; i++)
        if (c->parts[i].topic)
            rc = look_in(c, &c->parts[i], e);
    for (size_t i = 0; rc == 0 && i < c->n_parts; i++)
        judge(c, &c->parts[i]);
    return rc;
}

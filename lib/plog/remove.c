/* remove.c - partition directories go: renamed first, so that what is half removed is never taken
 * for a log. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plog/plog_impl.h"

const char *const plog_endings[] = {".log", ".index", ".timeindex", ".check", NULL};

int plog_unlink_segment(struct io *io, const char *log_path, struct err *e)
{
    int first = 0;
    for (size_t i = 0; plog_endings[i]; i++) {
        char path[IO_PATH_MAX];
        int rc = plog_sibling(path, sizeof path, log_path, plog_endings[i]);
        if (rc == 0)
            rc = io_unlink(io, path);
        if (rc < 0 && rc != -ENOENT && first == 0)
            first = err_code(e, rc, "%s: remove", path);
    }
    return first;
}

/* Rename `name` out of the way and remove it. */
static int remove_as(const struct plog_config *cfg, const char *name, const struct uuid *id,
                     int32_t partition, struct err *e)
{
    char from[IO_PATH_MAX], to[IO_PATH_MAX], text[UUID_TEXT];
    struct io_stat st;
    uuid_text(id, text);
    int rc = io_path(from, sizeof from, cfg->dir, "%s", name);
    if (rc == 0)
        rc = io_path(to, sizeof to, cfg->dir, "%s-%" PRId32 "-delete", text, partition);
    if (rc < 0)
        return err_code(e, rc, "%s/%s", cfg->dir, name);
    rc = io_stat(cfg->io, from, &st);
    if (rc < 0)
        return rc == -ENOENT ? 0 : err_code(e, rc, "%s", from);
    rc = io_rename(cfg->io, from, to);       /* takes no descriptor */
    if (rc == -ENOTEMPTY || rc == -EEXIST) { /* an earlier removal of the same name */
        rc = io_remove_tree(cfg->io, to);
        if (rc == 0)
            rc = io_rename(cfg->io, from, to);
    }
    if (rc == 0)
        rc = io_remove_tree(cfg->io, to);
    return rc < 0 ? err_code(e, rc, "%s: remove", from) : 0;
}

int plog_remove(const struct plog_config *cfg, const char *topic, int32_t partition,
                const struct uuid *topic_id, struct err *e)
{
    char name[PLOG_NAME_MAX];
    int rc = plog_dirname(name, sizeof name, topic, partition);
    return rc < 0 ? err_code(e, rc, "%s", topic) : remove_as(cfg, name, topic_id, partition, e);
}

/* "<topic id>-<partition>-delete" or "-new": begun and not finished. No partition's name ends so.
 */
static bool is_unfinished(const char *name)
{
    const char *dash = strrchr(name, '-');
    char head[PLOG_NAME_MAX], id[PLOG_NAME_MAX];
    struct uuid uuid;
    int32_t partition;
    if (!dash || (strcmp(dash, "-delete") != 0 && strcmp(dash, "-new") != 0) ||
        (size_t)(dash - name) >= sizeof head)
        return false;
    memcpy(head, name, (size_t)(dash - name));
    head[dash - name] = 0;
    return plog_parse_dirname(head, id, sizeof id, &partition) && uuid_parse(&uuid, id) == 0;
}

struct sweep {
    const struct plog_config *cfg;
    bool (*known)(void *ctx, const char *topic, int32_t partition, const struct uuid *id);
    void *ctx;
};

/* 1, or 0 where there is no directory: it may have gone to make room for another one's removal. */
static int is_directory(struct io *io, const char *path, struct err *e)
{
    struct io_stat st;
    int rc = io_stat(io, path, &st);
    if (rc == -ENOENT)
        return 0;
    return rc < 0 ? err_code(e, rc, "%s", path) : st.is_dir;
}

static int sweep_unfinished(const struct sweep *s, const char *path, struct err *e)
{
    int rc = is_directory(s->cfg->io, path, e);
    if (rc <= 0)
        return rc;
    rc = io_remove_tree(s->cfg->io, path);
    return rc < 0 ? err_code(e, rc, "%s: remove", path) : 0;
}

static int sweep_partition(const struct sweep *s, const char *path, const char *name,
                           const char *topic, int32_t partition, struct err *e)
{
    struct uuid id = {0};
    int rc = plog_dir_id(s->cfg->io, path, &id);
    if (rc == -ENOENT || rc == -ENOTDIR) {
        int there = is_directory(s->cfg->io, path, e);
        if (there <= 0)
            return there;
    } else if (rc < 0 && rc != ERR_MALFORMED) {
        return err_code(e, rc, "%s/partition.metadata", path);
    }
    if (rc < 0)
        id = (struct uuid){0};
    if (s->known(s->ctx, topic, partition, &id))
        return 0;
    log_info(s->cfg->log, "plog", "directory of an unknown partition removed dir=%s", path);
    return remove_as(s->cfg, name, &id, partition, e);
}

static int sweep_one(const struct sweep *s, const char *name, struct err *e)
{
    char path[IO_PATH_MAX], topic[PLOG_NAME_MAX];
    int32_t partition;
    int rc = io_path(path, sizeof path, s->cfg->dir, "%s", name);
    if (rc < 0)
        return err_code(e, rc, "%s/%s", s->cfg->dir, name);
    if (is_unfinished(name))
        return sweep_unfinished(s, path, e);
    if (!plog_parse_dirname(name, topic, sizeof topic, &partition))
        return 0; /* not ours */
    return sweep_partition(s, path, name, topic, partition, e);
}

int plog_sweep(const struct plog_config *cfg,
               bool (*known)(void *ctx, const char *topic, int32_t partition,
                             const struct uuid *id),
               void *ctx, struct err *e)
{
    struct sweep s = {cfg, known, ctx};
    char **names;
    size_t n;
    int rc = io_names(cfg->io, cfg->dir, &names, &n);
    if (rc == -ENOENT)
        return 0;
    if (rc < 0)
        return err_code(e, rc, "%s", cfg->dir);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = sweep_one(&s, names[i], e);
    io_names_free(names, n);
    return rc;
}

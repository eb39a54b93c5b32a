/* dir.c - the directory of a partition: its name, and the file that says whose it is. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mutant.h"
#include "plog/plog_impl.h"

static const char metadata_name[] = "partition.metadata";
enum {
    METADATA_OURS = sizeof "version: 0\ntopic_id: \n" - 1 + UUID_TEXT - 1,
    METADATA_MAX = 4096,
    BASE_DIGITS = 20
};

int plog_dirname(char *buf, size_t cap, const char *topic, int32_t partition)
{
    int n = snprintf(buf, cap, "%s-%" PRId32, topic, partition);
    return n < 0 || (size_t)n >= cap ? -ENAMETOOLONG : 0;
}

/* The partition is behind the last '-'. */
bool plog_parse_dirname(const char *name, char *topic, size_t cap, int32_t *partition)
{
    const char *dash = strrchr(name, '-');
    if (!dash || dash == name || (size_t)(dash - name) >= cap || !dash[1] || strlen(dash) > 11)
        return false;
    int64_t v = 0;
    for (const char *c = dash + 1; *c; c++) {
        if (*c < '0' || *c > '9')
            return false;
        v = v * 10 + (*c - '0');
    }
    if (v > INT32_MAX || (dash[1] == '0' && dash[2]))
        return false;
    memcpy(topic, name, (size_t)(dash - name));
    topic[dash - name] = 0;
    *partition = (int32_t)v;
    return true;
}

bool plog_parse_name(const char *name, int64_t *base, const char **ending)
{
    int64_t v = 0;
    for (int i = 0; i < BASE_DIGITS; i++) {
        if (name[i] < '0' || name[i] > '9' || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, name[i] - '0', &v))
            return false;
    }
    *base = v;
    *ending = name + BASE_DIGITS;
    return true;
}

bool plog_segment_name(const char *name, int64_t *base)
{
    const char *ending;
    if (!plog_parse_name(name, base, &ending))
        return false;
    for (size_t i = 0; plog_endings[i]; i++) {
        if (strcmp(ending, plog_endings[i]) == 0)
            return true;
    }
    return false;
}

int plog_write_plain(struct io *io, const char *path, const void *p, size_t n, struct err *e)
{
    struct io_file *f;
    int rc = io_open(io, path, IO_WRITE | IO_CREATE | IO_TRUNC, &f);
    if (rc < 0)
        return err_code(e, rc, "%s", path);
    rc = io_pwrite(f, p, n, 0);
    io_close(f);
    return rc < 0 ? err_code(e, rc, "%s: write", path) : 0;
}

/* "version: 0\ntopic_id: <22 characters>\n", in Kafka's words. */
static bool parse_id(const char *buf, struct uuid *id)
{
    int version;
    char text[UUID_TEXT];
    return sscanf(buf, "version: %d topic_id: %22s", &version, text) == 2 && version == 0 &&
           uuid_parse(id, text) == 0;
}

/* What we write ourselves takes one call, at every start for each partition. */
static int read_id(struct io_file *f, struct uuid *id)
{
    char buf[METADATA_MAX + 1];
    for (size_t want = METADATA_OURS;; want = METADATA_MAX) {
        ssize_t n = io_pread(f, buf, want, 0);
        if (n < 0)
            return (int)n;
        buf[n] = 0;
        if (parse_id(buf, id))
            return 0;
        if (want == METADATA_MAX || (size_t)n < want)
            return ERR_MALFORMED;
    }
}

int plog_dir_id(struct io *io, const char *dir, struct uuid *id)
{
    char path[IO_PATH_MAX];
    struct io_file *f;
    int rc = io_path(path, sizeof path, dir, "%s", metadata_name);
    if (rc == 0)
        rc = io_open(io, path, IO_READ, &f);
    if (rc < 0)
        return rc;
    rc = read_id(f, id);
    io_close(f);
    return rc;
}

static int write_metadata(struct plog *p, const char *dir, struct err *e)
{
    char path[IO_PATH_MAX], text[64], id[UUID_TEXT];
    uuid_text(&p->topic_id, id);
    int n = snprintf(text, sizeof text, "version: 0\ntopic_id: %s\n", id);
    int rc = io_path(path, sizeof path, dir, "%s", metadata_name);
    return rc < 0 ? err_code(e, rc, "%s", dir)
                  : plog_write_plain(p->cfg.io, path, text, (size_t)n, e);
}

/* A directory of that name is there already. If it is this partition's, a start before this one
 * made it after the checkpoint we came from: the log is written anew. */
static int clear_leftover(struct plog *p, struct err *e)
{
    struct uuid id;
    int rc = plog_dir_id(p->cfg.io, p->dir, &id);
    if (rc < 0)
        return err_set(e, ERR_EXISTS, "%s: exists, and does not say whose it is", p->dir);
    if (!uuid_eq(&id, &p->topic_id) && !MUTANT(old_records_in_new_topic))
        return err_set(e, ERR_EXISTS, "%s: belongs to another topic", p->dir);
    rc = io_remove_tree(p->cfg.io, p->dir);
    return rc < 0 ? err_code(e, rc, "%s: remove", p->dir) : 0;
}

/* Built aside and renamed, so that a directory under its final name says whose it is. */
static int build(struct plog *p, const char *aside, struct err *e)
{
    struct io *io = p->cfg.io;
    struct io_stat st;
    int rc = io_remove_tree(io, aside);
    if (rc == 0)
        rc = io_mkdir(io, aside);
    if (rc < 0)
        return err_code(e, rc, "%s", aside);
    rc = write_metadata(p, aside, e);
    if (rc < 0)
        return rc;
    rc = io_stat(io, p->dir, &st);
    if (rc == 0)
        rc = clear_leftover(p, e);
    else
        rc = rc == -ENOENT ? 0 : err_code(e, rc, "%s", p->dir);
    if (rc < 0)
        return rc;
    rc = io_rename(io, aside, p->dir);
    return rc < 0 ? err_code(e, rc, "%s: rename to %s", aside, p->dir) : 0;
}

int plog_dir_make(struct plog *p, struct err *e)
{
    char aside[IO_PATH_MAX], id[UUID_TEXT];
    if (p->on_disk)
        return 0;
    uuid_text(&p->topic_id, id);
    int rc = io_path(aside, sizeof aside, p->cfg.dir, "%s-%" PRId32 "-new", id, p->partition);
    if (rc < 0)
        return err_code(e, rc, "%s", p->dir);
    rc = build(p, aside, e);
    if (rc < 0)
        return rc;
    p->on_disk = p->new_dir = true;
    return 0;
}

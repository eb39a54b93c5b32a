/* node_meta.c - node.meta, text:
 *
 *   chronik.format=1
 *   cluster.id=<22 characters>
 *   node.id=<number>
 *   wal.dir=<absolute path>      only when the WALs are not in DIR/wal
 *   crc32c=<8 hexadecimal digits, of all bytes before this line>
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "shard/node_impl.h"

enum { META_FILE_MAX = 4096 };

int node_write(struct io *io, const char *dir, const struct node_meta *meta, struct err *e)
{
    char path[IO_PATH_MAX], text[META_FILE_MAX], id[UUID_TEXT];
    uuid_text(&meta->cluster_id, id);
    int n = snprintf(text, sizeof text, "chronik.format=%d\ncluster.id=%s\nnode.id=%u\n",
                     NODE_FORMAT, id, meta->node_id);
    if (meta->wal_elsewhere)
        n += snprintf(text + n, sizeof text - (size_t)n, "wal.dir=%s\n", meta->wal_dir);
    uint32_t crc = crc32c(0, text, (size_t)n);
    n += snprintf(text + n, sizeof text - (size_t)n, "crc32c=%08x\n", crc);
    int rc = io_path(path, sizeof path, dir, "node.meta");
    if (rc == 0)
        rc = io_replace_file(io, path, text, (size_t)n);
    return rc ? err_code(e, rc, "write %s/node.meta", dir) : 0;
}

int node_set_wal_dir(struct node_meta *m, const char *dir, const char *wal_dir, struct err *e)
{
    char own[IO_PATH_MAX];
    int rc = io_path(own, sizeof own, dir, "wal");
    if (rc)
        return err_code(e, rc, "%s", dir);
    size_t n = strlen(wal_dir ? wal_dir : own);
    while (wal_dir && n > 1 && wal_dir[n - 1] == '/')
        n--;
    if (wal_dir && (wal_dir[0] != '/' || strchr(wal_dir, '\n')))
        return err_set(e, ERR_INVALID, "wal.dir: %s: not an absolute path", wal_dir);
    if (n >= sizeof m->wal_dir)
        return err_code(e, -ENAMETOOLONG, "wal.dir: %s", wal_dir);
    memcpy(m->wal_dir, wal_dir ? wal_dir : own, n);
    m->wal_dir[n] = 0;
    m->wal_elsewhere = strcmp(m->wal_dir, own) != 0;
    return 0;
}

/* What stands between node.id and the checksum: wal.dir=PATH, or nothing. */
static int parse_wal_dir(struct node_meta *m, const char *dir, const char *at, const char *last)
{
    static const char key[] = "wal.dir=";
    char path[IO_PATH_MAX];
    if (at == last)
        return node_set_wal_dir(m, dir, NULL, NULL);
    size_t head = sizeof key - 1, n = (size_t)(last - at);
    if (n <= head + 1 || n - head - 1 >= sizeof path || strncmp(at, key, head) != 0 ||
        last[-1] != '\n')
        return ERR_MALFORMED;
    memcpy(path, at + head, n - head - 1);
    path[n - head - 1] = 0;
    return node_set_wal_dir(m, dir, path, NULL);
}

/* The checksum's line: the text after it must be what it sums to, so nothing may follow. */
static const char *last_line(const char *text)
{
    const char *found = NULL;
    for (const char *at = text; (at = strstr(at, "crc32c=")) != NULL; at++)
        found = at;
    return found;
}

static int parse(const char *dir, const char *path, const char *text, struct node_meta *m,
                 struct err *e)
{
    unsigned format = 0, id = 0;
    char cluster[64] = "", crc[24] = "";
    int end = 0;
    const char *last = last_line(text);
    if (last)
        snprintf(crc, sizeof crc, "crc32c=%08x\n", crc32c(0, text, (size_t)(last - text)));
    if (!last || strcmp(last, crc) != 0)
        return err_set(e, ERR_CORRUPT, "%s: checksum does not match", path);
    if (sscanf(text, "chronik.format=%u", &format) == 1 && format > NODE_FORMAT)
        return err_set(
            e, ERR_VERSION,
            "%s: format %u is newer than this program (it knows %d): use a newer chronikd", path,
            format, NODE_FORMAT);
    if (sscanf(text, "chronik.format=%u\ncluster.id=%63s\nnode.id=%u\n%n", &format, cluster, &id,
               &end) != 3 ||
        end == 0 || uuid_parse(&m->cluster_id, cluster) || parse_wal_dir(m, dir, text + end, last))
        return err_set(e, ERR_CORRUPT, "%s: not in the format of node.meta", path);
    m->node_id = id;
    return 0;
}

int node_read(struct io *io, const char *dir, struct node_meta *meta, struct err *e)
{
    char path[IO_PATH_MAX];
    uint8_t *text = NULL;
    size_t n;
    int rc = io_path(path, sizeof path, dir, "node.meta");
    if (rc == 0)
        rc = io_read_file(io, path, META_FILE_MAX, &text, &n);
    if (rc == -ENOENT)
        return err_set(e, ERR_NOTFOUND, "%s: no such file: not a data directory of Chronik", path);
    if (rc == -EFBIG)
        return err_set(e, ERR_CORRUPT, "%s: is longer than it can be", path);
    if (rc)
        return err_code(e, rc, "read %s/node.meta", dir);
    rc = memchr(text, 0, n) ? err_set(e, ERR_CORRUPT, "%s: holds a NUL byte", path)
                            : parse(dir, path, (const char *)text, meta, e);
    free(text);
    return rc;
}

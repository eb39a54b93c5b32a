#include "plog/progress.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"

const char plog_progress_name[] = "compaction-checkpoint";
enum { FILE_MAX = 256 };

/* The file's text, of which exactly one form is right; its length. */
static int print(char text[FILE_MAX], const struct plog_progress *p)
{
    int n =
        snprintf(text, FILE_MAX, "version: 0\nfirst_dirty: %" PRId64 "\ngaps_below: %" PRId64 "\n",
                 p->first_dirty, p->gaps_below);
    uint32_t crc = crc32c(0, text, (size_t)n);
    return n + snprintf(text + n, FILE_MAX - (size_t)n, "crc: %08" PRIx32 "\n", crc);
}

/* What was read is right if printing it gives the same text again. */
static int parse(const char *text, size_t n, struct plog_progress *out)
{
    char again[FILE_MAX];
    if (sscanf(text, "version: 0 first_dirty: %" SCNd64 " gaps_below: %" SCNd64, &out->first_dirty,
               &out->gaps_below) != 2 ||
        out->first_dirty < 0 || out->gaps_below < 0)
        return ERR_CORRUPT;
    return (size_t)print(again, out) == n && memcmp(again, text, n) == 0 ? 0 : ERR_CORRUPT;
}

int plog_progress_load(struct io *io, const char *dir, struct plog_progress *out, struct err *e)
{
    char path[IO_PATH_MAX];
    uint8_t *buf;
    size_t n;
    int rc = io_path(path, sizeof path, dir, "%s", plog_progress_name);
    if (rc < 0)
        return err_code(e, rc, "%s", dir);
    rc = io_read_file(io, path, FILE_MAX, &buf, &n);
    if (rc == -ENOENT)
        return err_set(e, ERR_NOTFOUND, "%s: no such file", path);
    if (rc == -EFBIG)
        return err_code(e, ERR_CORRUPT, "%s", path);
    if (rc < 0)
        return err_code(e, rc, "%s", path);
    rc = parse((const char *)buf, n, out);
    free(buf);
    return rc < 0 ? err_code(e, rc, "%s", path) : 0;
}

int plog_progress_save(struct io *io, const char *dir, const struct plog_progress *p, struct err *e)
{
    char path[IO_PATH_MAX], text[FILE_MAX];
    int n = print(text, p);
    int rc = io_path(path, sizeof path, dir, "%s", plog_progress_name);
    if (rc == 0)
        rc = io_replace_file(io, path, text, (size_t)n);
    return rc < 0 ? err_code(e, rc, "%s/%s", dir, plog_progress_name) : 0;
}

#include "cli/acklog.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- writing ---- */

static int write_all(int fd, const uint8_t *p, size_t n)
{
    while (n) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return k < 0 ? -errno : -EIO;
        p += k;
        n -= (size_t)k;
    }
    return 0;
}

void acklog_close(struct acklog_writer *w)
{
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
    pthread_mutex_destroy(&w->lock);
}

void acklog_line(struct wr *out, const struct acked *a)
{
    char line[128];
    int n = snprintf(line, sizeof line,
                     "%" PRId32 " %" PRId64 " %" PRId32 " %" PRIu32 " %" PRIu64 " %08" PRIx32 "\n",
                     a->partition, a->base, a->count, a->client, a->sequence, a->crc);
    wr_bytes(out, line, (size_t)n);
}

int acklog_write(struct acklog_writer *w, const struct wr *lines)
{
    if (lines->err)
        return lines->err;
    pthread_mutex_lock(&w->lock); /* a short write must not let another's line in between */
    int rc = write_all(w->fd, lines->buf, lines->len);
    pthread_mutex_unlock(&w->lock);
    return rc;
}

/* ---- reading ---- */

static void *grow(void *v, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return v;
    size_t more = *cap ? *cap * 2 : 16;
    void *p = reallocarray(v, more, size);
    if (p)
        *cap = more;
    return p;
}

/* An unsigned number of that base up to max, with a space or the line's end behind it. False: none.
 */
static bool number(const char **p, const char *end, int base, uint64_t max, uint64_t *v)
{
    *v = 0;
    const char *s = *p;
    for (; s < end && *s != ' '; s++) {
        unsigned digit = *s >= '0' && *s <= '9'   ? (unsigned)(*s - '0')
                         : *s >= 'a' && *s <= 'f' ? (unsigned)(*s - 'a' + 10)
                                                  : 99;
        if (digit >= (unsigned)base || *v > (max - digit) / (unsigned)base)
            return false;
        *v = *v * (unsigned)base + digit;
    }
    bool some = s > *p;
    *p = s < end ? s + 1 : s;
    return some;
}

static int parse_run(struct acklog *log, const char *p, const char *end)
{
    uint64_t format, id;
    if (!number(&p, end, 10, 1, &format) || format != 1 || !number(&p, end, 16, UINT32_MAX, &id))
        return ERR_MALFORMED;
    size_t n = (size_t)(end - p);
    if (n == 0 || n > ACKLOG_TOPIC_MAX || memchr(p, '\0', n))
        return ERR_MALFORMED;
    void *v = grow(log->runs, log->n_runs, &log->cap_runs, sizeof *log->runs);
    if (!v)
        return -ENOMEM;
    log->runs = v;
    struct acklog_run *run = &log->runs[log->n_runs++];
    *run = (struct acklog_run){.id = (uint32_t)id};
    memcpy(run->topic, p, n);
    return 0;
}

static int parse_batch(struct acklog *log, const char *p, const char *end)
{
    uint64_t partition, base, count, client, sequence, crc;
    if (!log->n_runs || !number(&p, end, 10, INT32_MAX, &partition) ||
        !number(&p, end, 10, INT64_MAX, &base) || !number(&p, end, 10, INT32_MAX, &count) ||
        !number(&p, end, 10, UINT32_MAX, &client) || !number(&p, end, 10, UINT64_MAX, &sequence) ||
        !number(&p, end, 16, UINT32_MAX, &crc) || p != end || count == 0 ||
        base > INT64_MAX - count)
        return ERR_MALFORMED;
    void *v = grow(log->v, log->n, &log->cap, sizeof *log->v);
    if (!v)
        return -ENOMEM;
    log->v = v;
    log->v[log->n++] = (struct acked){(uint32_t)(log->n_runs - 1),
                                      (int32_t)partition,
                                      (int64_t)base,
                                      (int32_t)count,
                                      (uint32_t)client,
                                      sequence,
                                      (uint32_t)crc};
    return 0;
}

static int parse_line(struct acklog *log, const char *p, const char *end)
{
    static const char run[] = "run ";
    size_t n = sizeof run - 1;
    if (p == end || *p == '#')
        return 0;
    if ((size_t)(end - p) > n && !memcmp(p, run, n))
        return parse_run(log, p + n, end);
    return parse_batch(log, p, end);
}

int acklog_parse(struct acklog *log, const char *text, size_t n, const char *name, struct err *e)
{
    *log = (struct acklog){0};
    const char *p = text, *end = text + n, *nl;
    for (size_t line = 1; (nl = memchr(p, '\n', (size_t)(end - p))); line++, p = nl + 1) {
        int rc = parse_line(log, p, nl);
        if (rc)
            return err_code(e, rc, "%s:%zu: not a line of an ack log", name, line);
        if (nl + 1 == end)
            break;
    }
    return 0;
}

static int read_whole(int fd, struct wr *w)
{
    for (;;) {
        enum { CHUNK = 1 << 20 };
        size_t at = w->len;
        uint8_t *p = wr_grow(w, CHUNK);
        if (!p)
            return w->err;
        ssize_t k = read(fd, p, CHUNK);
        w->len = at + (k > 0 ? (size_t)k : 0);
        if (k < 0 && errno != EINTR)
            return -errno;
        if (k == 0)
            return 0;
    }
}

int acklog_read(struct acklog *log, const char *path, struct err *e)
{
    struct wr w;
    *log = (struct acklog){0};
    wr_init(&w, 0);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc = fd < 0 ? -errno : read_whole(fd, &w);
    if (fd >= 0)
        close(fd);
    if (rc)
        err_code(e, rc, "%s", path);
    else if (w.len)
        rc = acklog_parse(log, (const char *)w.buf, w.len, path, e);
    wr_free(&w);
    return rc;
}

static int by_place(const void *pa, const void *pb, void *arg)
{
    const struct acked *a = pa, *b = pb;
    const struct acklog_run *runs = arg;
    int topic = strcmp(runs[a->run].topic, runs[b->run].topic);
    if (topic)
        return topic;
    if (a->partition != b->partition)
        return a->partition < b->partition ? -1 : 1;
    return a->base < b->base ? -1 : a->base > b->base;
}

void acklog_sort(struct acklog *log)
{
    if (log->n)
        qsort_r(log->v, log->n, sizeof *log->v, by_place, log->runs);
}

void acklog_release(struct acklog *log)
{
    free(log->runs);
    free(log->v);
    *log = (struct acklog){0};
}

/* ---- opening ---- */

/* May the end of the file, without a newline, be what a kill left of its first line of a run? */
static bool is_torn_run(const char *p, size_t n)
{
    static const char head[] = "run 1 ";
    size_t fixed = n < sizeof head - 1 ? n : sizeof head - 1;
    return n < ACKLOG_TOPIC_MAX + 64 && !memcmp(p, head, fixed) && !memchr(p, 0, n);
}

/* Does it begin as an ack log does? Its first line that says something begins a run. */
static bool begins_well(const char *p, const char *end, bool whole)
{
    struct acklog log = {0};
    const char *nl;
    int rc = 0;
    for (; rc == 0 && log.n_runs == 0 && (nl = memchr(p, '\n', (size_t)(end - p))); p = nl + 1)
        rc = parse_line(&log, p, nl);
    bool good =
        rc == 0 &&
        (log.n_runs > 0 || (whole && (p == end || *p == '#' || is_torn_run(p, (size_t)(end - p)))));
    acklog_release(&log);
    return good;
}

/* Whoever names another file by mistake keeps it. */
static int check_is_ours(int fd)
{
    enum { HEAD = 64 << 10 };
    struct stat st;
    if (fstat(fd, &st))
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_size == 0)
        return 0;
    char *head = malloc(HEAD);
    if (!head)
        return -ENOMEM;
    ssize_t n = pread(fd, head, HEAD, 0);
    int rc = n < 0 ? -errno : begins_well(head, head + n, n == st.st_size) ? 0 : ERR_MALFORMED;
    free(head);
    return rc;
}

/* Cut what follows the last newline: the rest of a line whose writer was killed. */
static int cut_torn_line(int fd)
{
    off_t end = lseek(fd, 0, SEEK_END);
    for (off_t at = end; at > 0; at--) {
        char c;
        ssize_t k = pread(fd, &c, 1, at - 1);
        if (k != 1)
            return k < 0 ? -errno : -EIO;
        if (c == '\n')
            return at < end && ftruncate(fd, at) ? -errno : 0;
    }
    if (end < 0)
        return errno == ESPIPE ? 0 : -errno; /* a pipe or a terminal has no earlier run */
    return end > 0 && ftruncate(fd, 0) ? -errno : 0;
}

int acklog_open(struct acklog_writer *w, const char *path, uint32_t run, const char *topic,
                struct err *e)
{
    char head[ACKLOG_TOPIC_MAX + 64];
    int rc = 0;
    pthread_mutex_init(&w->lock, NULL);
    w->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (w->fd < 0)
        rc = -errno;
    if (!rc)
        rc = check_is_ours(w->fd);
    if (!rc)
        rc = cut_torn_line(w->fd);
    if (!rc) {
        int n = snprintf(head, sizeof head, "run 1 %08" PRIx32 " %s\n", run, topic);
        rc = n < 0 || (size_t)n >= sizeof head ? ERR_TOOBIG
                                               : write_all(w->fd, (uint8_t *)head, (size_t)n);
    }
    if (!rc)
        return 0;
    acklog_close(w);
    if (rc == ERR_MALFORMED)
        return err_set(e, rc, "%s: is there, and is no ack log: it is left as it is", path);
    return err_code(e, rc, "%s: cannot write the ack log", path);
}

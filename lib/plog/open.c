/* open.c - make a log object, from nothing or from what a checkpoint remembers.
 *
 * From a mark: the directory is listed once, and the active segment and those below it are looked
 * at for their sizes. No byte of a log is read here; what does not fit is found when it is first
 * needed.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "plog/plog_impl.h"
#include "plog/swap.h"

static int bad_mark(const struct plog *p, const struct plog_mark *m, struct err *e)
{
    bool good = m->log_start >= 0 && m->log_start <= m->log_end && m->segment >= 0 &&
                m->segment <= m->log_end && (m->bytes == 0) == (m->segment == m->log_end) &&
                m->bytes <= INT32_MAX;
    return good ? 0
                : err_set(e, ERR_INVALID,
                          "%s: a mark of start %" PRId64 ", end %" PRId64 ", segment %" PRId64
                          " with %" PRIu64 " bytes",
                          p->dir, m->log_start, m->log_end, m->segment, m->bytes);
}

/* The files of a partition's directory that this log does not consist of: segments above the
 * mark's, and what was left behind by an interrupted removal. */
struct sorting {
    struct plog *p;
    const struct plog_mark *mark;
    int64_t *bases; /* of the segments to keep below the mark's, ascending */
    size_t n;
    struct err *e;
};

static int remove_file(const struct sorting *s, const char *name)
{
    char path[IO_PATH_MAX];
    int rc = io_path(path, sizeof path, s->p->dir, "%s", name);
    if (rc == 0)
        rc = io_unlink(s->p->cfg.io, path);
    if (rc < 0)
        return err_code(s->e, rc, "%s/%s: remove", s->p->dir, name);
    log_info(s->p->cfg.log, "plog", "left-over file removed file=%s", path);
    return 0;
}

/* Names come sorted: ".check" and ".index" before ".log", so a base is known only after its ".log".
 */
static int keep_logs(struct sorting *s, char **names, size_t n)
{
    s->bases = calloc(n ? n : 1, sizeof *s->bases);
    if (!s->bases)
        return err_code(s->e, -ENOMEM, "%s", s->p->dir);
    for (size_t i = 0; i < n; i++) {
        const char *ending;
        int64_t base;
        if (plog_parse_name(names[i], &base, &ending) && strcmp(ending, ".log") == 0 &&
            base < s->mark->segment)
            s->bases[s->n++] = base;
    }
    return 0;
}

static bool is_kept(const struct sorting *s, int64_t base)
{
    if (base == s->mark->segment)
        return true;
    for (size_t i = 0; i < s->n; i++) {
        if (s->bases[i] == base)
            return true;
    }
    return false;
}

static int drop_others(const struct sorting *s, char **names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int64_t base;
        if (!plog_segment_name(names[i], &base) || is_kept(s, base))
            continue;
        int rc = remove_file(s, names[i]);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int sort_names(struct sorting *s, char **names, size_t n)
{
    int rc = keep_logs(s, names, n);
    return rc < 0 ? rc : drop_others(s, names, n);
}

static bool has_name(char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

/* How far compaction came. If the file says so no more, gaps are no sign of a loss anywhere, and
 * all is looked through once more. */
static int load_progress(struct plog *p, const struct plog_mark *m, char *const *names, size_t n,
                         struct err *e)
{
    struct err why;
    if (!has_name(names, n, plog_progress_name))
        return 0;
    int rc = plog_progress_load(p->cfg.io, p->dir, &p->compacted, &why);
    if (rc == ERR_CORRUPT) {
        p->compacted = (struct plog_progress){.gaps_below = m->segment};
        log_warn(p->cfg.log, "plog", "the log will be compacted from its start: %s", why.text);
        return 0;
    }
    if (rc < 0 && e)
        *e = why;
    return rc;
}

static bool was_compacting(char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (plog_swap_name(names[i]))
            return true;
    }
    return false;
}

/* Be done with a compaction that was interrupted; the names change by it. */
static int settle(const struct sorting *s, char ***names, size_t *n)
{
    const struct plog *p = s->p;
    struct plog_leftovers left = {
        .io = p->cfg.io,
        .dir = p->dir,
        .active = {p->topic_id, p->partition, s->mark->segment},
        .names = *names,
        .n = *n,
    };
    int rc = plog_swap_recover(&left, p->cfg.log, s->e);
    io_names_free(*names, *n);
    *names = NULL;
    *n = 0;
    if (rc == 0 && (rc = io_names(p->cfg.io, p->dir, names, n)) < 0)
        err_code(s->e, rc, "%s", p->dir);
    return rc;
}

static int sort_files(struct sorting *s)
{
    char **names;
    size_t n;
    int rc = io_names(s->p->cfg.io, s->p->dir, &names, &n);
    s->p->on_disk = rc == 0;
    if (rc == -ENOENT)
        return 0;
    if (rc < 0)
        return err_code(s->e, rc, "%s", s->p->dir);
    if (was_compacting(names, n))
        rc = settle(s, &names, &n);
    if (rc == 0)
        rc = load_progress(s->p, s->mark, names, n, s->e);
    if (rc == 0)
        rc = sort_names(s, names, n);
    io_names_free(names, n);
    return rc;
}

/* A segment below the active one: complete, of the size it has. */
static int old_segment(struct plog *p, int64_t base, int64_t end, struct plog_segment **out,
                       struct err *e)
{
    struct io_stat st;
    struct plog_segment *s = plog_new_segment(p, base);
    if (!s)
        return err_code(e, -ENOMEM, "%s", p->dir);
    int rc = io_stat(p->cfg.io, s->path, &st);
    if (rc < 0) {
        err_code(e, rc, "%s", s->path);
        plog_segment_unref(s);
        return rc;
    }
    plog_segment_set_old(s, st.size, end, st.size);
    atomic_store_explicit(&s->sealed, true, memory_order_relaxed);
    s->gaps = base < p->compacted.gaps_below;
    *out = s;
    return 0;
}

static int check_active(struct plog_segment *s, const struct plog_mark *m, struct err *e)
{
    struct io_stat st;
    int rc = io_stat(s->io, s->path, &st);
    if (rc == -ENOENT && m->bytes == 0)
        return 0;
    if (rc == -ENOENT)
        return err_set(e, ERR_CORRUPT,
                       "%s: the file is missing, %" PRIu64 " bytes of it were synced", s->path,
                       m->bytes);
    if (rc < 0)
        return err_code(e, rc, "%s", s->path);
    if (st.size < m->bytes)
        return err_set(e, ERR_CORRUPT,
                       "%s: the file ends at byte %" PRIu64 ", %" PRIu64 " were synced", s->path,
                       st.size, m->bytes);
    plog_segment_set_old(s, m->bytes, m->log_end, m->bytes);
    s->disk_bytes = st.size;
    s->on_disk = true;
    return 0;
}

static int active_segment(struct plog *p, const struct plog_mark *m, struct plog_segment **out,
                          struct err *e)
{
    struct plog_segment *s = plog_new_segment(p, m->segment);
    if (!s)
        return err_code(e, -ENOMEM, "%s", p->dir);
    s->inherited = true;
    s->tally.max_timestamp = m->max_timestamp;
    s->tally.max_timestamp_offset = m->max_timestamp_offset;
    int rc = check_active(s, m, e);
    if (rc < 0) {
        plog_segment_unref(s);
        return rc;
    }
    *out = s;
    return 0;
}

static int make_list(struct plog *p, const struct plog_mark *m, const int64_t *bases, size_t n,
                     struct err *e)
{
    struct plog_list *l = plog_list_new(n + 1);
    if (!l)
        return err_code(e, -ENOMEM, "%s", p->dir);
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = old_segment(p, bases[i], i + 1 < n ? bases[i + 1] : m->segment, &l->seg[i], e);
    if (rc == 0)
        rc = active_segment(p, m, &l->seg[n], e);
    if (rc < 0) {
        for (size_t i = 0; i <= n; i++) {
            if (l->seg[i])
                plog_segment_unref(l->seg[i]);
        }
        free(l);
        return rc;
    }
    plog_list_publish(p, l);
    return 0;
}

static int open_at(struct plog *p, const struct plog_mark *m, struct err *e)
{
    struct sorting s = {.p = p, .mark = m, .e = e};
    int rc = sort_files(&s);
    if (rc == 0)
        rc = make_list(p, m, s.bases, s.n, e);
    free(s.bases);
    if (rc < 0)
        return rc;
    /* Nothing was in it that the mark counts on: what is there now may stand in the page cache
     * alone, left by a process that was killed. */
    p->new_dir = p->new_names = p->on_disk && m->bytes == 0;
    atomic_init(&p->log_start, m->log_start);
    atomic_init(&p->high_watermark, m->log_start);
    atomic_init(&p->log_end, m->log_end);
    return 0;
}

static int open_new(struct plog *p, struct err *e)
{
    static const struct plog_mark nothing = {.max_timestamp = -1, .max_timestamp_offset = -1};
    struct plog_list *l = plog_list_new(1);
    if (l && (l->seg[0] = plog_new_segment(p, nothing.segment)) != NULL) {
        plog_list_publish(p, l);
        return 0;
    }
    free(l);
    return err_code(e, -ENOMEM, "%s", p->dir);
}

/* NULL when out of memory. */
static struct plog *new_object(const struct plog_config *cfg, const char *dir, const char *topic,
                               int32_t partition, const struct uuid *topic_id)
{
    struct plog *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->cfg = *cfg;
    p->cfg.dir = strdup(cfg->dir);
    p->dir = strdup(dir);
    p->topic = strdup(topic);
    p->partition = partition;
    p->topic_id = *topic_id;
    plog_set_settings(p, &cfg->settings);
    return p;
}

int plog_open(struct plog **out, const struct plog_config *cfg, const char *topic,
              int32_t partition, const struct uuid *topic_id, const struct plog_mark *mark,
              const struct plog_epoch *epochs, size_t n_epochs, struct err *e)
{
    char name[PLOG_NAME_MAX], dir[IO_PATH_MAX];
    int rc = plog_dirname(name, sizeof name, topic, partition);
    if (rc == 0)
        rc = io_path(dir, sizeof dir, cfg->dir, "%s", name);
    if (rc < 0)
        return err_code(e, rc, "%s/%s", cfg->dir, topic);
    struct plog *p = new_object(cfg, dir, topic, partition, topic_id);
    if (!p)
        return err_code(e, -ENOMEM, "log of %s-%" PRId32, topic, partition);
    struct plog_epochs *known = plog_epochs_new(epochs, n_epochs, 0);
    if (!known || !p->cfg.dir || !p->dir || !p->topic)
        rc = err_code(e, -ENOMEM, "log of %s-%" PRId32, topic, partition);
    atomic_init(&p->epochs, known);
    /* Of a log that was empty nothing is counted on, and what is there now is not to be trusted: a
     * killed process may have left it in the page cache, after a sync that failed, and no later
     * sync would write it. The first append makes it anew. */
    if (rc == 0 && mark)
        rc = bad_mark(p, mark, e);
    if (rc == 0)
        rc = mark && mark->log_end > 0 ? open_at(p, mark, e) : open_new(p, e);
    if (rc < 0) {
        plog_free(p);
        return rc;
    }
    p->floor = INT64_MIN;
    *out = p;
    return 0;
}

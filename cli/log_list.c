/* log_list.c - chronik-log list: a row a segment. Only headers behind what the indexes cover are
 * read. */
#include <errno.h>
#include <stdlib.h>

#include "cli/log_derived.h"
#include "cli/log_filter.h"
#include "cli/log_tool.h"
#include "plog/scan.h"

static const struct out_column columns[] = {
    {"file", OUT_STR},
    {"topic", OUT_STR},
    {"partition", OUT_INT},
    {"base_offset", OUT_INT},
    {"last_offset", OUT_INT},
    {"size", OUT_INT},
    {"index_entries", OUT_INT},
    {"time_entries", OUT_INT},
    {"indexed", OUT_INT},
    {"max_timestamp", OUT_INT},
    {"topic_id", OUT_STR, .data_only = true},
};

/* What the headers of a segment from some byte on tell. */
struct tail {
    int64_t next, max_timestamp;
};

static int scan(struct io *io, const struct log_segment *s, uint64_t from, uint64_t size,
                struct tail *t, struct err *e)
{
    enum { WINDOW = 64 << 10 };
    struct plog_scan sc;
    struct io_file *f;
    int rc = io_open(io, s->path, IO_READ, &f);
    if (rc < 0)
        return err_code(e, rc, "%s", s->path);
    uint8_t *window = malloc(WINDOW);
    if (!window) {
        io_close(f);
        return err_code(e, -ENOMEM, "%s", s->path);
    }
    plog_scan_init(&sc, f, s->path, from, size, -1, window, WINDOW);
    sc.gaps = true;
    while ((rc = plog_scan_next(&sc, e)) > 0) {
        t->next = sc.next;
        if (sc.batch.max_timestamp > t->max_timestamp)
            t->max_timestamp = sc.batch.max_timestamp;
    }
    rc = rc == ERR_CORRUPT && sc.torn && s->last ? 0 : rc;
    plog_scan_release(&sc);
    free(window);
    io_close(f);
    return rc;
}

static void put_known(struct out *out, bool known, int64_t v)
{
    if (known)
        out_int(out, v);
    else
        out_null(out);
}

static enum cli_exit put_segment(struct out *out, struct io *io, const struct log_partition *part,
                                 const struct log_segment *s)
{
    struct log_derived d;
    struct io_stat st = {0};
    struct tail t = {-1, -1};
    struct err e;
    uint64_t from = 0;
    char id[UUID_TEXT];
    int rc = log_derived_read(&d, io, s, &e);
    if (rc == 0 && (rc = io_stat(io, s->path, &st)) < 0)
        err_code(&e, rc, "%s", s->path);
    bool checked = rc == 0 && d.has_check && d.check_rc == 0 && d.check.bytes <= st.size;
    if (checked) {
        from = d.check.bytes;
        t = (struct tail){d.check.end, d.check.max_timestamp};
    }
    if (rc == 0)
        rc = scan(io, s, from, st.size, &t, &e);
    out_str(out, s->path);
    log_put_partition(out, part);
    put_known(out, s->base >= 0, s->base);
    put_known(out, rc == 0 && t.next > 0 && t.next > s->base, t.next - 1);
    out_int(out, (int64_t)st.size);
    put_known(out, d.has_offsets, (int64_t)d.n_offsets);
    put_known(out, d.has_times, (int64_t)d.n_times);
    put_known(out, checked, (int64_t)d.check.bytes);
    put_known(out, rc == 0 && t.max_timestamp >= 0, t.max_timestamp);
    uuid_text(&part->topic_id, id);
    out_str(out, uuid_is_zero(&part->topic_id) ? NULL : id);
    out_row(out);
    log_derived_release(&d);
    return rc < 0 ? cli_fail(&e) : CLI_OK;
}

struct listing {
    const struct log_options *o;
    struct out *out;
};

static enum cli_exit list_partition(void *ctx, const struct log_place *p,
                                    const struct log_partition *part)
{
    struct listing *l = ctx;
    enum cli_exit status = CLI_OK;
    if (!log_filter_partition(l->o, part))
        return CLI_OK;
    for (size_t i = 0; i < part->n; i++) {
        enum cli_exit one = put_segment(l->out, p->io, part, &part->segments[i]);
        status = one == CLI_OK ? status : one;
    }
    return status;
}

int log_list(void *values, const struct opt_args *args)
{
    struct listing l = {.o = values};
    l.out = log_out(l.o, OUT_COLUMNS(columns));
    int status = log_each_partition(args, list_partition, &l);
    out_free(l.out);
    return status;
}

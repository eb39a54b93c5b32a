#include "cli/log_tool.h"

#include <inttypes.h>

#include "plog/plog.h"

struct out *log_out(const struct log_options *o, const struct out_column *columns, size_t n)
{
    return out_new(stdout, (enum out_format)o->common.format, !o->common.no_header, columns, n);
}

void log_put_partition(struct out *out, const struct log_partition *part)
{
    if (!part->topic[0]) {
        out_null(out);
        out_null(out);
        return;
    }
    out_str(out, part->topic);
    out_int(out, part->partition);
}

static enum cli_exit worse(enum cli_exit a, enum cli_exit b)
{
    return a == CLI_CHECK || b == CLI_OK ? a : b == CLI_CHECK || a == CLI_OK ? b : a;
}

enum cli_exit log_each_partition(const struct opt_args *args,
                                 enum cli_exit (*each)(void *ctx, const struct log_place *p,
                                                       const struct log_partition *part),
                                 void *ctx)
{
    enum cli_exit status = CLI_OK;
    for (size_t i = 0; i < args->n; i++) {
        struct log_place p;
        struct err e;
        if (log_place_find(&p, io_posix(), args->operands[i], &e) < 0)
            status = worse(status, cli_fail(&e));
        for (size_t j = 0; j < p.n; j++)
            status = worse(status, each(ctx, &p, &p.v[j]));
        log_place_release(&p);
    }
    return status;
}

enum cli_exit log_walk(struct io *io, const struct log_segment *s, log_visitor *visit, void *ctx)
{
    struct err e;
    uint64_t valid;
    int rc = plog_walk_file(io, s->path, visit, ctx, &valid, &e);
    if (rc == ERR_TORN && s->last) {
        cli_warn("%s: byte %" PRIu64 ": the log ends in an incomplete write", s->path, valid);
        return CLI_OK;
    }
    if (rc == ERR_TORN)
        e.code = ERR_CORRUPT;
    return rc < 0 ? cli_fail(&e) : CLI_OK;
}

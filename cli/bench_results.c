#include "cli/bench_results.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/wr.h"

static int read_stream(FILE *f, struct wr *text)
{
    uint8_t piece[1 << 16];
    size_t n;
    errno = 0;
    while (!text->err && (n = fread(piece, 1, sizeof piece, f)) > 0)
        wr_bytes(text, piece, n);
    return text->err ? text->err : ferror(f) ? (errno ? -errno : -EIO) : 0;
}

static int read_text(const char *path, struct wr *text, struct err *e)
{
    bool is_input = !strcmp(path, "-");
    FILE *f = is_input ? stdin : fopen(path, "re");
    int rc = f ? read_stream(f, text) : -errno;
    if (f && !is_input)
        fclose(f);
    return rc ? err_code(e, rc, "%s", path) : 0;
}

/* What every result of a load has; that of a durability test, say, has not. */
static int check(const struct bench_results *r, const struct json *j, struct err *e)
{
    static const struct {
        const char *field;
        enum json_type type;
    } needed[] = {{"mode", JSON_T_STR},
                  {"duration_secs", JSON_T_REAL},
                  {"throughput_msg_per_sec", JSON_T_REAL},
                  {"latency_us", JSON_T_OBJECT}};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        enum json_type t = json_type_of(json_get(j, needed[i].field));
        if (t != needed[i].type && !(t == JSON_T_INT && needed[i].type == JSON_T_REAL))
            return err_set(e, ERR_MALFORMED,
                           "%s: number %zu in it is not the result of a load (%s is not there)",
                           r->path, r->n + 1, needed[i].field);
    }
    return 0;
}

/* A run in which nothing was answered has no latencies (or, as earlier versions wrote it, ones of
 * 0), and must not be taken for the fastest of all. */
static int check_measured(const struct bench_results *r, const struct json *j, struct err *e)
{
    const struct json *max = json_get(json_get(j, "latency_us"), "max");
    bool none = json_int(json_get(j, "total_messages"), 1) == 0;
    if (!none && (!max || json_type_of(max) != JSON_T_NULL))
        return 0;
    return err_set(e, ERR_INVALID, "%s: nothing was measured in the run of result %zu in it",
                   r->path, r->n + 1);
}

static int add(struct bench_results *r, const struct json *j, struct err *e)
{
    int rc = check(r, j, e);
    if (!rc)
        rc = check_measured(r, j, e);
    if (rc)
        return rc;
    if (r->n == RESULTS_MAX)
        return err_set(e, ERR_TOOBIG, "%s: more than %d results", r->path, RESULTS_MAX);
    const struct json **v = reallocarray(r->v, r->n + 1, sizeof *v);
    if (!v)
        return err_code(e, -ENOMEM, "%s", r->path);
    r->v = v;
    r->v[r->n++] = j;
    return 0;
}

/* A document is kept whole: what is added from it points into it. */
static int keep(struct bench_results *r, struct json *j, struct err *e)
{
    struct json **documents = reallocarray(r->documents, r->n_documents + 1, sizeof *documents);
    if (!documents) {
        json_free(j);
        return err_code(e, -ENOMEM, "%s", r->path);
    }
    r->documents = documents;
    r->documents[r->n_documents++] = j;
    return 0;
}

static int add_document(struct bench_results *r, struct json *j, struct err *e)
{
    int rc = keep(r, j, e);
    if (!rc && json_type_of(j) != JSON_T_ARRAY)
        return add(r, j, e);
    for (size_t i = 0; !rc && i < json_len(j); i++)
        rc = add(r, json_at(j, i), e);
    return rc;
}

static int parse(struct bench_results *r, const struct wr *text, struct err *e)
{
    const char *p = (const char *)text->buf;
    size_t at = 0, used = 0;
    int rc = 0;
    while (!rc) {
        while (at < text->len && strchr(" \t\r\n", p[at]) && p[at])
            at++;
        if (at == text->len)
            break;
        struct json *j = json_parse_first(p + at, text->len - at, &used, e);
        if (!j)
            return err_wrap(e, "%s: from byte %zu on", r->path, at);
        rc = add_document(r, j, e);
        at += used;
    }
    return rc || r->n ? rc : err_set(e, ERR_MALFORMED, "%s: no result is in it", r->path);
}

int bench_results_read(struct bench_results *r, const char *path, struct err *e)
{
    struct wr text;
    *r = (struct bench_results){.path = path};
    wr_init(&text, RESULTS_BYTES_MAX);
    int rc = read_text(path, &text, e);
    if (!rc)
        rc = parse(r, &text, e);
    wr_free(&text);
    return rc;
}

void bench_results_release(struct bench_results *r)
{
    for (size_t i = 0; i < r->n_documents; i++)
        json_free(r->documents[i]);
    free(r->documents);
    free(r->v);
    *r = (struct bench_results){0};
}

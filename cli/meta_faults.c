#include "cli/meta_faults.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const struct out_column columns[] = {
    {"file", OUT_STR}, {"position", OUT_INT}, {"kind", OUT_STR}, {"reason", OUT_STR}};

/* NULL for codes that do not speak of the bytes but of the attempt to read them. */
static const char *kind_of(int code)
{
    switch (code) {
    case ERR_CORRUPT:
        return "corruption";
    case ERR_FOREIGN:
        return "foreign";
    case ERR_VERSION:
    case ERR_UNSUPPORTED:
        return "newer-format";
    default:
        return NULL;
    }
}

static void put(struct faults *f, const char *file, uint64_t position, const char *kind,
                const char *reason)
{
    for (size_t i = 0; i < f->n; i++) {
        if (f->v[i].position == position && strcmp(f->v[i].file, file) == 0)
            return;
    }
    struct fault *v = reallocarray(f->v, f->n + 1, sizeof *v);
    if (!v) {
        f->trouble = -ENOMEM;
        return;
    }
    f->v = v;
    struct fault *new = &v[f->n++];
    snprintf(new->file, sizeof new->file, "%s", file);
    new->position = position;
    new->kind = kind;
    snprintf(new->reason, sizeof new->reason, "%s", reason);
}

/* text without that prefix and the ": " behind it, if it begins so. */
static const char *without(const char *text, const char *prefix)
{
    size_t n = strlen(prefix);
    return strncmp(text, prefix, n) == 0 && strncmp(text + n, ": ", 2) == 0 ? text + n + 2 : text;
}

/* Messages begin with file and byte, which a fault has in fields of their own. */
static const char *reason_of(const char *text, const char *file, uint64_t position)
{
    char byte[32];
    snprintf(byte, sizeof byte, "byte %" PRIu64, position);
    return without(without(text, file), byte);
}

void faults_add(struct faults *f, const char *file, uint64_t position, const struct err *e)
{
    const char *kind = kind_of(e->code);
    if (kind) {
        put(f, file, position, kind, reason_of(e->text, file, position));
        f->failed = true;
    } else {
        cli_error("%s", e->text);
        f->trouble = e->code;
    }
}

void faults_corrupt(struct faults *f, const char *file, uint64_t position, const char *fmt, ...)
{
    char reason[ERR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(reason, sizeof reason, fmt, ap);
    va_end(ap);
    put(f, file, position, "corruption", reason);
    f->failed = true;
}

void faults_torn(struct faults *f, const char *file, uint64_t position, uint64_t bytes)
{
    char reason[96];
    snprintf(reason, sizeof reason,
             "an incomplete write of %" PRIu64 " bytes: cut when the broker starts", bytes);
    put(f, file, position, "torn-tail", reason);
}

void faults_release(struct faults *f)
{
    free(f->v);
    *f = (struct faults){0};
}

int faults_table(const struct faults *f, const struct meta_options *o)
{
    struct out *out = meta_out(o, OUT_COLUMNS(columns));
    for (size_t i = 0; i < f->n; i++) {
        out_str(out, f->v[i].file);
        out_int(out, (int64_t)f->v[i].position);
        out_str(out, f->v[i].kind);
        out_str(out, f->v[i].reason);
        out_row(out);
    }
    return out_free(out);
}

struct json *faults_json(const struct faults *f)
{
    struct json *all = json_new_array();
    for (size_t i = 0; i < f->n; i++) {
        struct json *one = json_new_object();
        json_set_str(one, "file", f->v[i].file);
        json_set_int(one, "position", (int64_t)f->v[i].position);
        json_set_str(one, "kind", f->v[i].kind);
        json_set_str(one, "reason", f->v[i].reason);
        json_push(all, one);
    }
    return all;
}

void faults_say(const struct faults *f)
{
    for (size_t i = 0; i < f->n; i++)
        cli_error("%s: byte %" PRIu64 ": %s: %s", f->v[i].file, f->v[i].position, f->v[i].kind,
                  f->v[i].reason);
}

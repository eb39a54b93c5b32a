#include "cli/verdict.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const struct out_column columns[] = {
    {"file", OUT_STR}, {"position", OUT_INT}, {"kind", OUT_STR}, {"reason", OUT_STR}};

static const struct {
    const char *name;
    bool fails;
} kinds[] = {
    [FAULT_CORRUPTION] = {"corruption", true}, [FAULT_FOREIGN] = {"foreign", true},
    [FAULT_NEWER] = {"newer-format", true},    [FAULT_TORN] = {"torn-tail", false},
    [FAULT_DERIVED] = {"derived", false},      [FAULT_GAP] = {"gap", false},
};

/* ---- the list */

/* Those of one log and of the files beside it stand together, and are few: looking at more would
 * take quadratic time where much is damaged. */
static struct fault *known(const struct faults *f, const char *file, uint64_t position)
{
    enum { NEAR = 16 };
    for (size_t i = 1; i <= f->n && i <= NEAR; i++) {
        struct fault *v = &f->v[f->n - i];
        if (v->position == position && strcmp(v->file, file) == 0)
            return v;
    }
    return NULL;
}

static struct fault *add(struct faults *f, const char *file, uint64_t position)
{
    struct fault *v = reallocarray(f->v, f->n + 1, sizeof *v);
    if (!v) {
        f->trouble = -ENOMEM;
        return NULL;
    }
    f->v = v;
    struct fault *new = &v[f->n++];
    snprintf(new->file, sizeof new->file, "%s", file);
    new->position = position;
    return new;
}

/* Of two at the same place the first stays, unless it fails nothing and the other does. */
static void put(struct faults *f, enum fault_kind kind, const char *file, uint64_t position,
                const char *reason)
{
    struct fault *v = known(f, file, position);
    f->failed |= kinds[kind].fails;
    if (v && (kinds[v->kind].fails || !kinds[kind].fails))
        return;
    if (!v)
        v = add(f, file, position);
    if (!v)
        return;
    v->kind = kind;
    snprintf(v->reason, sizeof v->reason, "%s", reason);
}

void faults_put(struct faults *f, enum fault_kind kind, const char *file, uint64_t position,
                const char *fmt, ...)
{
    char reason[ERR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(reason, sizeof reason, fmt, ap);
    va_end(ap);
    put(f, kind, file, position, reason);
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
    const char *reason = reason_of(e->text, file, position);
    switch (e->code) {
    case ERR_CORRUPT:
        put(f, FAULT_CORRUPTION, file, position, reason);
        break;
    case ERR_FOREIGN:
        put(f, FAULT_FOREIGN, file, position, reason);
        break;
    case ERR_VERSION:
    case ERR_UNSUPPORTED:
        put(f, FAULT_NEWER, file, position, reason);
        break;
    default: /* speaks not of the bytes but of the attempt to read them */
        cli_error("%s", e->text);
        f->trouble = e->code;
    }
}

void faults_move(struct faults *f, struct faults *from)
{
    for (size_t i = 0; i < from->n; i++)
        put(f, from->v[i].kind, from->v[i].file, from->v[i].position, from->v[i].reason);
    if (from->trouble)
        f->trouble = from->trouble;
    faults_release(from);
}

void faults_release(struct faults *f)
{
    free(f->v);
    *f = (struct faults){0};
}

void verdict_add(struct verdict *v, struct verdict *from)
{
    v->files += from->files;
    v->units += from->units;
    v->records += from->records;
    v->bytes += from->bytes;
    faults_move(&v->faults, &from->faults);
}

/* ---- the result */

static void say(const struct faults *f)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct fault *one = &f->v[i];
        void (*say_it)(const char *fmt, ...) = kinds[one->kind].fails ? cli_error : cli_warn;
        say_it("%s: byte %" PRIu64 ": %s: %s", one->file, one->position, kinds[one->kind].name,
               one->reason);
    }
}

static int put_table(const struct faults *f, const struct cli_common *common)
{
    struct out *out =
        out_new(stdout, (enum out_format)common->format, !common->no_header, OUT_COLUMNS(columns));
    for (size_t i = 0; i < f->n; i++) {
        out_str(out, f->v[i].file);
        out_int(out, (int64_t)f->v[i].position);
        out_str(out, kinds[f->v[i].kind].name);
        out_str(out, f->v[i].reason);
        out_row(out);
    }
    return out_free(out);
}

static struct json *faults_json(const struct faults *f)
{
    struct json *all = json_new_array();
    for (size_t i = 0; i < f->n; i++) {
        struct json *one = json_new_object();
        json_set_str(one, "file", f->v[i].file);
        json_set_int(one, "position", (int64_t)f->v[i].position);
        json_set_str(one, "kind", kinds[f->v[i].kind].name);
        json_set_str(one, "reason", f->v[i].reason);
        json_push(all, one);
    }
    return all;
}

static const char *summary(const struct faults *f)
{
    for (size_t i = 0; i < f->n; i++) {
        if (f->v[i].kind == FAULT_CORRUPTION)
            return "corrupt";
    }
    return f->failed ? "not sound" : f->trouble ? "not checked to the end" : "ok";
}

static int put_text(const struct verdict *v, const char *units, const struct cli_common *common)
{
    int rc = v->faults.n > 0 ? put_table(&v->faults, common) : 0;
    printf("%" PRIu64 " files, %" PRIu64 " %s, %" PRIu64 " records, %" PRIu64 " bytes: %s\n",
           v->files, v->units, units, v->records, v->bytes, summary(&v->faults));
    return rc;
}

static struct json *verdict_json(const struct verdict *v, const char *units)
{
    struct json *obj = json_new_object();
    json_set_int(obj, "files", (int64_t)v->files);
    json_set_int(obj, units, (int64_t)v->units);
    json_set_int(obj, "records", (int64_t)v->records);
    json_set_int(obj, "bytes", (int64_t)v->bytes);
    json_set(obj, "faults", faults_json(&v->faults));
    return obj;
}

static int put_verdict(const struct verdict *v, const char *units, const struct verdict_more *more,
                       const struct cli_common *common)
{
    enum out_format format = (enum out_format)common->format;
    if (format == OUT_JSON || format == OUT_JSONL) {
        struct json *obj = verdict_json(v, units);
        if (more)
            json_set(obj, more->name, more->json);
        return out_single(stdout, format, true, obj);
    }
    int rc = format == OUT_TEXT ? put_text(v, units, common) : put_table(&v->faults, common);
    if (more && format == OUT_TEXT)
        more->print(more->json);
    if (more)
        json_free(more->json);
    return rc;
}

enum cli_exit verdict_report(const struct verdict *v, const char *units,
                             const struct verdict_more *more, const struct cli_common *common)
{
    say(&v->faults);
    int rc = put_verdict(v, units, more, common);
    if (v->faults.failed)
        return CLI_CHECK;
    if (v->faults.trouble)
        return cli_exit_of(v->faults.trouble);
    return rc < 0 ? CLI_FAILED : CLI_OK;
}

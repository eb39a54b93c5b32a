#include "cli/bench_steps.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cli/bench_ceiling.h"
#include "cli/bench_outcome.h"

static enum out_format format_of(const struct bench_options *o)
{
    return (enum out_format)o->common.format;
}

/* Rows are added to what is there; a new file gets the header first. */
static int open_csv(struct steps *s, struct err *e)
{
    struct stat st;
    const char *path = s->opt->csv_path;
    if (!path)
        return 0;
    s->csv = fopen(path, "ae");
    if (!s->csv || fstat(fileno(s->csv), &st))
        return err_code(e, -errno, "%s", path);
    s->appended = step_rows(s->csv, OUT_CSV, st.st_size == 0, s->search);
    return 0;
}

int steps_init(struct steps *s, const struct bench_options *o, bool search, struct err *e)
{
    *s = (struct steps){.opt = o, .search = search};
    if (format_of(o) != OUT_JSON)
        s->rows = step_rows(stdout, format_of(o), !o->common.no_header, search);
    return open_csv(s, e);
}

void steps_release(struct steps *s)
{
    if (s->rows)
        out_free(s->rows);
    if (s->appended)
        out_free(s->appended);
    if (s->csv)
        fclose(s->csv);
    for (size_t i = 0; i < s->n; i++)
        step_release(&s->v[i]);
    free(s->v);
    json_free(s->about);
}

static struct step *add(struct steps *s, struct err *e)
{
    struct step *v = reallocarray(s->v, s->n + 1, sizeof *v);
    if (!v) {
        err_code(e, -ENOMEM, "steps");
        return NULL;
    }
    s->v = v;
    v[s->n] = (struct step){0};
    return &v[s->n++];
}

/* A search asks how far it goes: requests that fail there are an answer. */
static void take(struct steps *s, struct step *st, const struct bench_session *session)
{
    struct bench_result r = outcome_result(session);
    r.ceiling = s->ceiling;
    int status = s->search ? outcome_check(session) : outcome_status(session);
    step_judge(st, &r);
    if (status == CLI_CHECK || !s->status)
        s->status = status;
    if (!s->about)
        s->about = bench_report_about(&r);
}

/* What was cut short says nothing about its rate. */
static int execute(struct bench_session *session, struct bench_options *o, struct err *e)
{
    int rc = session_execute(session, o, e);
    if (!rc && session->run->interrupted)
        return err_set(e, ERR_INTERRUPTED, "interrupted");
    if (rc)
        err_wrap(e, "at %lld records/s", (long long)o->rate);
    return rc;
}

/* Once is enough: it does not depend on the rate. */
static int measure_ceiling(struct steps *s, const struct bench_session *session, struct err *e)
{
    if (!s->opt->ceiling || s->ceiling > 0)
        return 0;
    return bench_ceiling(s->opt, (uint32_t)session->b.n_parts, &s->ceiling, e);
}

struct step *steps_run(struct steps *s, int64_t rate, const char *phase, struct err *e)
{
    struct bench_options o = *s->opt;
    struct bench_session session;
    struct step *st = add(s, e);
    if (!st)
        return NULL;
    o.rate = rate;
    o.delete_topic = false; /* the next step needs it */
    st->phase = phase;
    int rc = execute(&session, &o, e);
    if (!rc)
        rc = measure_ceiling(s, &session, e);
    if (rc && session.loaded && outcome_check(&session) == CLI_CHECK)
        s->status = CLI_CHECK;
    if (rc)
        s->n--;
    else
        take(s, st, &session);
    session_release(&session);
    return rc ? NULL : st;
}

int steps_tell(struct steps *s, struct err *e)
{
    const struct step *st = &s->v[s->n - 1];
    int rc = s->rows ? step_put(s->rows, st) : 0;
    if (rc)
        return err_code(e, rc, "standard output");
    rc = s->appended ? step_put(s->appended, st) : 0;
    return rc ? err_code(e, rc, "%s", s->opt->csv_path) : 0;
}

static int put_document(struct steps *s, struct json *found, const struct err *failure,
                        struct err *e)
{
    struct json *j = s->about, *steps = json_new_array();
    s->about = NULL;
    for (size_t i = 0; i < s->n; i++)
        json_push(steps, step_json(&s->v[i]));
    json_merge(j, found);
    if (s->ceiling > 0)
        json_set_real(j, "bench_ceiling_msg_per_sec", round(s->ceiling));
    json_set(j, "steps", steps);
    json_set_str(j, "error", failure ? failure->text : NULL);
    int rc = bench_report_document(s->opt, j, e);
    json_free(j);
    return rc;
}

int steps_finish(struct steps *s, struct json *found, const struct err *failure, struct err *e)
{
    int rc = 0;
    if (s->about)
        rc = put_document(s, found, failure, e);
    else
        json_free(found); /* not one step was done */
    if (!rc && s->opt->delete_topic && !failure)
        rc = session_delete_topic(s->opt, e);
    return rc;
}

void steps_tell_ceiling(const struct steps *s, FILE *out)
{
    if (s->ceiling > 0)
        fprintf(out, "%-13s %.0f records/s is what it could drive (measured)\n", "bench",
                s->ceiling);
}

void steps_warn(const struct step *st, FILE *out)
{
    for (size_t i = 0; i < json_len(st->caveats); i++) {
        struct span text = json_str(json_at(st->caveats, i));
        fprintf(out, "%-13s at %lld records/s: %.*s\n", "warning", (long long)st->rate, (int)text.n,
                (const char *)text.p);
    }
}

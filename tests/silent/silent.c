/* silent [-n BYTES] [-f FILES] [-s SEED] [-v] OLDER STOPPED KILLED FOREIGN - faults that no disk
 * reports, on what a real broker left behind: each must be found, or do no harm.
 *
 * The operands are data directories: one as it was at an earlier stop, the same after a later stop,
 * the same after a kill, and one of another cluster. STOPPED and KILLED are read into memory; then,
 * for each of many faults, a copy gets the fault, and
 *
 *   the checks of chronik-wal, chronik-log and chronik-meta verify look at it, and
 *   the product's own recovery starts on it, and everything is read back (answers.h).
 *
 * A fault passes if the start or a read refuses it and verify finds it, or if all answers are those
 * of the sound directory. The run fails if an answer is another one, if a refused fault is not
 * found by verify, if anything dies, or if a kind of file got no fault.
 *
 * -n: how many faults of single bytes (over both directories); -f: about how many faults of whole
 * files, 0 for all there are; -v: say what became of each.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/log_check.h"
#include "cli/meta_check.h"
#include "cli/wal_check.h"
#include "tests/shard/rig.h"
#include "tests/silent/answers.h"
#include "tests/silent/faults.h"

enum { DIRS = 4, PATIENCE = 180 /* seconds for one fault */, TEXT = ERR_TEXT_MAX + 64 };

enum outcome {
    FOUND_START,    /* by the start and by verify */
    FOUND_READ,     /* by a read and by verify */
    HARMLESS_FOUND, /* all answers are right; verify finds it */
    HARMLESS_TOLD,  /* likewise; verify tells of a derived file or a torn tail */
    HARMLESS,       /* likewise; verify finds nothing */
    UNVERIFIED,     /* refused, but not found by verify */
    WRONG,
    CRASHED,
    OUTCOMES
};
static const char *const outcome_names[OUTCOMES] = {
    "start", "read", "harmless+", "harmless~", "harmless", "UNVERIFIED", "WRONG", "CRASHED",
};

/* What became of a fault; shared with the processes that try. */
struct row {
    enum outcome outcome;
    char why[TEXT];
};

/* ---- verify */

enum found { NOT_FOUND, TOLD, FOUND };

static enum found of_verdict(struct verdict *v, int rc)
{
    enum found f = rc < 0 || v->faults.failed || v->faults.trouble ? FOUND
                   : v->faults.n                                   ? TOLD
                                                                   : NOT_FOUND;
    faults_release(&v->faults);
    return f;
}

static enum found check_wal(struct io *io)
{
    struct wal_logs logs = {.n = 0};
    struct verdict v = {.files = 0};
    struct err e;
    int rc = wal_logs_add(&logs, io, RIG_DIR, -1, &e);
    for (size_t i = 0; rc == 0 && i < logs.n; i++)
        wal_check_log(&v, &logs.v[i], NULL, NULL);
    wal_logs_release(&logs);
    return of_verdict(&v, rc);
}

static enum found check_log(struct io *io)
{
    struct verdict v;
    struct err e;
    int rc = log_check_run(&v, io, RIG_DIR, &e);
    return of_verdict(&v, rc);
}

static enum found check_meta(struct io *io)
{
    struct verdict v = {.files = 0};
    struct place p;
    struct err e;
    int rc = place_find(&p, io, RIG_DIR, &e);
    if (rc == 0)
        meta_check_run(&v, &p);
    return of_verdict(&v, rc);
}

static enum found verify(struct io_mem *disk)
{
    enum found (*const tools[])(struct io *) = {check_wal, check_log, check_meta};
    enum found most = NOT_FOUND;
    for (size_t i = 0; i < sizeof tools / sizeof *tools; i++) {
        enum found f = tools[i](io_mem_io(disk));
        most = f > most ? f : most;
    }
    return most;
}

/* ---- one fault */

static enum outcome judge(enum answers_verdict answers, enum found found)
{
    switch (answers) {
    case ANSWERS_WRONG:
        return WRONG;
    case ANSWERS_SAME:
        return found == FOUND ? HARMLESS_FOUND : found == TOLD ? HARMLESS_TOLD : HARMLESS;
    default:
        if (found != FOUND)
            return UNVERIFIED;
        return answers == ANSWERS_REFUSED_START ? FOUND_START : FOUND_READ;
    }
}

/* Codes that say of files what is wrong with them, not that something could not be done. */
static bool speaks_of_files(int code)
{
    return code == ERR_CORRUPT || code == ERR_FOREIGN || code == ERR_VERSION || code == ERR_INVALID;
}

static void try_healed(const struct fault_plan *p, const struct answers *right, struct io_mem *left,
                       struct row *row)
{
    struct err e;
    plan_heal(p, left);
    if (answers_compare(right, left, NULL, &e) == ANSWERS_SAME)
        return;
    row->outcome = WRONG;
    snprintf(row->why, sizeof row->why, "the refused start did harm: %s", e.text);
}

static void try_fault(const struct fault_plan *p, const struct answers *right, struct row *row)
{
    struct err e;
    struct io_mem *left = NULL, *disk = plan_apply(p);
    enum found found = verify(disk);
    enum answers_verdict answers = answers_compare(right, disk, &left, &e);
    row->outcome = judge(answers, found);
    snprintf(row->why, sizeof row->why, "%s", e.text);
    if (answers == ANSWERS_REFUSED_START && !speaks_of_files(e.code)) {
        row->outcome = WRONG;
        snprintf(row->why, sizeof row->why, "the start fails with another error: %s", e.text);
    }
    if (left)
        try_healed(p, right, left, row);
}

/* ---- all faults, in processes that may die */

struct run {
    const struct fault_plans *plans;
    const struct disk *stopped;
    const struct answers *right[2]; /* of the stopped one, of the killed one */
    struct row *rows;               /* shared */
    size_t *at;                     /* shared: the fault being tried */
};

static _Noreturn void work(const struct run *r)
{
    if (!freopen("/dev/null", "w", stderr)) /* what the checks say */
        _exit(2);
    for (; *r->at < r->plans->n; ++*r->at) {
        const struct fault_plan *p = &r->plans->v[*r->at];
        alarm(PATIENCE);
        try_fault(p, r->right[p->disk != r->stopped], &r->rows[*r->at]);
    }
    _exit(0);
}

static void *shared(size_t n)
{
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        disk_die("out of memory");
    return p;
}

static void run_all(struct run *r)
{
    r->rows = shared((r->plans->n + 1) * sizeof *r->rows);
    r->at = shared(sizeof *r->at);
    while (*r->at < r->plans->n) {
        int status;
        fflush(stdout);
        pid_t pid = fork();
        if (pid < 0)
            disk_die("fork: %s", strerror(errno));
        if (pid == 0)
            work(r);
        waitpid(pid, &status, 0);
        if (status == 0)
            continue;
        struct row *row = &r->rows[(*r->at)++];
        row->outcome = CRASHED;
        snprintf(row->why, sizeof row->why, "%s",
                 WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "it ended");
    }
}

/* ---- the result */

/* A line of a table: what the faults were done to. */
struct line {
    char what[64];
    size_t n[OUTCOMES];
};

struct table {
    const char *title;
    struct line *v;
    size_t n;
};

static struct line *line_of(struct table *t, const char *what)
{
    for (size_t i = 0; i < t->n; i++) {
        if (strcmp(t->v[i].what, what) == 0)
            return &t->v[i];
    }
    t->v = reallocarray(t->v, t->n + 1, sizeof *t->v);
    if (!t->v)
        disk_die("out of memory");
    memset(&t->v[t->n], 0, sizeof *t->v);
    snprintf(t->v[t->n].what, sizeof t->v[t->n].what, "%s", what);
    return &t->v[t->n++];
}

static void print_line(const char *what, const size_t n[OUTCOMES])
{
    printf("%-40s", what);
    for (int i = 0; i < OUTCOMES; i++)
        printf(" %10zu", n[i]);
    printf("\n");
}

static void print_table(const struct table *t)
{
    size_t sums[OUTCOMES] = {0};
    printf("\n%-40s", t->title);
    for (int i = 0; i < OUTCOMES; i++)
        printf(" %10s", outcome_names[i]);
    printf("\n");
    for (size_t i = 0; i < t->n; i++) {
        print_line(t->v[i].what, t->v[i].n);
        for (int k = 0; k < OUTCOMES; k++)
            sums[k] += t->v[i].n[k];
    }
    print_line("all", sums);
}

static void count(struct table *bytes, struct table *files, const struct fault_plan *p,
                  enum outcome outcome)
{
    char what[64];
    if (p->sort == FAULT_BYTE) {
        line_of(bytes, kind_names[p->kind])->n[outcome]++;
        return;
    }
    snprintf(what, sizeof what, "%s, %s", file_kind(p->file->path), fault_names[p->sort]);
    line_of(files, what)->n[outcome]++;
}

/* How many faults failed the test; each is told. */
static size_t report(const struct run *r, bool verbose)
{
    struct table bytes = {.title = "one byte"}, files = {.title = "a whole file"};
    size_t bad = 0;
    for (size_t i = 0; i < r->plans->n; i++) {
        const struct row *row = &r->rows[i];
        char text[3 * IO_PATH_MAX];
        plan_text(&r->plans->v[i], text, sizeof text);
        count(&bytes, &files, &r->plans->v[i], row->outcome);
        bad += row->outcome >= UNVERIFIED;
        if (verbose || row->outcome >= UNVERIFIED)
            printf("%s %s: %s\n", outcome_names[row->outcome], text, row->why);
    }
    print_table(&bytes);
    print_table(&files);
    free(bytes.v);
    free(files.v);
    return bad;
}

/* A kind of byte that no fault was done to: its faults would have been found by chance only. */
static size_t missed(const struct fault_plans *plans)
{
    size_t n[KINDS] = {0}, none = 0;
    for (size_t i = 0; i < plans->n; i++)
        n[plans->v[i].kind] += plans->v[i].sort == FAULT_BYTE;
    for (int k = 0; k < KINDS; k++) {
        if (n[k] > 0 || k == KIND_OTHER)
            continue;
        printf("no fault: %s\n", kind_names[k]);
        none++;
    }
    return none;
}

static struct answers *sound(const struct disk *d)
{
    struct err e;
    struct answers *a = answers_new(disk_copy(d), &e);
    if (!a)
        disk_die("%s: does not start as it is: %s", d->name, e.text);
    if (answers_batches(a) == 0)
        disk_die("%s: holds nothing", d->name);
    struct io_mem *copy = disk_copy(d);
    enum found found = verify(copy);
    io_mem_free(copy);
    if (found == FOUND)
        disk_die("%s: verify finds faults in it as it is", d->name);
    enum answers_verdict again = answers_compare(a, disk_copy(d), NULL, &e);
    if (again != ANSWERS_SAME)
        disk_die("%s: two starts differ: %s", d->name, e.text);
    return a;
}

struct options {
    size_t bytes, files;
    uint64_t seed;
    bool verbose;
};

static void read_options(struct options *o, int argc, char **argv)
{
    int c;
    *o = (struct options){.bytes = 10000, .seed = 1};
    while ((c = getopt(argc, argv, "n:f:s:v")) != -1) {
        if (c == 'n')
            o->bytes = strtoul(optarg, NULL, 10);
        else if (c == 'f')
            o->files = strtoul(optarg, NULL, 10);
        else if (c == 's')
            o->seed = strtoull(optarg, NULL, 10);
        else if (c == 'v')
            o->verbose = true;
        else
            exit(2);
    }
    if (argc - optind != DIRS)
        disk_die("operands: OLDER STOPPED KILLED FOREIGN");
}

int main(int argc, char **argv)
{
    static const char *const names[DIRS] = {"older", "stopped", "killed", "foreign"};
    enum { OLDER, STOPPED, KILLED, FOREIGN };
    struct disk disks[DIRS];
    struct fault_plans plans = {0};
    struct options o;
    read_options(&o, argc, argv);
    for (int i = 0; i < DIRS; i++)
        disk_load(&disks[i], names[i], argv[optind + i]);
    struct answers *right[2] = {sound(&disks[STOPPED]), sound(&disks[KILLED])};
    plan_bytes(&plans, &disks[STOPPED], o.bytes / 2, o.seed);
    plan_bytes(&plans, &disks[KILLED], o.bytes - plans.n, o.seed + 1);
    size_t bytes = plans.n;
    plan_files(&plans, &disks[STOPPED], &disks[OLDER], &disks[FOREIGN], o.files / 2, o.seed + 2);
    plan_files(&plans, &disks[KILLED], &disks[STOPPED], &disks[FOREIGN], o.files / 2, o.seed + 3);
    struct run run = {&plans, &disks[STOPPED], {right[0], right[1]}, NULL, NULL};
    run_all(&run);
    size_t bad = report(&run, o.verbose) + missed(&plans);
    printf("silent: seed %llu: %zu faults of bytes and %zu of files, %zu batches read back after "
           "each; %zu bad\n",
           (unsigned long long)o.seed, bytes, plans.n - bytes,
           answers_batches(right[0]) + answers_batches(right[1]), bad);
    plans_release(&plans);
    for (int i = 0; i < 2; i++)
        answers_free(right[i]);
    for (int i = 0; i < DIRS; i++)
        disk_release(&disks[i]);
    return bad ? 1 : 0;
}

/* replay.c - run a target over files without libFuzzer: what `make check` does with the corpus.
 *
 *   fuzz_x [-m MUTANTS] [-s SEED] FILE|DIR...
 *
 * Each file is one input, and then is changed MUTANTS times with no feedback, STEPS changes one
 * upon the other before it starts from the file again: short blind walks from every place that
 * fuzzing once found worth keeping. The same seed gives the same walks. Prints how many inputs it
 * ran; stops at the first that fails, having said which file and mutant it was.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "tests/fuzz/fuzz.h"

enum { INPUT_MAX = 64 << 10, MUTANT_MAX = 4 << 10, STEPS = 16 };

#pragma weak LLVMFuzzerCustomMutator

static uint64_t seed = 1;
static unsigned mutants;
static unsigned long files, runs;
static struct {
    const char *file;
    unsigned mutant;
} at;

static void say_where(int sig)
{
    char line[IO_PATH_MAX + 64];
    int n = snprintf(line, sizeof line, "signal %d at %s, mutant %u (0: the file itself)\n", sig,
                     at.file ? at.file : "?", at.mutant);
    if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
        _exit(3);
    signal(sig, SIG_DFL);
    raise(sig);
}

/* splitmix64 */
static uint64_t draw(void)
{
    uint64_t z = seed += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static size_t below(size_t n)
{
    return (size_t)(draw() % n);
}

static size_t erase(uint8_t *p, size_t n)
{
    size_t from = below(n), len = 1 + below(n - from);
    memmove(p + from, p + from + len, n - from - len);
    return n - len;
}

static size_t repeat(uint8_t *p, size_t n, size_t max)
{
    size_t from = below(n), len = 1 + below(n - from), to = below(n + 1);
    if (len > max - n)
        len = max - n;
    uint8_t *copy = malloc(len + 1);
    if (!copy)
        return n;
    memcpy(copy, p + from, len);
    memmove(p + to + len, p + to, n - to);
    memcpy(p + to, copy, len);
    free(copy);
    return n + len;
}

static size_t put_number(uint8_t *p, size_t n)
{
    static const uint8_t of_note[] = {0, 1, 0x7f, 0x80, 0xff};
    size_t from = below(n), len = (size_t)1 << below(4);
    memset(p + from, of_note[below(sizeof of_note)], len < n - from ? len : n - from);
    return n;
}

size_t LLVMFuzzerMutate(uint8_t *p, size_t n, size_t max)
{
    if (n == 0) {
        if (max == 0)
            return 0;
        p[0] = (uint8_t)draw();
        return 1;
    }
    switch (below(5)) {
    case 0:
        return erase(p, n);
    case 1:
        return repeat(p, n, max);
    case 2:
        return put_number(p, n);
    case 3:
        p[below(n)] = (uint8_t)draw();
        return n;
    default:
        p[below(n)] ^= (uint8_t)(1u << below(8));
        return n;
    }
}

static void run(const uint8_t *p, size_t n)
{
    uint8_t *exact = malloc(n ? n : 1); /* so that a sanitizer sees a read too far */
    if (!exact)
        abort();
    memcpy(exact, p, n);
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    runs++;
}

static void walk(struct span file)
{
    uint8_t mutant[MUTANT_MAX];
    size_t n = 0;
    for (at.mutant = 1; at.mutant <= mutants; at.mutant++) {
        if (at.mutant % STEPS == 1) {
            n = file.n < sizeof mutant ? file.n : sizeof mutant;
            memcpy(mutant, file.p, n);
        }
        n = LLVMFuzzerCustomMutator
                ? LLVMFuzzerCustomMutator(mutant, n, sizeof mutant, (unsigned)draw())
                : LLVMFuzzerMutate(mutant, n, sizeof mutant);
        run(mutant, n);
    }
}

static int run_file(const char *path)
{
    uint8_t *bytes;
    size_t n;
    int rc = io_read_file(io_posix(), path, INPUT_MAX, &bytes, &n);
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", path, err_str(rc));
        return 1;
    }
    at.file = path;
    at.mutant = 0;
    files++;
    run(bytes, n);
    walk(span_of(bytes, n));
    free(bytes);
    return 0;
}

static int run_dir(const char *path)
{
    char **names, file[IO_PATH_MAX];
    size_t n;
    int rc = io_names(io_posix(), path, &names, &n);
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", path, err_str(rc));
        return 1;
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = io_path(file, sizeof file, path, "%s", names[i]);
        if (rc == 0)
            rc = run_file(file);
    }
    io_names_free(names, n);
    return rc != 0;
}

static int run_path(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return 1;
    }
    return S_ISDIR(st.st_mode) ? run_dir(path) : run_file(path);
}

int main(int argc, char **argv)
{
    for (int c; (c = getopt(argc, argv, "m:s:")) != -1;) {
        if (c == 'm')
            mutants = (unsigned)strtoul(optarg, NULL, 10);
        else if (c == 's')
            seed = strtoull(optarg, NULL, 10);
        else
            return 2;
    }
    signal(SIGABRT, say_where);
    signal(SIGSEGV, say_where);
    for (int i = optind; i < argc; i++) {
        if (run_path(argv[i]) != 0)
            return 1;
    }
    if (files == 0) {
        fprintf(stderr, "%s: no input\n", argv[0]);
        return 1;
    }
    printf("%lu inputs, %lu runs\n", files, runs);
    return 0;
}

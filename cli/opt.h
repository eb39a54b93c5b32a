/* opt.h - one table of options and commands per program; parsing, --help, the man page's sections
 * and bash completion all come from it.
 *
 * `-p 3`, `-p3`, `--partitions 3`, `--partitions=3`; single-letter flags may be joined (`-qv`).
 * Options may stand anywhere, `--` ends them, `-` is an operand. Names are not abbreviated: what
 * works today must not become ambiguous tomorrow. Every program knows -h, --help and --version
 * beside its table;
 * `--help=man` and `--help=bash` print what the build puts into man pages and completions.
 */
#ifndef CLI_OPT_H
#define CLI_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

enum opt_kind {
    OPT_FLAG,   /* bool: true if given */
    OPT_COUNT,  /* int: how often it was given */
    OPT_TEXT,   /* const char *: points into argv */
    OPT_LIST,   /* struct opt_list: may be given several times */
    OPT_INT,    /* int64_t from min to max */
    OPT_BYTES,  /* int64_t from min to max; 64k, 16m, 1g count powers of 1024 */
    OPT_MS,     /* int64_t milliseconds from min to max; 250ms, 10s, 2m, 1h; plain: seconds */
    OPT_CHOICE, /* int: the value of one of choices */
};

/* What bash offers for an argument or operand. */
enum opt_fill { OPT_FILL_NONE, OPT_FILL_FILE, OPT_FILL_DIR, OPT_FILL_TOPIC, OPT_FILL_GROUP };

struct opt_choice {
    const char *name; /* NULL ends the list */
    int value;
};

struct opt_list {
    const char **v; /* n texts that point into argv; opt_args_release frees the array */
    size_t n;
};

enum { OPT_MAX = 128 };                               /* options of one program */
#define OPT_MS_MAX (INT64_C(1000) * 86400 * 365 * 10) /* ten years: any wait that is meant */

struct opt {
    char letter;      /* 0: none */
    const char *name; /* without the dashes; options of different commands may share it */
    const char *arg;  /* what the argument is called in --help; NULL for flags and counts */
    enum opt_kind kind;
    size_t offset;    /* of the value in the program's struct */
    const char *help; /* begins in lower case, no full stop */
    int64_t min, max; /* of numbers; both 0: 0 to INT64_MAX */
    const struct opt_choice *choices;
    unsigned commands; /* bit i: command i knows it; 0: all do that have no own_options */
    enum opt_fill fill;
    bool hidden; /* another spelling, kept for scripts: parsed, not shown */
};

enum { OPT_ANY = -1 };
struct opt_args;
struct opt_command {
    const char *name;     /* NULL, and only of the first: what is done without a command's name */
    const char *operands; /* as in the usage line: "NAME..." */
    int min, max;         /* number of operands, OPT_ANY: no bound */
    const char *help;
    enum opt_fill fill;
    int (*run)(void *values, const struct opt_args *args); /* gives the exit status */
    bool own_options; /* it knows those options only that name it */
    const struct opt_choice
        *words; /* bash offers them beside the names of commands, if it has none */
};

struct opt_program {
    const char *name;
    const char *summary; /* a sentence */
    const struct opt *options;
    size_t n_options;
    const struct opt_command *commands;
    size_t n_commands;
    int (*prepare)(struct err *e); /* called before a command runs, which it does not if this gives
                                    * a negative code; NULL: nothing to prepare */
};
#define OPT_TABLE(a) (a), sizeof(a) / sizeof *(a)
#define OPT_COMMANDS(a) (a), sizeof(a) / sizeof *(a)

struct opt_args {
    const struct opt_program *program;
    const struct opt_command *command;
    char **operands; /* n, pointing into argv */
    size_t n;
    bool given[OPT_MAX];              /* by position in the table */
    const struct opt *lists[OPT_MAX]; /* private: lists to free */
    void *values;                     /* private */
};

/* What a command line asked for. */
enum opt_verdict {
    OPT_RUN,       /* args says what to run */
    OPT_SHOW_HELP, /* args->command is NULL or the command it is about */
    OPT_SHOW_MAN,
    OPT_SHOW_BASH,
    OPT_SHOW_VERSION,
    OPT_MISUSE, /* e says why */
};

/* Parse argv into values, which holds the defaults, and args. opt_args_release in every case. */
enum opt_verdict opt_parse(const struct opt_program *p, int argc, char **argv, void *values,
                           struct opt_args *args, struct err *e);
void opt_args_release(struct opt_args *args);

/* Was the option of that (long) name given? */
bool opt_given(const struct opt_args *args, const char *name);

/* Parse one value as the option tables do; for values that stand in files or operands. 0 or
 * ERR_INVALID. */
int opt_parse_int(const char *text, int64_t min, int64_t max, int64_t *v);
int opt_parse_bytes(const char *text, int64_t min, int64_t max, int64_t *v);
int opt_parse_ms(const char *text, int64_t min, int64_t max, int64_t *v);

/* --help of the program, or of one command (NULL: the program). */
void opt_help(const struct opt_program *p, const struct opt_command *command, FILE *out);
/* The sections COMMANDS and OPTIONS of the man page, as man(7) macros. */
void opt_man(const struct opt_program *p, FILE *out);
/* A bash completion. */
void opt_bash(const struct opt_program *p, FILE *out);

/* Does command (an entry of p->commands) know the option? */
bool opt_belongs(const struct opt_program *p, const struct opt *o,
                 const struct opt_command *command);

#endif

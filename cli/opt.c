#include "cli/opt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What every program knows beside its table. Kept out of it: these stop the parsing. */
static const struct {
    const char *name;
    enum opt_verdict verdict;
} standard[] = {
    {"help", OPT_SHOW_HELP},      {"help=text", OPT_SHOW_HELP},  {"help=man", OPT_SHOW_MAN},
    {"help=bash", OPT_SHOW_BASH}, {"version", OPT_SHOW_VERSION},
};

enum { HINT_ROOM = 160 };

/* One parsing run. */
struct parse {
    const struct opt_program *p;
    struct opt_args *args;
    char **argv;
    int argc, next; /* the word to look at */
    struct err *e;
    const struct opt_command *meant; /* what the words will turn out to name; NULL: none */
};

bool opt_belongs(const struct opt_program *p, const struct opt *o,
                 const struct opt_command *command)
{
    return o->commands ? o->commands >> (size_t)(command - p->commands) & 1 : !command->own_options;
}

/* Complain in one line that ends with where help is to be found. */
static enum opt_verdict misuse(struct parse *ps, const char *what, const char *why)
{
    const struct opt_command *c = ps->args->command;
    err_set(ps->e, ERR_INVALID, "%s: %s (try '%s%s%s --help')", what, why, ps->p->name,
            c && c->name ? " " : "", c && c->name ? c->name : "");
    return OPT_MISUSE;
}

static void *field(const struct parse *ps, const struct opt *o)
{
    return (char *)ps->args->values + o->offset;
}

/* A whole number at the start of text; *end gets what follows it. */
static int number(const char *text, int64_t *v, char **end)
{
    if (*text != '-' && (*text < '0' || *text > '9'))
        return ERR_INVALID;
    errno = 0;
    long long n = strtoll(text, end, 10);
    if (errno || *end == text)
        return ERR_INVALID;
    *v = n;
    return 0;
}

struct unit {
    const char *name;
    int64_t factor;
};

static int measure(const char *text, const struct unit *units, int64_t min, int64_t max, int64_t *v)
{
    char *end;
    int64_t n;
    if (number(text, &n, &end))
        return ERR_INVALID;
    for (const struct unit *u = units; u->name; u++) {
        if (strcmp(end, u->name) != 0)
            continue;
        if (__builtin_mul_overflow(n, u->factor, &n) || n < min || n > max)
            return ERR_INVALID;
        *v = n;
        return 0;
    }
    return ERR_INVALID;
}

int opt_parse_int(const char *text, int64_t min, int64_t max, int64_t *v)
{
    static const struct unit units[] = {{"", 1}, {NULL, 0}};
    return measure(text, units, min, max, v);
}

int opt_parse_bytes(const char *text, int64_t min, int64_t max, int64_t *v)
{
    static const struct unit units[] = {{"", 1},        {"k", 1 << 10}, {"K", 1 << 10},
                                        {"m", 1 << 20}, {"M", 1 << 20}, {"g", 1 << 30},
                                        {"G", 1 << 30}, {NULL, 0}};
    return measure(text, units, min, max, v);
}

int opt_parse_ms(const char *text, int64_t min, int64_t max, int64_t *v)
{
    static const struct unit units[] = {{"", 1000},   {"ms", 1},      {"s", 1000},
                                        {"m", 60000}, {"h", 3600000}, {NULL, 0}};
    return measure(text, units, min, max, v);
}

static enum opt_verdict set_choice(struct parse *ps, const struct opt *o, const char *what,
                                   const char *text)
{
    char why[HINT_ROOM] = "";
    size_t used = 0;
    for (const struct opt_choice *c = o->choices; c->name; c++) {
        if (!strcmp(c->name, text)) {
            *(int *)field(ps, o) = c->value;
            return OPT_RUN;
        }
        int n = snprintf(why + used, sizeof why - used, "%s%s", used ? ", " : "", c->name);
        used += (size_t)n < sizeof why - used ? (size_t)n : 0;
    }
    char full[2 * HINT_ROOM];
    snprintf(full, sizeof full, "'%.60s' is not one of %s", text, why);
    return misuse(ps, what, full);
}

static enum opt_verdict set_number(struct parse *ps, const struct opt *o, const char *what,
                                   const char *text)
{
    static const struct {
        int (*parse)(const char *, int64_t, int64_t, int64_t *);
        const char *sort;
    } sorts[] = {
        [OPT_INT] = {opt_parse_int, "a whole number"},
        [OPT_BYTES] = {opt_parse_bytes, "a number of bytes (64k, 1m)"},
        [OPT_MS] = {opt_parse_ms, "a time (500ms, 10s, 2m)"},
    };
    int64_t max = o->min == 0 && o->max == 0 ? INT64_MAX : o->max;
    if (!sorts[o->kind].parse(text, o->min, max, field(ps, o)))
        return OPT_RUN;
    char why[2 * HINT_ROOM];
    if (max == INT64_MAX && o->kind == OPT_INT && o->min > 0)
        snprintf(why, sizeof why, "'%.60s' is not a whole number from %lld on", text,
                 (long long)o->min);
    else if (max == INT64_MAX || o->kind == OPT_MS)
        snprintf(why, sizeof why, "'%.60s' is not %s", text, sorts[o->kind].sort);
    else
        snprintf(why, sizeof why, "'%.60s' is not %s from %lld to %lld", text, sorts[o->kind].sort,
                 (long long)o->min, (long long)max);
    return misuse(ps, what, why);
}

static enum opt_verdict add_to_list(struct parse *ps, const struct opt *o, const char *text)
{
    struct opt_list *l = field(ps, o);
    size_t i = (size_t)(o - ps->p->options);
    if (!ps->args->lists[i]) { /* the first one: room for all that argv can hold */
        l->v = calloc((size_t)ps->argc, sizeof *l->v);
        l->n = 0;
        if (!l->v) {
            err_code(ps->e, -ENOMEM, "--%s", o->name);
            return OPT_MISUSE;
        }
        ps->args->lists[i] = o;
    }
    l->v[l->n++] = text;
    return OPT_RUN;
}

static enum opt_verdict set(struct parse *ps, const struct opt *o, const char *what,
                            const char *text)
{
    ps->args->given[o - ps->p->options] = true;
    switch (o->kind) {
    case OPT_FLAG:
        *(bool *)field(ps, o) = true;
        return OPT_RUN;
    case OPT_COUNT:
        ++*(int *)field(ps, o);
        return OPT_RUN;
    case OPT_TEXT:
        *(const char **)field(ps, o) = text;
        return OPT_RUN;
    case OPT_LIST:
        return add_to_list(ps, o, text);
    case OPT_CHOICE:
        return set_choice(ps, o, what, text);
    case OPT_INT:
    case OPT_BYTES:
    case OPT_MS:
        return set_number(ps, o, what, text);
    }
    return misuse(ps, what, "cannot be set");
}

static bool takes_argument(const struct opt *o)
{
    return o->kind != OPT_FLAG && o->kind != OPT_COUNT;
}

/* Of two options the one that the command knows. Those of different commands may share a name or a
 * letter. */
static const struct opt *better(const struct parse *ps, const struct opt *a, const struct opt *b)
{
    bool a_fits = a && ps->meant && opt_belongs(ps->p, a, ps->meant);
    return a_fits || (a && !(ps->meant && opt_belongs(ps->p, b, ps->meant))) ? a : b;
}

static const struct opt *by_name(const struct parse *ps, const char *name, size_t n)
{
    const struct opt *found = NULL;
    for (size_t i = 0; i < ps->p->n_options; i++)
        if (strncmp(ps->p->options[i].name, name, n) == 0 && !ps->p->options[i].name[n])
            found = better(ps, found, &ps->p->options[i]);
    return found;
}

static const struct opt *by_letter(const struct parse *ps, char letter)
{
    const struct opt *found = NULL;
    for (size_t i = 0; i < ps->p->n_options; i++)
        if (ps->p->options[i].letter == letter)
            found = better(ps, found, &ps->p->options[i]);
    return found;
}

/* `--name`, `--name=value` or `--name value`; word is without the dashes. */
static enum opt_verdict parse_long(struct parse *ps, const char *word)
{
    for (size_t i = 0; i < sizeof standard / sizeof *standard; i++)
        if (!strcmp(word, standard[i].name))
            return standard[i].verdict;

    size_t n = strcspn(word, "=");
    const char *value = word[n] ? word + n + 1 : NULL;
    char what[HINT_ROOM];
    snprintf(what, sizeof what, "--%.*s", (int)(n < 60 ? n : 60), word);
    const struct opt *o = by_name(ps, word, n);
    if (!o)
        return misuse(ps, what, "no such option");
    if (!takes_argument(o) && value)
        return misuse(ps, what, "takes no value");
    if (takes_argument(o) && !value && ps->next < ps->argc)
        value = ps->argv[ps->next++];
    if (takes_argument(o) && !value)
        return misuse(ps, what, "needs a value");
    return set(ps, o, what, value);
}

/* The letters behind one dash: flags, the last of which may take the rest as its value. */
static enum opt_verdict parse_short(struct parse *ps, const char *letters)
{
    while (*letters) {
        if (*letters == 'h')
            return OPT_SHOW_HELP;
        const struct opt *o = by_letter(ps, *letters);
        char what[3] = {'-', *letters++, 0};
        if (!o)
            return misuse(ps, what, "no such option");
        const char *value = NULL;
        if (takes_argument(o)) {
            value = *letters ? letters : ps->next < ps->argc ? ps->argv[ps->next++] : NULL;
            if (!value)
                return misuse(ps, what, "needs a value");
            letters = "";
        }
        enum opt_verdict v = set(ps, o, what, value);
        if (v != OPT_RUN)
            return v;
    }
    return OPT_RUN;
}

/* What a program does without a command's name; NULL: it needs one. */
static const struct opt_command *unnamed(const struct opt_program *p)
{
    return p->commands[0].name ? NULL : &p->commands[0];
}

static const struct opt_command *command_named(const struct opt_program *p, const char *word)
{
    for (size_t i = 0; i < p->n_commands; i++)
        if (p->commands[i].name && !strcmp(p->commands[i].name, word))
            return &p->commands[i];
    return NULL;
}

/* A word that is no option: the command, if there are any and it is the first, else an operand. */
static enum opt_verdict parse_operand(struct parse *ps, char *word)
{
    struct opt_args *a = ps->args;
    if (!a->command && (a->command = command_named(ps->p, word)) != NULL)
        return OPT_RUN;
    if (!a->command)
        a->command = unnamed(ps->p);
    if (a->command) {
        a->operands[a->n++] = word;
        return OPT_RUN;
    }
    char what[HINT_ROOM];
    snprintf(what, sizeof what, "%.60s", word);
    return misuse(ps, what, "no such command");
}

/* Does the value of the last of these options stand in the next word? Those that share a name or a
 * letter agree on whether they take one. */
static bool takes_next(const struct parse *ps, const char *word)
{
    const struct opt *o = NULL;
    if (word[1] == '-')
        return (o = by_name(ps, word + 2, strlen(word + 2))) != NULL && takes_argument(o);
    for (const char *letter = word + 1; *letter; letter++)
        if ((o = by_letter(ps, *letter)) != NULL && takes_argument(o))
            return !letter[1];
    return false;
}

/* Options may stand before the command that says what they mean: find it first. */
static const struct opt_command *find_command(const struct parse *ps)
{
    for (int i = ps->next; i < ps->argc; i++) {
        const char *word = ps->argv[i];
        if (!strcmp(word, "--"))
            continue;
        if (word[0] == '-' && word[1]) {
            i += takes_next(ps, word);
            continue;
        }
        const struct opt_command *c = command_named(ps->p, word);
        if (c)
            return c;
        break;
    }
    return unnamed(ps->p);
}

static enum opt_verdict parse_words(struct parse *ps)
{
    bool options = true;
    while (ps->next < ps->argc) {
        char *word = ps->argv[ps->next++];
        enum opt_verdict v;
        if (options && !strcmp(word, "--")) {
            options = false;
            continue;
        }
        if (options && word[0] == '-' && word[1] == '-')
            v = parse_long(ps, word + 2);
        else if (options && word[0] == '-' && word[1])
            v = parse_short(ps, word + 1);
        else
            v = parse_operand(ps, word);
        if (v != OPT_RUN)
            return v;
    }
    return OPT_RUN;
}

/* What can only be judged when every word has been seen. */
static enum opt_verdict judge(struct parse *ps)
{
    struct opt_args *a = ps->args;
    if (!a->command)
        a->command = unnamed(ps->p);
    const struct opt_command *c = a->command;
    if (!c)
        return misuse(ps, "no command", "one has to be named");
    for (size_t i = 0; i < ps->p->n_options; i++) {
        const struct opt *o = &ps->p->options[i];
        char what[HINT_ROOM];
        snprintf(what, sizeof what, "--%s", o->name);
        if (a->given[i] && !opt_belongs(ps->p, o, c))
            return misuse(ps, what, "not an option of this command");
    }
    char why[HINT_ROOM];
    if ((int)a->n < c->min) {
        snprintf(why, sizeof why, "%s is expected", c->operands);
        return misuse(ps, "too few operands", why);
    }
    if (c->max != OPT_ANY && (int)a->n > c->max) {
        snprintf(why, sizeof why, "'%.60s' is one too many", a->operands[c->max]);
        return misuse(ps, "too many operands", why);
    }
    return OPT_RUN;
}

enum opt_verdict opt_parse(const struct opt_program *p, int argc, char **argv, void *values,
                           struct opt_args *args, struct err *e)
{
    *args = (struct opt_args){.program = p, .values = values};
    struct parse ps = {.p = p, .args = args, .argv = argv, .argc = argc, .next = 1, .e = e};
    ps.meant = find_command(&ps);
    args->operands = calloc((size_t)argc + 1, sizeof *args->operands);
    if (!args->operands) {
        err_code(e, -ENOMEM, "command line");
        return OPT_MISUSE;
    }
    enum opt_verdict v = parse_words(&ps);
    return v == OPT_RUN ? judge(&ps) : v;
}

void opt_args_release(struct opt_args *args)
{
    for (size_t i = 0; i < args->program->n_options; i++) {
        if (!args->lists[i])
            continue;
        struct opt_list *l = (void *)((char *)args->values + args->lists[i]->offset);
        free(l->v);
        *l = (struct opt_list){0};
    }
    free(args->operands);
    args->operands = NULL;
    args->n = 0;
}

bool opt_given(const struct opt_args *args, const char *name)
{
    for (size_t i = 0; i < args->program->n_options; i++)
        if (args->given[i] && !strcmp(args->program->options[i].name, name))
            return true;
    return false;
}

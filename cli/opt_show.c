/* opt_show.c - the table of a program as --help and as sections of its man page. */
#include <ctype.h>
#include <string.h>

#include "cli/opt.h"

enum { HELP_WIDTH = 80, HELP_COLUMN = 28 }; /* where the text ends and the explanations begin */

/* The options every program has, as rows to show like the others. */
static const struct opt standard_rows[] = {
    {'h', "help", NULL, OPT_FLAG, 0, "print this help"},
    {0, "version", NULL, OPT_FLAG, 0, "print the version"},
};

/* The explanation with what the table knows beside it: choices, and the commands that know the
 * option. */
static void explain(const struct opt_program *p, const struct opt *o, bool commands, char *buf,
                    size_t size)
{
    FILE *f = fmemopen(buf, size, "w");
    if (!f) {
        snprintf(buf, size, "%s", o->help);
        return;
    }
    fputs(o->help, f);
    const char *before = ": ";
    for (const struct opt_choice *c = o->choices; c && c->name; c++, before = ", ")
        fprintf(f, "%s%s", before, c->name);
    before = " (";
    commands = commands && o->commands && !(!p->commands[0].name && (o->commands & 1));
    for (size_t i = 0; commands && i < p->n_commands; i++)
        if (opt_belongs(p, o, &p->commands[i])) {
            fprintf(f, "%s%s", before, p->commands[i].name);
            before = ", ";
        }
    if (*before == ',')
        fputc(')', f);
    fclose(f);
}

/* Call f with every option to show and its explanation, the standard ones last; those of one
 * command if command is not NULL. */
static void each_option(const struct opt_program *p, const struct opt_command *command,
                        void (*f)(const struct opt *, const char *, FILE *), FILE *out)
{
    char text[1024];
    for (size_t i = 0; i < p->n_options; i++) {
        const struct opt *o = &p->options[i];
        if (o->hidden || (command && !opt_belongs(p, o, command)))
            continue;
        explain(p, o, !command, text, sizeof text);
        f(o, text, out);
    }
    for (size_t i = 0; i < sizeof standard_rows / sizeof *standard_rows; i++) {
        bool of_command =
            standard_rows[i].letter == 'h' && (p->n_commands > 1 || p->commands[0].name);
        snprintf(text, sizeof text, "%s%s", standard_rows[i].help,
                 of_command ? "; after a command: about that command" : "");
        f(&standard_rows[i], text, out);
    }
}

/* Put text from column `at` on, wrapped at HELP_WIDTH, going on from column `now`. */
static void wrap(FILE *out, int now, int at, const char *text)
{
    if (now + 2 > at) {
        fputc('\n', out);
        now = 0;
    }
    fprintf(out, "%*s", at - now, "");
    now = at;
    bool first = true;
    while (*text) {
        int n = (int)strcspn(text, " ");
        if (!first && now + 1 + n >= HELP_WIDTH) {
            fprintf(out, "\n%*s", at, "");
            now = at;
            first = true;
        }
        now += fprintf(out, "%s%.*s", first ? "" : " ", n, text);
        first = false;
        text += n + (text[n] == ' ');
    }
    fputc('\n', out);
}

static void help_option(const struct opt *o, const char *text, FILE *out)
{
    char name[128];
    if (o->letter)
        snprintf(name, sizeof name, "  -%c, --%s%s%s", o->letter, o->name, o->arg ? "=" : "",
                 o->arg ? o->arg : "");
    else
        snprintf(name, sizeof name, "      --%s%s%s", o->name, o->arg ? "=" : "",
                 o->arg ? o->arg : "");
    wrap(out, fprintf(out, "%s", name), HELP_COLUMN, text);
}

static void help_commands(const struct opt_program *p, FILE *out)
{
    fputs("\nCommands:\n", out);
    for (size_t i = 0; i < p->n_commands; i++) {
        const struct opt_command *c = &p->commands[i];
        if (!c->name)
            continue;
        int n = fprintf(out, "  %s%s%s", c->name, *c->operands ? " " : "", c->operands);
        wrap(out, n, HELP_COLUMN, c->help);
    }
}

void opt_help(const struct opt_program *p, const struct opt_command *command, FILE *out)
{
    if (!command && !p->commands[0].name)
        command = &p->commands[0];
    if (!command) {
        fprintf(out, "Usage: %s COMMAND [OPTION]... [OPERAND]...\n%s\n", p->name, p->summary);
        help_commands(p, out);
    } else {
        fprintf(out, "Usage: %s%s%s [OPTION]...%s%s\n", p->name, command->name ? " " : "",
                command->name ? command->name : "", *command->operands ? " " : "",
                command->operands);
        if (command->name)
            fprintf(out, "%c%s.\n", toupper((unsigned char)command->help[0]), command->help + 1);
        else
            fprintf(out, "%s\n", p->summary);
        if (!command->name && p->n_commands > 1)
            help_commands(p, out);
    }
    fputs("\nOptions:\n", out);
    each_option(p, command, help_option, out);
    fprintf(out, "\nMore: man %s. Exit status and formats: man 7 chronik.\n", p->name);
}

/* Text of ours inside a roff line: dashes stay dashes, backslashes and leading dots lose their
 * meaning. */
static void roff(FILE *out, const char *s)
{
    if (*s == '.' || *s == '\'')
        fputs("\\&", out);
    for (; *s; s++) {
        if (*s == '-')
            fputs("\\-", out);
        else if (*s == '\\')
            fputs("\\e", out);
        else
            fputc(*s, out);
    }
}

/* A sentence: capital at the start, full stop at the end. */
static void roff_sentence(FILE *out, const char *s)
{
    fputc(toupper((unsigned char)*s), out);
    roff(out, s + 1);
    fputs(".\n", out);
}

static void man_option(const struct opt *o, const char *text, FILE *out)
{
    fputs(".TP\n", out);
    if (o->letter)
        fprintf(out, "\\fB\\-%c\\fR, ", o->letter);
    fputs("\\fB\\-\\-", out);
    roff(out, o->name);
    fputs("\\fR", out);
    if (o->arg) {
        fputs("=\\fI", out);
        roff(out, o->arg);
        fputs("\\fR", out);
    }
    fputc('\n', out);
    roff_sentence(out, text);
}

void opt_man(const struct opt_program *p, FILE *out)
{
    if (p->n_commands > 1 || p->commands[0].name) {
        fputs(".SH COMMANDS\n", out);
        for (size_t i = 0; i < p->n_commands; i++) {
            const struct opt_command *c = &p->commands[i];
            if (!c->name)
                continue;
            fputs(".TP\n\\fB", out);
            roff(out, c->name);
            fputs("\\fR", out);
            if (*c->operands) {
                fputs(" \\fI", out);
                roff(out, c->operands);
                fputs("\\fR", out);
            }
            fputc('\n', out);
            roff_sentence(out, c->help);
        }
    }
    fputs(".SH OPTIONS\n", out);
    each_option(p, NULL, man_option, out);
}

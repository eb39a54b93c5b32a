/* opt_bash.c - a bash completion from a program's table. Topic and group names are asked from the
 * broker that the command line or the environment names, for at most a second. */
#include <string.h>

#include "cli/opt.h"

/* The function's name: dashes cannot stand in every shell's. */
static void function_name(const struct opt_program *p, FILE *out)
{
    fputc('_', out);
    for (const char *s = p->name; *s; s++)
        fputc(*s == '-' ? '_' : *s, out);
}

/* Whatever answers as a broker chooses the names: bash must expand none of them, neither here nor
 * when one stands on the command line. Those that need quotes are left out; topics have no such
 * names. */
#define FILL_NAMES(program)                                                              \
    "local name; COMPREPLY=(); while IFS= read -r name; do "                             \
    "[[ $name == \"$cur\"* && $name != *[!A-Za-z0-9._-]* ]] && COMPREPLY+=(\"$name\"); " \
    "done < <(" program " list -o names ${server:+-b \"$server\"} --timeout 1 2>/dev/null)"

static void fill_with(enum opt_fill fill, FILE *out)
{
    static const char *const how[] = {
        [OPT_FILL_NONE] = "COMPREPLY=()",
        [OPT_FILL_FILE] = "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")",
        [OPT_FILL_DIR] = "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\")",
        [OPT_FILL_TOPIC] = FILL_NAMES("chronik-topic"),
        [OPT_FILL_GROUP] = FILL_NAMES("chronik-group"),
    };
    fputs(how[fill], out);
}

static void pattern(const struct opt *o, FILE *out)
{
    fprintf(out, "--%s", o->name);
    if (o->letter)
        fprintf(out, "|-%c", o->letter);
}

static void value_of(const struct opt *o, FILE *out)
{
    if (!o->choices) {
        fill_with(o->fill, out);
        return;
    }
    fputs("COMPREPLY=($(compgen -W \"", out);
    for (const struct opt_choice *c = o->choices; c->name; c++)
        fprintf(out, "%s%s", c == o->choices ? "" : " ", c->name);
    fputs("\" -- \"$cur\"))", out);
}

/* Does it have commands to name? */
static bool has_names(const struct opt_program *p)
{
    return p->n_commands > 1 || p->commands[0].name;
}

/* Has another command an option of that name or letter? */
static bool is_shared(const struct opt_program *p, const struct opt *o)
{
    for (size_t i = 0; has_names(p) && i < p->n_options; i++) {
        const struct opt *other = &p->options[i];
        if (other != o &&
            (!strcmp(other->name, o->name) || (o->letter && other->letter == o->letter)))
            return true;
    }
    return false;
}

/* The arms of `case $prev`: what an option's value may be. Where it depends on the command, the
 * arms are tried one after the other. */
static void values(const struct opt_program *p, FILE *out)
{
    for (size_t i = 0; i < p->n_options; i++) {
        const struct opt *o = &p->options[i];
        bool shared = o->arg && is_shared(p, o);
        if (!o->arg)
            continue;
        fputs("    ", out);
        pattern(o, out);
        fputs(shared ? ") [[ \"" : ") ", out);
        for (size_t k = 0; shared && k < p->n_commands; k++)
            if (opt_belongs(p, o, &p->commands[k]))
                fprintf(out, " %s", p->commands[k].name ? p->commands[k].name : "");
        fputs(shared ? " \" == *\" $command \"* ]] && { " : "", out);
        value_of(o, out);
        fputs(shared ? "; return; } ;;&\n" : "; return ;;\n", out);
    }
}

static void option_words(const struct opt_program *p, const struct opt_command *c, FILE *out)
{
    for (size_t i = 0; i < p->n_options; i++) {
        const struct opt *o = &p->options[i];
        if (!o->hidden && opt_belongs(p, o, c))
            fprintf(out, "--%s%s ", o->name, o->arg ? "=" : "");
    }
    fputs("--help --version", out);
}

static void command_arm(const struct opt_program *p, const struct opt_command *c, FILE *out)
{
    fprintf(out, "    \"%s\")\n        options=\"", c->name);
    option_words(p, c, out);
    fputs("\"\n        [[ $cur == -* ]] || { ", out);
    fill_with(c->fill, out);
    fputs("; return; } ;;\n", out);
}

static void words(const struct opt_program *p, const struct opt_choice *own, FILE *out)
{
    const char *before = "";
    for (size_t i = 0; i < p->n_commands; i++)
        if (p->commands[i].name) {
            fprintf(out, "%s%s", before, p->commands[i].name);
            before = " ";
        }
    for (; own && own->name; own++, before = " ")
        fprintf(out, "%s%s", before, own->name);
}

/* Where no command is named: its name may come yet, or what the program does without one is meant.
 */
static void unnamed_arm(const struct opt_program *p, FILE *out)
{
    const struct opt_command *c = p->commands[0].name ? NULL : &p->commands[0];
    fputs("    *)\n        options=\"", out);
    if (c)
        option_words(p, c, out);
    else
        fputs("--help --version", out);
    fputs("\"\n        [[ $cur == -* ]] || { ", out);
    if (has_names(p)) {
        fputs("[[ $command ]] || COMPREPLY=($(compgen -W \"", out);
        words(p, c ? c->words : NULL, out);
        fputs("\" -- \"$cur\"))", out);
    } else {
        fill_with(c->fill, out);
    }
    fputs("; return; } ;;\n", out);
}

static void command_arms(const struct opt_program *p, FILE *out)
{
    for (size_t i = 0; i < p->n_commands; i++)
        if (p->commands[i].name)
            command_arm(p, &p->commands[i], out);
    unnamed_arm(p, out);
}

/* A shell pattern that matches an option whose value is the next word. */
static void valued_pattern(const struct opt_program *p, FILE *out)
{
    const char *before = "";
    for (size_t i = 0; i < p->n_options; i++)
        if (p->options[i].arg) {
            fputs(before, out);
            pattern(&p->options[i], out);
            before = "|";
        }
    fputs(*before ? "" : "--", out);
}

void opt_bash(const struct opt_program *p, FILE *out)
{
    fprintf(out, "# bash completion for %s; made from the program's table of options\n", p->name);
    function_name(p, out);
    fputs("()\n{\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    local command= server= options= i\n"
          "    # bash splits --name=value into three words\n"
          "    [[ $prev == = ]] && prev=${COMP_WORDS[COMP_CWORD-2]}\n"
          "    [[ $cur == = ]] && cur=\n"
          "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
          "        case ${COMP_WORDS[i]} in\n"
          "        -b|--bootstrap-server)\n"
          "            [[ ${COMP_WORDS[i+1]} == = ]] && ((i++))\n"
          "            server=${COMP_WORDS[i+1]} ; ((i++))\n"
          "            # and the colon of host:port makes words of its own\n"
          "            while [[ ${COMP_WORDS[i+1]} == : ]]; do\n"
          "                server+=:${COMP_WORDS[i+2]}; ((i += 2))\n"
          "            done ;;\n        ",
          out);
    valued_pattern(p, out);
    fputs(") [[ ${COMP_WORDS[i+1]} == = ]] && ((i++)); ((i++)) ;;\n"
          "        -*) ;;\n",
          out);
    if (has_names(p))
        fputs("        *) command=${command:-${COMP_WORDS[i]}} ;;\n", out);
    fputs("        esac\n"
          "    done\n"
          "    case $prev in\n",
          out);
    values(p, out);
    fputs("    esac\n    case $command in\n", out);
    command_arms(p, out);
    fputs("    esac\n"
          "    COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
          "    [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
          "}\n"
          "complete -F ",
          out);
    function_name(p, out);
    fprintf(out, " %s\n", p->name);
}

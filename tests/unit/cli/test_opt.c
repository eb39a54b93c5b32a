#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "cli/opt.h"

struct values {
    bool force;
    int verbose;
    const char *file;
    struct opt_list configs;
    int64_t partitions, size, wait;
    int format;
    const char *dir;
};

enum { CREATE, LIST, MEND };
static const struct opt_choice formats[] = {{"text", 0}, {"json", 7}, {NULL, 0}};
#define AT(member) offsetof(struct values, member)
static const struct opt options[] = {
    {'f', "force", NULL, OPT_FLAG, AT(force), "do it", .commands = 1u << CREATE},
    {'v', "verbose", NULL, OPT_COUNT, AT(verbose), "say more"},
    {0, "file", "FILE", OPT_TEXT, AT(file), "where from", .fill = OPT_FILL_FILE},
    {0, "config", "K=V", OPT_LIST, AT(configs), "a setting"},
    {'p', "partitions", "N", OPT_INT, AT(partitions), "how many", .min = 1, .max = 100},
    {'s', "size", "BYTES", OPT_BYTES, AT(size), "how large"},
    {'w', "wait", "TIME", OPT_MS, AT(wait), "how long", .max = OPT_MS_MAX},
    {0, "output", "DIR", OPT_TEXT, AT(dir), "where to", .commands = 1u << MEND},
    {'o', "output", "FORMAT", OPT_CHOICE, AT(format), "format", .choices = formats,
     .commands = 1u << CREATE | 1u << LIST},
    {'o', "format", "FORMAT", OPT_CHOICE, AT(format), "format", .choices = formats,
     .commands = 1u << MEND},
    {0, "old-name", NULL, OPT_FLAG, AT(force), "not shown", .hidden = true},
};
static const struct opt_command commands[] = {
    [CREATE] = {"create", "NAME...", 1, OPT_ANY, "create things", OPT_FILL_TOPIC, NULL},
    [LIST] = {"list", "", 0, 0, "list things", OPT_FILL_NONE, NULL},
    [MEND] = {"mend", "", 0, 0, "mend things", OPT_FILL_NONE, NULL},
};
static const struct opt_program program = {"prog", "Do things.", OPT_TABLE(options),
                                           OPT_COMMANDS(commands)};

static struct values values;
static struct opt_args args;
static struct err error;

/* A program that does something without a command, and something else with one. */
enum { RUN, WEIGH };
static const struct opt_choice modes[] = {{"fast", 0}, {"slow", 1}, {NULL, 0}};
static const struct opt mixed_options[] = {
    {'s', "size", "BYTES", OPT_BYTES, AT(size), "how large"},
    {'v', "verbose", NULL, OPT_COUNT, AT(verbose), "say more", .commands = 1u << RUN | 1u << WEIGH},
    {0, "file", "FILE", OPT_TEXT, AT(file), "against what", .commands = 1u << WEIGH},
};
static const struct opt_command mixed_commands[] = {
    [RUN] = {NULL, "[MODE]", 0, 1, "run", OPT_FILL_NONE, NULL, .words = modes},
    [WEIGH] = {"weigh", "A B", 2, 2, "weigh results", OPT_FILL_FILE, NULL, .own_options = true},
};
static const struct opt_program mixed = {"mixed", "Run things.", OPT_TABLE(mixed_options),
                                         OPT_COMMANDS(mixed_commands)};

/* Parse the words, split at spaces. */
static enum opt_verdict parse_as(const struct opt_program *p, const char *line)
{
    static char text[256];
    static char *argv[32];
    int argc = 0;
    snprintf(text, sizeof text, "%s", line);
    for (char *w = strtok(text, " "); w; w = strtok(NULL, " "))
        argv[argc++] = w;
    values = (struct values){.partitions = -1};
    error = (struct err){0};
    return opt_parse(p, argc, argv, &values, &args, &error);
}

static enum opt_verdict parse(const char *line)
{
    return parse_as(&program, line);
}

/* The line must be refused, saying what and why. */
static void refused(const char *line, const char *what)
{
    ck_assert_msg(parse(line) == OPT_MISUSE, "accepted: %s", line);
    ck_assert_msg(strstr(error.text, what) != NULL, "%s: '%s' lacks '%s'", line, error.text, what);
    ck_assert_msg(strstr(error.text, "--help'") != NULL, "%s: no hint: %s", line, error.text);
    opt_args_release(&args);
}

START_TEST(commands_may_share_names_and_letters)
{
    static const char *const lines[] = {
        "prog mend --output list -o json", "prog --output list -vo json mend",
        "prog --output=list -ojson mend", "prog --output list mend --format json"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        ck_assert_int_eq(parse(lines[i]), OPT_RUN);
        ck_assert_str_eq(values.dir, "list");
        ck_assert_int_eq(values.format, 7);
        opt_args_release(&args);
    }
    ck_assert_int_eq(parse("prog -o json list"), OPT_RUN);
    ck_assert_int_eq(values.format, 7);
    ck_assert_ptr_null(values.dir);
    opt_args_release(&args);
    refused("prog --output list create a", "not one of text, json");
    refused("prog list --format json", "not an option of this command");
}
END_TEST

START_TEST(short_and_long_forms_mean_the_same)
{
    static const char *const lines[] = {
        "prog create -p 3 -vf a",
        "prog create -p3 -v -f a",
        "prog -p 3 create a -f --verbose",
        "prog create --partitions=3 a --force -v",
        "prog --partitions 3 -fv create -- a",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        ck_assert_msg(parse(lines[i]) == OPT_RUN, "%s: %s", lines[i], error.text);
        ck_assert_ptr_eq(args.command, &commands[CREATE]);
        ck_assert_int_eq(values.partitions, 3);
        ck_assert_int_eq(values.verbose, 1);
        ck_assert(values.force);
        ck_assert_uint_eq(args.n, 1);
        ck_assert_str_eq(args.operands[0], "a");
        ck_assert(opt_given(&args, "partitions") && !opt_given(&args, "size"));
        opt_args_release(&args);
    }
}
END_TEST

START_TEST(numbers_carry_units_and_bounds)
{
    ck_assert_int_eq(parse("prog list -s 64k -w 1500ms -p100"), OPT_RUN);
    ck_assert_int_eq(values.size, 65536);
    ck_assert_int_eq(values.wait, 1500);
    ck_assert_int_eq(values.partitions, 100);
    opt_args_release(&args);
    int64_t v = 0;
    ck_assert_ok(opt_parse_ms("2m", 0, OPT_MS_MAX, &v));
    ck_assert_int_eq(v, 120000);
    ck_assert_ok(opt_parse_ms("7", 0, OPT_MS_MAX, &v));
    ck_assert_int_eq(v, 7000);
    ck_assert_ok(opt_parse_int("-9223372036854775808", INT64_MIN, INT64_MAX, &v));
    ck_assert_int_eq(v, INT64_MIN);
    ck_assert_int_eq(opt_parse_int("9223372036854775808", INT64_MIN, INT64_MAX, &v), ERR_INVALID);
    ck_assert_int_eq(opt_parse_bytes("9007199254740992k", 0, INT64_MAX, &v), ERR_INVALID);
    ck_assert_int_eq(opt_parse_int("", 0, 9, &v), ERR_INVALID);
    ck_assert_int_eq(opt_parse_int(" 1", 0, 9, &v), ERR_INVALID);
    ck_assert_int_eq(opt_parse_int("+1", 0, 9, &v), ERR_INVALID);
    ck_assert_int_eq(opt_parse_int("-", -9, 9, &v), ERR_INVALID);
    ck_assert_int_eq(opt_parse_int("1x", 0, 9, &v), ERR_INVALID);
    refused("prog list -p 0", "from 1 to 100");
    refused("prog list -p 101", "'101'");
    refused("prog list -w fast", "a time");
}
END_TEST

START_TEST(lists_and_choices)
{
    ck_assert_int_eq(parse("prog create x --config a=1 -o json --config=b=2 y -"), OPT_RUN);
    ck_assert_uint_eq(values.configs.n, 2);
    ck_assert_str_eq(values.configs.v[0], "a=1");
    ck_assert_str_eq(values.configs.v[1], "b=2");
    ck_assert_int_eq(values.format, 7);
    ck_assert_uint_eq(args.n, 3);
    ck_assert_str_eq(args.operands[2], "-");
    opt_args_release(&args);
    refused("prog list -o yaml", "'yaml' is not one of text, json");
}
END_TEST

START_TEST(wrong_use_is_refused_with_a_hint)
{
    refused("prog", "no command");
    refused("prog explode", "explode: no such command");
    refused("prog list --frobnicate", "--frobnicate: no such option");
    refused("prog list -x", "-x: no such option");
    refused("prog list --part 3", "--part: no such option");
    refused("prog list -p", "-p: needs a value");
    refused("prog list --partitions", "--partitions: needs a value");
    refused("prog create --force=yes a", "takes no value");
    refused("prog list --force", "not an option of this command");
    refused("prog create", "too few operands");
    refused("prog list a", "'a' is one too many");
    refused("prog list a", "try 'prog list --help'");
}
END_TEST

START_TEST(help_and_version_stop_the_parsing)
{
    static const struct {
        const char *line;
        enum opt_verdict verdict;
    } cases[] = {
        {"prog --help", OPT_SHOW_HELP},      {"prog -h", OPT_SHOW_HELP},
        {"prog list -vh", OPT_SHOW_HELP},    {"prog --help=man", OPT_SHOW_MAN},
        {"prog --help=bash", OPT_SHOW_BASH}, {"prog --version --nonsense", OPT_SHOW_VERSION},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(parse(cases[i].line), cases[i].verdict);
        opt_args_release(&args);
    }
}
END_TEST

/* What show writes, for the whole program. */
static const char *shown(void (*show)(FILE *))
{
    static char text[16384];
    memset(text, 0, sizeof text);
    FILE *f = fmemopen(text, sizeof text - 1, "w");
    ck_assert_ptr_nonnull(f);
    show(f);
    fclose(f);
    return text;
}

static void show_help(FILE *f)
{
    opt_help(&program, NULL, f);
}
static void show_list_help(FILE *f)
{
    opt_help(&program, &commands[LIST], f);
}
static void show_man(FILE *f)
{
    opt_man(&program, f);
}
static void show_mixed_help(FILE *f)
{
    opt_help(&mixed, NULL, f);
}
static void show_weigh_help(FILE *f)
{
    opt_help(&mixed, &mixed_commands[WEIGH], f);
}
static void show_mixed_man(FILE *f)
{
    opt_man(&mixed, f);
}
static void show_mixed_bash(FILE *f)
{
    opt_bash(&mixed, f);
}
static void show_bash(FILE *f)
{
    opt_bash(&program, f);
}

START_TEST(every_form_shows_the_whole_table)
{
    static void (*const forms[])(FILE *) = {show_help, show_man, show_bash};
    for (size_t f = 0; f < 3; f++) {
        const char *text = shown(forms[f]);
        for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
            char name[32];
            snprintf(name, sizeof name, "%s", options[i].name);
            bool there = strstr(text, name) != NULL;
            ck_assert_msg(there == !options[i].hidden, "form %zu: %s", f, name);
        }
        ck_assert(strstr(text, "create") && strstr(text, "json"));
    }
    ck_assert_ptr_null(strstr(shown(show_list_help), "--force"));
    ck_assert_ptr_nonnull(strstr(shown(show_man), "\\fB\\-p\\fR, \\fB\\-\\-partitions\\fR=\\fIN"));
}
END_TEST

START_TEST(help_stays_within_a_terminal)
{
    const char *text = shown(show_help);
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
        ck_assert_uint_le(strcspn(line, "\n"), 80);
}
END_TEST

START_TEST(a_program_may_work_without_its_commands)
{
    static const struct {
        const char *line;
        int command;
        size_t operands;
    } rows[] = {{"mixed", RUN, 0},
                {"mixed -s 1k", RUN, 0},
                {"mixed fast -v", RUN, 1},
                {"mixed weigh a b -v", WEIGH, 2},
                {"mixed --file x weigh a b", WEIGH, 2},
                {"mixed weigh a weigh", WEIGH, 2}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_msg(parse_as(&mixed, rows[i].line) == OPT_RUN, "%s: %s", rows[i].line,
                      error.text);
        ck_assert_ptr_eq(args.command, &mixed_commands[rows[i].command]);
        ck_assert_uint_eq(args.n, rows[i].operands);
        opt_args_release(&args);
    }
}
END_TEST

START_TEST(a_command_may_know_only_options_that_name_it)
{
    static const char *const lines[] = {"mixed weigh a b -s 1", "mixed fast --file x",
                                        "mixed weigh a", "mixed fast weigh"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        ck_assert_msg(parse_as(&mixed, lines[i]) == OPT_MISUSE, "accepted: %s", lines[i]);
        opt_args_release(&args);
    }
    ck_assert_ptr_null(strstr(shown(show_mixed_help), "--file"));
    ck_assert_ptr_nonnull(strstr(shown(show_mixed_help), "weigh A B"));
    ck_assert_ptr_nonnull(strstr(shown(show_mixed_help), "say more\n"));
    ck_assert_ptr_null(strstr(shown(show_weigh_help), "--size"));
    ck_assert_ptr_nonnull(strstr(shown(show_weigh_help), "mixed weigh [OPTION]... A B"));
    ck_assert_ptr_nonnull(strstr(shown(show_mixed_man), "Against what (weigh)."));
    ck_assert_ptr_null(strstr(shown(show_mixed_man), "null"));
    ck_assert_ptr_nonnull(strstr(shown(show_mixed_bash), "\"weigh fast slow\""));
    ck_assert_ptr_null(strstr(shown(show_mixed_bash), "null"));
}
END_TEST

UNIT_MAIN(commands_may_share_names_and_letters, short_and_long_forms_mean_the_same,
          numbers_carry_units_and_bounds, lists_and_choices, wrong_use_is_refused_with_a_hint,
          help_and_version_stop_the_parsing, every_form_shows_the_whole_table,
          help_stays_within_a_terminal, a_program_may_work_without_its_commands,
          a_command_may_know_only_options_that_name_it)

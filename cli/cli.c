#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/utf8.h"
#include "client/address.h"

/* The program's name and how much it shall say: set once by cli_main, before anything speaks. */
static struct {
    const char *name;
    bool quiet;
    int verbose;
    int output_errno; /* why standard output failed, if that is known */
} self = {.name = "chronik"};

const struct opt_choice cli_formats[] = {{"text", OUT_TEXT},   {"json", OUT_JSON},
                                         {"jsonl", OUT_JSONL}, {"csv", OUT_CSV},
                                         {"names", OUT_NAMES}, {NULL, 0}};
const struct opt_choice cli_formats_unnamed[] = {
    {"text", OUT_TEXT}, {"json", OUT_JSON}, {"jsonl", OUT_JSONL}, {"csv", OUT_CSV}, {NULL, 0}};

const char *cli_name(void)
{
    return self.name;
}

void cli_output_failed(int number)
{
    self.output_errno = number;
}

/* A terminal obeys control characters, those of C1 and those in bytes that are no UTF-8 too. */
static void disarm(char *line)
{
    size_t left = strlen(line);
    for (uint8_t *p = (uint8_t *)line; left > 0;) {
        uint32_t code = 0;
        int n = utf8_next(p, left, &code);
        bool harmless = n && code >= 0x20 && (code < 0x7f || code > 0x9f);
        n = n ? n : 1;
        if (!harmless)
            memset(p, '?', (size_t)n);
        p += n;
        left -= (size_t)n;
    }
}

/* What was written to standard output so far goes first, so that a terminal shows both in order. */
static void speak(const char *fmt, va_list ap)
{
    char line[1024];
    vsnprintf(line, sizeof line, fmt, ap);
    disarm(line);
    fflush(stdout);
    fprintf(stderr, "%s: %s\n", self.name, line);
}

void cli_error(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    speak(fmt, ap);
    va_end(ap);
}

void cli_warn(const char *fmt, ...)
{
    if (self.quiet)
        return;
    va_list ap;
    va_start(ap, fmt);
    speak(fmt, ap);
    va_end(ap);
}

void cli_say(int level, const char *fmt, ...)
{
    if (self.verbose < level)
        return;
    va_list ap;
    va_start(ap, fmt);
    speak(fmt, ap);
    va_end(ap);
}

enum cli_exit cli_exit_of(int code)
{
    switch (code) {
    case 0:
        return CLI_OK;
    case ERR_NOTFOUND:
    case -ENOENT:
        return CLI_NOT_FOUND;
    case ERR_EXISTS:
    case -EEXIST:
        return CLI_EXISTS;
    case ERR_UNREACHABLE:
    case ERR_TIMEOUT:
    case ERR_CLOSED:
    case ERR_UNKNOWN_OUTCOME:
    case -ECONNREFUSED:
    case -ECONNRESET:
    case -ETIMEDOUT:
    case -EHOSTUNREACH:
    case -ENETUNREACH:
        return CLI_UNREACHABLE;
    case ERR_UNAUTHORISED: /* a file that may not be read is one that could not be */
        return CLI_UNAUTHORISED;
    case ERR_CHECK:
    case ERR_CORRUPT:
    case ERR_CRC:
        return CLI_CHECK;
    case ERR_INTERRUPTED:
        return CLI_INTERRUPTED;
    default:
        return CLI_FAILED;
    }
}

enum cli_exit cli_fail(const struct err *e)
{
    if (e->code == ERR_INTERRUPTED) /* whoever pressed Ctrl-C knows why */
        cli_say(1, "%s", e->text);
    else
        cli_error("%s", e->text);
    return cli_exit_of(e->code);
}

enum cli_exit cli_fail_code(int code, const char *what)
{
    struct err e;
    err_code(&e, code, "%s", what);
    return cli_fail(&e);
}

enum cli_exit cli_misuse(const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    cli_error("%s (try '%s --help')", text, self.name);
    return CLI_USAGE;
}

void cli_tally_add(struct cli_tally *t, enum cli_exit status)
{
    if (status == CLI_OK) {
        t->good++;
        return;
    }
    t->status = t->bad && t->status != status ? CLI_PARTLY : status;
    t->bad++;
}

enum cli_exit cli_tally_exit(const struct cli_tally *t)
{
    return !t->bad ? CLI_OK : t->good ? CLI_PARTLY : t->status;
}

/* A full disk shows up only now, when the last buffer is written. */
static int finish(int status)
{
    bool failed = ferror(stdout) != 0;
    errno = 0;
    if (fclose(stdout)) {
        failed = true;
        self.output_errno = errno;
    }
    if (!failed)
        return status;
    cli_error("standard output: %s",
              self.output_errno ? strerror(self.output_errno) : "write error");
    return status == CLI_OK ? CLI_FAILED : status;
}

/* What was typed; what stands in the environment is looked at by who connects. */
static int check_bootstrap(const char *list, struct err *e)
{
    struct client_address a;
    int rc;
    do
        rc = client_address_next(&list, &a, e);
    while (rc > 0);
    return rc;
}

/* Where standard input, output or error is closed, the first file or socket that is opened would
 * become it. What stands in for it can be neither read nor written, so that using it still fails. */
static bool reserve_standard(void)
{
    static const int wrong_way[] = {O_WRONLY, O_RDONLY, O_RDONLY};
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", wrong_way[fd]) != fd)
            return false;
    }
    return true;
}

static void complete(struct cli_common *c)
{
    if (!c->bootstrap)
        c->bootstrap = getenv("CHRONIK_BOOTSTRAP");
    if (!c->bootstrap || !*c->bootstrap)
        c->bootstrap = "127.0.0.1:9092";
    self.quiet = c->quiet;
    self.verbose = c->verbose;
}

int cli_main(const struct opt_program *p, int argc, char **argv, void *values,
             struct cli_common *common)
{
    struct opt_args args;
    struct err e = {0};
    int status = CLI_OK;
    self.name = p->name;
    signal(SIGPIPE, SIG_DFL);
    if (!reserve_standard())
        return CLI_FAILED;
    switch (opt_parse(p, argc, argv, values, &args, &e)) {
    case OPT_RUN:
        if (common->bootstrap && check_bootstrap(common->bootstrap, &e)) {
            status = cli_misuse("-b: %s", e.text);
            break;
        }
        complete(common);
        status =
            p->prepare && p->prepare(&e) ? (int)cli_fail(&e) : args.command->run(values, &args);
        break;
    case OPT_SHOW_HELP:
        opt_help(p, args.command, stdout);
        break;
    case OPT_SHOW_MAN:
        opt_man(p, stdout);
        break;
    case OPT_SHOW_BASH:
        opt_bash(p, stdout);
        break;
    case OPT_SHOW_VERSION:
        printf("%s (Chronik) %s\n", p->name, CHRONIK_VERSION);
        break;
    case OPT_MISUSE:
        cli_error("%s", e.text);
        status = CLI_USAGE;
        break;
    }
    opt_args_release(&args);
    return finish(status);
}

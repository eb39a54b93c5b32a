/* main.c - chronikd: the command line, the port file, a life from start to stop. Everything else is
 * libbroker. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "broker/server.h"
#include "broker/settings.h"
#include "broker/settings_man.h"
#include "broker/signals.h"
#include "cli/opt.h"

enum { STATUS_FAILED = 1, STATUS_USAGE = 2, GRACE_MS = 5000 };

struct options {
    const char *config, *dir, *listen, *port_file;
    struct opt_list set;
    bool check;
};
#define AT(member) offsetof(struct options, member)

static int run(void *values, const struct opt_args *args);

static const struct opt options[] = {
    {'c', "config", "FILE", OPT_TEXT, AT(config), "read settings from a JSON file",
     .fill = OPT_FILL_FILE},
    {'D', "data-dir", "DIR", OPT_TEXT, AT(dir),
     "the data directory, created if missing (default ./chronik-data)", .fill = OPT_FILL_DIR},
    {'l', "listen", "HOST:PORT", OPT_TEXT, AT(listen),
     "where to listen (default 127.0.0.1:9092); port 0 picks a free one"},
    {0, "port-file", "FILE", OPT_TEXT, AT(port_file),
     "write the port to FILE once clients are served", .fill = OPT_FILL_FILE},
    {0, "set", "NAME=VALUE", OPT_LIST, AT(set), "set a setting; may be given several times"},
    {0, "check-config", NULL, OPT_FLAG, AT(check),
     "check the settings, print all that would hold, and exit"},
};
static const struct opt_command commands[] = {
    {NULL, "", 0, 0, "serve Kafka clients", OPT_FILL_NONE, run},
};
static const struct opt_program program = {"chronikd", "A durable log broker that speaks Kafka.",
                                           OPT_TABLE(options), OPT_COMMANDS(commands)};

static int fail(int status, const struct err *e)
{
    fprintf(stderr, "chronikd: %s\n", e->text);
    return status;
}

/* Has what was printed gone where it should? */
static int printed(void)
{
    struct err e;
    if (!fflush(stdout) && !ferror(stdout))
        return 0;
    err_code(&e, errno ? -errno : -EIO, "standard output");
    return fail(STATUS_FAILED, &e);
}

/* ---- settings */

static int set(struct settings *s, const char *name, const char *value, struct err *e)
{
    return value ? settings_set(s, name, span_str(value), SETTING_ARGUMENT, e) : 0;
}

/* What others wrote: the file, the environment. */
static int load_settings(struct settings *s, const struct options *o, struct err *e)
{
    int rc = settings_init(s);
    if (rc)
        return err_code(e, rc, "settings");
    if (o->config)
        rc = settings_file(s, o->config, e);
    return rc ? rc : settings_environment(s, e);
}

/* What stands on the command line. */
static int override_settings(struct settings *s, const struct options *o, struct err *e)
{
    int rc = set(s, "log.dir", o->dir, e);
    if (!rc)
        rc = set(s, "listeners", o->listen, e);
    for (size_t i = 0; i < o->set.n && !rc; i++)
        rc = settings_argument(s, o->set.v[i], e);
    return rc;
}

/* ---- life */

/* The port file is whole once it has its name; but the port is of no use after a crash, so nothing
 * is synced. It is made before clients are served: one that cannot be is no reason to serve them
 * and then to leave. */
struct port_file {
    struct io_file *f; /* NULL: none was asked for, or it has its name */
    char tmp[IO_PATH_MAX];
};

static int begin_port_file(struct port_file *p, const char *path, struct err *e)
{
    /* A name of its own: another chronikd may be about to serve, and this one to be refused. */
    int n = snprintf(p->tmp, sizeof p->tmp, "%s.%ld.tmp", path, (long)getpid());
    int rc = -ENAMETOOLONG;
    if (n < (int)sizeof p->tmp)
        rc = io_open(io_posix(), p->tmp, IO_WRITE | IO_CREATE | IO_TRUNC, &p->f);
    return rc ? err_code(e, rc, "%s", path) : 0;
}

static int finish_port_file(struct port_file *p, const char *path, uint16_t port, struct err *e)
{
    char text[8];
    int n = snprintf(text, sizeof text, "%u\n", port);
    int rc = io_pwrite(p->f, text, (size_t)n, 0);
    if (!rc)
        rc = io_rename(io_posix(), p->tmp, path);
    if (rc)
        return err_code(e, rc, "%s", path);
    io_close(p->f);
    p->f = NULL;
    return 0;
}

/* Out of a start that is not to go on: on another thread, while main is anywhere in it. */
static void leave_no_port_file(void *arg)
{
    const struct port_file *port = arg;
    if (port->f)
        io_unlink(io_posix(), port->tmp);
}

static void serve_until_told(struct server *server)
{
    while (signals_wait() == SIGUSR1)
        server_log_stats(server);
}

/* Serve until told to stop. */
static int serve_until_stopped(const struct settings *s, const struct options *o,
                               struct port_file *port, struct log *log, struct err *e)
{
    struct server *server;
    int rc = signals_catch(STATUS_FAILED, leave_no_port_file, port, e);
    if (rc)
        return rc;
    rc = server_start(&server, s, log, e);
    signals_started();
    if (rc)
        return rc;
    if (o->port_file)
        rc = finish_port_file(port, o->port_file, server_port(server), e);
    if (!rc)
        serve_until_told(server);
    log_info(log, "broker", "stopping");
    if (log->level >= LOG_DEBUG)
        server_log_stats(server);
    server_stop(server, GRACE_MS);
    log_info(log, "broker", "stopped");
    return rc;
}

static int serve_clients(const struct settings *s, const struct options *o, struct log *log,
                         struct err *e)
{
    struct port_file port = {.f = NULL};
    int rc = o->port_file ? begin_port_file(&port, o->port_file, e) : 0;
    if (rc)
        return rc;
    rc = serve_until_stopped(s, o, &port, log, e);
    if (port.f) {
        io_close(port.f);
        io_unlink(io_posix(), port.tmp);
    }
    return rc;
}

static int serve(const struct settings *s, const struct options *o)
{
    struct log log;
    struct err e = {0};
    log_init(&log, STDERR_FILENO, (enum log_level)s->log_level, clock_system());
    return serve_clients(s, o, &log, &e) ? fail(STATUS_FAILED, &e) : 0;
}

static int run(void *values, const struct opt_args *args)
{
    (void)args;
    const struct options *o = values;
    struct settings s;
    struct err e = {0};
    int status;
    if (load_settings(&s, o, &e)) {
        status = fail(STATUS_FAILED, &e);
    } else if (override_settings(&s, o, &e)) {
        status = fail(STATUS_USAGE, &e);
    } else if (settings_resolve(&s, &e)) {
        status = fail(STATUS_FAILED, &e);
    } else if (o->check) {
        settings_print(&s, stdout);
        status = printed();
    } else {
        status = serve(&s, o);
    }
    settings_release(&s);
    return status;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    struct opt_args args;
    struct err e = {0};
    int status = 0;
    switch (opt_parse(&program, argc, argv, &o, &args, &e)) {
    case OPT_RUN:
        status = run(&o, &args);
        break;
    case OPT_SHOW_HELP:
        opt_help(&program, args.command, stdout);
        status = printed();
        break;
    case OPT_SHOW_MAN:
        opt_man(&program, stdout);
        settings_man(stdout);
        status = printed();
        break;
    case OPT_SHOW_BASH:
        opt_bash(&program, stdout);
        status = printed();
        break;
    case OPT_SHOW_VERSION:
        printf("chronikd %s\n", CHRONIK_VERSION);
        status = printed();
        break;
    case OPT_MISUSE:
        status = fail(STATUS_USAGE, &e);
        break;
    }
    opt_args_release(&args);
    return status;
}

#include "cli/session.h"

static void tell(void *ctx, const char *line)
{
    (void)ctx;
    cli_say(1, "%s; trying again", line);
}

void cli_session(struct client_cluster *c, const struct cli_common *o, int interrupt_fd)
{
    struct client_options options = {
        .bootstrap = o->bootstrap,
        .name = cli_name(),
        .interrupt_fd = interrupt_fd,
        .trace = tell,
    };
    client_cluster_init(c, &options);
    client_begin(c, o->timeout_ms);
}

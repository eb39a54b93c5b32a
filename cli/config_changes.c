#include "cli/config_changes.h"

#include <stdlib.h>
#include <string.h>

static int cut(const char *option, char *text, struct client_config_change *c)
{
    char *equals = strchr(text, '=');
    if (c->op == CLIENT_CONFIG_DELETE) {
        if (equals || !*text)
            return cli_misuse("%s: '%s' is no setting's name", option, text);
        c->name = text;
        return CLI_OK;
    }
    if (!equals || equals == text)
        return cli_misuse("%s: '%s' is not KEY=VALUE", option, text);
    *equals = 0;
    c->name = text;
    c->value = equals + 1;
    return CLI_OK;
}

int config_changes_add(struct config_changes *c, const char *option, enum client_config_op op,
                       const struct opt_list *texts)
{
    struct client_config_change *v = reallocarray(c->v, c->n + texts->n + 1, sizeof *v);
    if (!v) {
        cli_error("settings: out of memory");
        return CLI_FAILED;
    }
    c->v = v;
    for (size_t i = 0; i < texts->n; i++) {
        v[c->n] = (struct client_config_change){.op = op};
        int status = cut(option, (char *)texts->v[i], &v[c->n]);
        if (status)
            return status;
        c->n++;
    }
    return CLI_OK;
}

void config_changes_release(struct config_changes *c)
{
    free(c->v);
}

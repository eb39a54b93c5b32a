/* config_changes.h - settings to be altered, as options name them. */
#ifndef CLI_CONFIG_CHANGES_H
#define CLI_CONFIG_CHANGES_H

#include "cli/cli.h"
#include "client/configs.h"

/* Texts are argv's, which gets cut at the equals signs. */
struct config_changes {
    struct client_config_change *v;
    size_t n;
};

/* Add a change for each text of an option: KEY=VALUE, or KEY to delete. An exit status; a bad text
 * is wrong use. config_changes_release in every case. */
int config_changes_add(struct config_changes *c, const char *option, enum client_config_op op,
                       const struct opt_list *texts);
void config_changes_release(struct config_changes *c);

#endif

/* apply.h - the effect of one decoded command, for commands of the log and records of snapshots
 * alike. */
#ifndef META_APPLY_H
#define META_APPLY_H

#include "meta/image.h"

/* Change the draft as the command says; msg is the type's struct meta_<schema>. A refused command
 * leaves the draft as it was and its reason in res->code. Scratch memory is taken from a. 0 or
 * -ENOMEM, the draft being as it was then too. */
int apply_message(struct meta_image *draft, enum meta_command_type type, const void *msg,
                  struct arena *a, struct meta_result *res);

#endif

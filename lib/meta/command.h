/* command.h - encoded commands, for the files of this room. */
#ifndef META_COMMAND_H
#define META_COMMAND_H

#include "meta/meta.h"

/* What decoding and applying one command or record may allocate: several times what the META_*_MAX
 * limits allow, far below what a lying count could ask for. */
enum { COMMAND_MEMORY = 64 << 20 };

struct command {
    enum meta_command_type type;
    int16_t version;
    const struct kp_schema *schema;
    const void *msg; /* struct meta_<schema>, from the arena; points into the bytes */
};

/* 0; -ENOMEM; ERR_UNSUPPORTED; ERR_MALFORMED; ERR_TOOBIG if the arena's cap does not hold it. */
int command_decode(struct span bytes, struct arena *a, struct command *c, struct err *e);

/* One record of that schema and nothing behind it; otherwise as command_decode. */
int command_decode_record(const struct kp_schema *schema, struct span bytes, struct arena *a,
                          int16_t *version, const void **msg);

#endif

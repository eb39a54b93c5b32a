/* bench_meta.h - clients that ask for metadata, or create a topic, ask for it and delete it, over
 * and over. */
#ifndef CLI_BENCH_META_H
#define CLI_BENCH_META_H

#include "cli/bench_load.h"

extern const struct load_kind meta_kind;

/* The topic a client had made and not yet deleted when the run ended; NULL: none. */
const char *meta_leftover(const struct load *l);

#endif

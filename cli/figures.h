/* figures.h - what stats commands print: the figures of a log as one JSON object. Text and csv show
 * the same object flattened, so that there is one list of figures and not three. */
#ifndef CLI_FIGURES_H
#define CLI_FIGURES_H

#include "base/hdr.h"
#include "cli/cli.h"

/* How values are spread: count, min, mean, some percentiles, max. */
struct json *figures_spread(const struct hdr *h);

/* The output that figures_put writes to; out_free it. */
struct out *figures_out(const struct cli_common *common);
/* Write the figures of what is called `path`; takes j over. */
void figures_put(struct out *out, enum out_format format, struct json *j, const char *path);

#endif

#include "cli/meta_tool.h"

#include <stdio.h>

struct out *meta_out(const struct meta_options *o, const struct out_column *columns, size_t n)
{
    return out_new(stdout, (enum out_format)o->common.format, !o->common.no_header, columns, n);
}

const char *meta_time(int64_t ms, char out[CLOCK_TEXT])
{
    return ms > 0 && clock_text(ms, out) ? out : NULL;
}

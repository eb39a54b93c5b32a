#include "cli/meta_tool.h"

#include <stdio.h>
#include <time.h>

struct out *meta_out(const struct meta_options *o, const struct out_column *columns, size_t n)
{
    return out_new(stdout, (enum out_format)o->common.format, !o->common.no_header, columns, n);
}

const char *meta_time(int64_t ms, char out[META_TIME])
{
    struct tm tm;
    time_t s = (time_t)(ms / 1000);
    if (ms <= 0 || !gmtime_r(&s, &tm) || tm.tm_year > 8099)
        return NULL;
    size_t n = strftime(out, META_TIME, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, META_TIME - n, ".%03dZ", (int)(ms % 1000));
    return out;
}

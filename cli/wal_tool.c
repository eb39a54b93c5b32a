#include "cli/wal_tool.h"

struct out *wal_out(const struct wal_options *o, const struct out_column *columns, size_t n)
{
    return out_new(stdout, (enum out_format)o->common.format, !o->common.no_header, columns, n);
}

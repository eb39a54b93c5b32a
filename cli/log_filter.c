#include "cli/log_filter.h"

#include <string.h>

#include "cli/when.h"

static bool read_time(const char *name, const char *text, int64_t *ms)
{
    if (!text || when_parse(text, ms) == 0)
        return true;
    cli_misuse("--%s: '%s' is no time: 2026-01-31T12:00:00Z, or milliseconds since 1970", name,
               text);
    return false;
}

bool log_filter_times(struct log_options *o)
{
    return read_time("from-time", o->from_time, &o->from_ms) &&
           read_time("to-time", o->to_time, &o->to_ms);
}

bool log_filter_partition(const struct log_options *o, const struct log_partition *part)
{
    char id[UUID_TEXT];
    if (o->partition >= 0 && part->partition != o->partition)
        return false;
    uuid_text(&part->topic_id, id);
    return !o->topic || strcmp(o->topic, part->topic) == 0 ||
           (!uuid_is_zero(&part->topic_id) && strcmp(o->topic, id) == 0);
}

bool log_filter_offsets(const struct log_options *o, int64_t first, int64_t last)
{
    return (o->from_offset < 0 || last >= o->from_offset) &&
           (o->to_offset < 0 || first <= o->to_offset);
}

bool log_filter_time(const struct log_options *o, int64_t earliest, int64_t latest)
{
    return latest >= o->from_ms && earliest <= o->to_ms;
}

/* log_filter.h - what the options of chronik-log leave out. */
#ifndef CLI_LOG_FILTER_H
#define CLI_LOG_FILTER_H

#include "cli/log_tool.h"

/* Read --from-time and --to-time. false, and the complaint is said. */
bool log_filter_times(struct log_options *o);
bool log_filter_partition(const struct log_options *o, const struct log_partition *part);
/* Is something of [first, last], [earliest, latest] wanted? */
bool log_filter_offsets(const struct log_options *o, int64_t first, int64_t last);
bool log_filter_time(const struct log_options *o, int64_t earliest, int64_t latest);

#endif

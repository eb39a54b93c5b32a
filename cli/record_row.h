/* record_row.h - records in the rows of the offline tools' dumps: the same columns in each. */
#ifndef CLI_RECORD_ROW_H
#define CLI_RECORD_ROW_H

#include "batch/records.h"
#include "cli/out.h"

enum { RECORD_ROW_EXPANDED_MAX = 1 << 28 }; /* bytes the records of one batch may expand to */

/* How large key and value are; null for null. */
#define RECORD_ROW_SIZE_COLUMNS            \
    {"key_size", OUT_INT, .width = 8},     \
    {                                      \
        "value_size", OUT_INT, .width = 10 \
    }
void record_row_sizes(struct out *out, const struct record *r);

/* What is in them, as text where it is UTF-8 and else in base64: of the two columns one is null,
 * both for null. A table for people has one column only. */
#define RECORD_ROW_PAYLOAD_COLUMNS                                                       \
    {"key", OUT_STR, .width = 10}, {"key_base64", OUT_VALUE, .data_only = true},         \
        {"value", OUT_STR, .width = 10}, {"value_base64", OUT_VALUE, .data_only = true}, \
    {                                                                                    \
        "headers", OUT_VALUE, .data_only = true                                          \
    }
enum { RECORD_ROW_PAYLOAD = 5 };
void record_row_payload(struct out *out, enum out_format format, const struct record *r);

#endif

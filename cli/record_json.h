/* record_json.h - a record as a JSON object on a line: what chronik-consume writes, chronik-produce
 * reads.
 *
 *     {"topic":"t","partition":0,"offset":7,"timestamp":1769860800000,"timestamp_type":"create",
 *      "key":null,"value":"text","headers":[{"key":"h","value":"x"}]}
 *
 * A null is null, an empty text "". Bytes that are not UTF-8 stand under "key_base64" and
 * "value_base64" instead (also in headers), so that every record comes back byte by byte.
 */
#ifndef CLI_RECORD_JSON_H
#define CLI_RECORD_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "batch/records.h"

/* A record to be produced. */
struct record_in {
    int32_t partition; /* -1: not said */
    bool has_timestamp;
    int64_t timestamp;      /* ms */
    struct span key, value; /* p NULL: null */
    struct record_header *headers;
    int32_t n_headers;
};

/* Read a line; what r points to lives in a. A value must be given, everything else may be missing.
 * "topic", "offset" and "timestamp_type" are read over, other names are refused. 0, ERR_MALFORMED
 * or -ENOMEM, with e set. */
int record_json_read(struct span line, struct arena *a, struct record_in *r, struct err *e);

/* Write a line. append_time: the broker set the timestamp. 0, or ERR_MALFORMED if the headers are.
 */
int record_json_write(FILE *f, const char *topic, int32_t partition, const struct record *r,
                      bool append_time);

#endif

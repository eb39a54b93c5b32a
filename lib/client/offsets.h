/* offsets.h - where partitions begin and end, and where a time stands in them. */
#ifndef CLIENT_OFFSETS_H
#define CLIENT_OFFSETS_H

#include "client/fan.h"

/* Times with a meaning of their own. */
enum { CLIENT_LATEST = -1, CLIENT_EARLIEST = -2, CLIENT_MAX_TIMESTAMP = -3 };

struct client_offset {
    struct client_part part;
    int64_t time;      /* ms, or one of the above */
    int64_t offset;    /* -1: no record at or after that time */
    int64_t timestamp; /* of the record; -1: not told */
};

/* Fill n offsets. 0 with each part's error set, or a negative code. */
int client_list_offsets(struct client_cluster *c, struct client_offset *v, size_t n, struct err *e);

#endif

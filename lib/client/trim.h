/* trim.h - delete the records of partitions that lie before an offset. */
#ifndef CLIENT_TRIM_H
#define CLIENT_TRIM_H

#include "client/fan.h"

struct client_trim {
    struct client_part part;
    int64_t offset;    /* the first that stays; -1: the high watermark when the broker gets it */
    int64_t log_start; /* where the partition begins now, -1 on failure */
};

/* Trim n partitions. 0 with each part's error set, or a negative code. */
int client_delete_records(struct client_cluster *c, struct client_trim *v, size_t n, struct err *e);

#endif

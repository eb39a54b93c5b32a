/* stats.h - what a worker counted. Written and read by its own thread only: whoever wants to know
 * asks it to log them. */
#ifndef BROKER_STATS_H
#define BROKER_STATS_H

#include <stdint.h>

enum { STATS_APIS = 128 }; /* above every API key */

struct stats {
    uint64_t accepted, closed;     /* connections */
    uint64_t bytes_in, bytes_out;  /* of frames, of replies */
    uint64_t requests[STATS_APIS]; /* by API key */
    uint64_t refused;              /* frames that closed their connection */
    uint64_t fetch_waits,
        fetch_wakes;      /* fetches that had to wait; times one was woken by records */
    uint64_t fetch_colds; /* times one needed a log that was not open */
};

#endif

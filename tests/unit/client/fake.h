/* fake.h - brokers of a test: real sockets on ports of their own, answers by a function of the
 * test. They run in a child process, so what the function remembers must lie in memory that
 * fake_start shares. */
#ifndef TESTS_UNIT_CLIENT_FAKE_H
#define TESTS_UNIT_CLIENT_FAKE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/rd.h"
#include "kp/kp.h"

enum { FAKE_BROKERS = 2 };

enum fake_verdict {
    FAKE_ANSWER, /* send what the function put into resp */
    FAKE_CUT,    /* send it without its last byte */
    FAKE_DROP,   /* close the connection */
    FAKE_SILENT, /* never answer */
};

/* A request that a broker got. */
struct fake_request {
    int broker; /* its number, which is its node id */
    struct kp_req_header header;
    const void *req; /* decoded */
    void *resp;      /* initialised; to be filled */
    struct arena *arena;
    int *seen; /* FAKE_COUNTERS counters that the test sees, too */
};
enum { FAKE_COUNTERS = 16 };

struct fake {
    int ports[FAKE_BROKERS];
    int *seen;
    char bootstrap[64]; /* of broker 0 */
};

/* ApiVersions is answered by the fake itself, everything else by f. */
void fake_start(struct fake *k, enum fake_verdict (*f)(const struct fake *, struct fake_request *));
void fake_stop(struct fake *k);

/* Fill a Metadata answer: both brokers, the controller, and topic "t" of n partitions with these
 * leaders (n -1: the topic is unknown). */
void fake_metadata(const struct fake *k, struct fake_request *r, int controller, int n,
                   const int *leaders);

#endif

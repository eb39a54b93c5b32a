#include "cli/bench_ceiling.h"

#include "cli/bench_null.h"
#include "cli/bench_session.h"

enum { MEASURE_MS = 2000, WARMUP_MS = 200 };

/* The same load as fast as it goes: what shapes requests and connections stays, what says when they
 * are due and what becomes of them goes. */
static struct bench_options freed(const struct bench_options *o, const char *address)
{
    struct bench_options f = *o;
    f.common.bootstrap = address;
    f.rate = f.count = f.linger_ms = f.report_ms = 0;
    f.duration_ms = o->duration_ms && o->duration_ms < MEASURE_MS ? o->duration_ms : MEASURE_MS;
    f.warmup_ms = WARMUP_MS;
    f.partitions = 0;
    f.create_topic = f.delete_topic = f.validate = f.keep_going = false;
    f.ack_log = NULL;
    return f;
}

int bench_ceiling(const struct bench_options *o, uint32_t partitions, double *per_second,
                  struct err *e)
{
    struct bench_session s;
    struct null_broker *broker = null_start((uint32_t)o->threads, partitions, e);
    if (!broker)
        return e->code;
    struct bench_options f = freed(o, null_address(broker));
    int rc = session_execute(&s, &f, e);
    const struct run *run = s.run;
    if (!rc && run->interrupted)
        rc = err_set(e, ERR_INTERRUPTED, "interrupted");
    if (!rc && (!run->elapsed_ns || run->stats[METRIC_MAIN].failed_requests))
        rc =
            err_set(e, ERR_CHECK, "%s", run->elapsed_ns ? run->first.text : "nothing was answered");
    if (!rc)
        *per_second = (double)run->stats[METRIC_MAIN].records * 1e9 / (double)run->elapsed_ns;
    else
        err_wrap(e, "measuring what the bench itself can drive");
    session_release(&s);
    null_stop(broker);
    return rc;
}

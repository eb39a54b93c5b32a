/* fuzz_acklog.c - an ack log: what is read and written again is the same list, in any order. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/acklog.h"
#include "tests/fuzz/fuzz.h"

static void write_run(struct wr *w, const struct acklog_run *run)
{
    char line[ACKLOG_TOPIC_MAX + 64];
    int n = snprintf(line, sizeof line, "run 1 %08" PRIx32 " %s\n", run->id, run->topic);
    wr_bytes(w, line, (size_t)n);
}

static void write_log(struct wr *w, const struct acklog *log)
{
    size_t next = 0;
    for (size_t i = 0; i < log->n; i++) {
        for (; next <= log->v[i].run; next++)
            write_run(w, &log->runs[next]);
        acklog_line(w, &log->v[i]);
    }
    for (; next < log->n_runs; next++)
        write_run(w, &log->runs[next]);
    must(!w->err);
}

static bool same(const struct acked *a, const struct acked *b)
{
    return a->run == b->run && a->partition == b->partition && a->base == b->base &&
           a->count == b->count && a->client == b->client && a->sequence == b->sequence &&
           a->crc == b->crc;
}

static void comes_back(const struct acklog *log)
{
    struct acklog again;
    struct wr w;
    wr_init(&w, 0);
    write_log(&w, log);
    must(acklog_parse(&again, w.len ? (const char *)w.buf : "", w.len, "again", NULL) == 0);
    must(again.n_runs == log->n_runs && again.n == log->n);
    for (size_t i = 0; i < log->n; i++)
        must(same(&again.v[i], &log->v[i]));
    for (size_t i = 0; i < log->n_runs; i++)
        must(again.runs[i].id == log->runs[i].id &&
             strcmp(again.runs[i].topic, log->runs[i].topic) == 0);
    acklog_release(&again);
    wr_free(&w);
}

static void in_order(struct acklog *log)
{
    acklog_sort(log);
    for (size_t i = 1; i < log->n; i++) {
        const struct acked *a = &log->v[i - 1], *b = &log->v[i];
        int topic = strcmp(log->runs[a->run].topic, log->runs[b->run].topic);
        must(topic < 0 || (topic == 0 && (a->partition < b->partition ||
                                          (a->partition == b->partition && a->base <= b->base))));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct acklog log;
    struct err e = {0};
    int rc = acklog_parse(&log, n ? (const char *)data : "", n, "input", &e);
    must(rc == 0 || (rc == ERR_MALFORMED && e.text[0]));
    for (size_t i = 0; i < log.n; i++) {
        const struct acked *a = &log.v[i];
        must(a->run < log.n_runs && a->partition >= 0 && a->count > 0);
        must(a->base >= 0 && a->base <= INT64_MAX - a->count);
    }
    if (rc == 0) {
        comes_back(&log);
        in_order(&log);
    }
    acklog_release(&log);
    return 0;
}

/* acklog.h - a list of acknowledged batches in a text file: chronik-bench writes it (--ack-log) and
 * checks it against a broker (--check-ack-log), chronik-wal against a log (verify --acked).
 *
 *   run 1 RUN TOPIC
 *       begins a run: format 1, the run's number in hex
 *   PARTITION BASE-OFFSET COUNT CLIENT SEQUENCE CRC
 *       one acknowledged batch of that run
 *
 * COUNT records stand from BASE-OFFSET on. CLIENT and SEQUENCE (of the first record) are those of
 * the records' stamps (cli/bench_stamp.h). CRC is the batch's own CRC-32C in hex, over everything
 * from its attributes on, which a broker does not change unless the topic stamps append times.
 * Lines that begin with # and empty ones say nothing. A last line without a newline is one that a
 * kill cut off: it is ignored.
 *
 * A line is handed to the kernel as soon as the loop that read the acknowledgement has gone round:
 * what was acknowledged survives a kill -9 of the writer, though not a power cut.
 */
#ifndef CLI_ACKLOG_H
#define CLI_ACKLOG_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/wr.h"

enum { ACKLOG_TOPIC_MAX = 249 };

struct acked {
    uint32_t run; /* index into runs */
    int32_t partition;
    int64_t base;
    int32_t count;
    uint32_t client;
    uint64_t sequence;
    uint32_t crc;
};
struct acklog_run {
    uint32_t id;
    char topic[ACKLOG_TOPIC_MAX + 1];
};

/* Writing. */
struct acklog_writer {
    int fd;
    pthread_mutex_t lock;
};
/* Append to path, created if missing; a cut-off last line is removed, and the run is begun. 0,
 * ERR_MALFORMED if the file is there but no ack log (it is left as it is), or a negated errno.
 * acklog_close follows 0 only. */
int acklog_open(struct acklog_writer *w, const char *path, uint32_t run, const char *topic,
                struct err *e);
void acklog_close(struct acklog_writer *w);
/* Append one line to a buffer of the caller's. */
void acklog_line(struct wr *out, const struct acked *a);
/* Hand whole lines to the kernel. Any thread. 0 or a negated errno. */
int acklog_write(struct acklog_writer *w, const struct wr *lines);

/* Reading. */
struct acklog {
    struct acklog_run *runs;
    struct acked *v;
    size_t n_runs, n, cap_runs, cap;
};
/* The whole of a file. 0, ERR_MALFORMED (e names the line), or a negated errno. acklog_release in
 * every case. */
int acklog_read(struct acklog *log, const char *path, struct err *e);
/* The same from text in memory; name is what e calls it. */
int acklog_parse(struct acklog *log, const char *text, size_t n, const char *name, struct err *e);
/* By topic, partition and base offset. */
void acklog_sort(struct acklog *log);
void acklog_release(struct acklog *log);

#endif

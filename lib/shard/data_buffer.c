/* data_buffer.c - the memory in which small appends gather before they go to partition logs.
 *
 * The logs take it themselves, block by block; here is what bounds the sum. Over the bound the log
 * that was appended to least lately writes what it has: busy ones then write many records at once,
 * and of ten thousand idle ones none keeps memory that others need.
 *
 * Nothing is at risk meanwhile: checkpoints write and sync everything first, and what no checkpoint
 * covers is in the write-ahead log.
 */
#include <utlist.h>

#include "base/mutant.h"
#include "shard/machine_data.h"

enum { EASE_LOGS = 32 }; /* that write in one turn: about a millisecond */

void data_buffer_forget(struct shard *s, struct data_partition *p)
{
    struct data_machine *m = s->data;
    if (!p->buffered)
        return;
    DL_DELETE2(m->buffers, p, buffer_prev, buffer_next);
    m->n_buffers--;
    m->buffered -= p->buffered;
    p->buffered = 0;
}

void data_buffer_note(struct shard *s, struct data_partition *p)
{
    struct data_machine *m = s->data;
    data_buffer_forget(s, p);
    write_back_note(s, p);
    p->buffered = plog_failed(p->log) ? 0 : plog_buffered(p->log);
    if (!p->buffered)
        return;
    DL_APPEND2(m->buffers, p, buffer_prev, buffer_next);
    m->n_buffers++;
    m->buffered += p->buffered;
}

/* 0, or a shortage. */
static int write_oldest(struct shard *s, struct err *e)
{
    struct data_partition *p = s->data->buffers;
    int rc = plog_failed(p->log) ? 0 : plog_flush(p->log, e);
    if (err_is_shortage(rc))
        return rc;
    if (rc)
        data_take_offline(s, p, e);
    data_buffer_note(s, p);
    return 0;
}

int data_buffer_room(struct shard *s, struct err *e)
{
    int rc = 0;
    while (rc == 0 && s->data->buffered > s->cfg.buffer_bytes)
        rc = write_oldest(s, e);
    return rc;
}

int data_roll(struct shard *s, struct data_partition *p, struct err *e)
{
    int rc = plog_roll(p->log, e);
    if (plog_failed(p->log) && !p->offline && !MUTANT(failed_roll_untold))
        data_take_offline(s, p, e);
    data_buffer_note(s, p);
    return rc;
}

bool data_buffer_ease(struct shard *s)
{
    struct data_machine *m = s->data;
    struct err e;
    if (!m->to_ease)
        m->to_ease = m->n_buffers;
    if (m->to_ease <= EASE_LOGS) {
        m->to_ease = 0;
        return true;
    }
    for (size_t i = 0; i < EASE_LOGS && m->buffers; i++) {
        if (write_oldest(s, &e)) {
            m->to_ease = 0; /* the checkpoint will say what is wrong */
            return true;
        }
    }
    m->to_ease -= EASE_LOGS;
    return false;
}

/* machine_meta.c - shard 0: an entry holds one metadata command; applying it makes the next image.
 *
 * One command an entry, so that every index is a state of its own (chronik-meta dump --at INDEX);
 * many entries still share one write and one sync. Images are published by reference: whoever holds
 * one may read it in any thread.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/mutant.h"
#include "shard/meta_entry.h"
#include "shard/shard_impl.h"

enum { LAST_ROOM = 4 * WAL_BLOCK };

struct meta_machine {
    struct meta_image *image;
    struct shard_command *staged, **tail;
    struct shard_payload *gathering;
    bool replaying;
    uint64_t saved; /* index of the newest image whose snapshot is durable */
};

struct meta_work {
    struct meta_image *image; /* NULL: its snapshot is there already */
    uint64_t index;
    int64_t wall_ms;
};

static int meta_make(struct shard *s)
{
    s->meta = calloc(1, sizeof *s->meta);
    return s->meta ? 0 : -ENOMEM;
}

static void meta_free(struct shard *s)
{
    shard_payload_unref(&s->pool, s->meta->gathering);
    meta_image_unref(s->meta->image);
    free(s->meta);
    s->meta = NULL;
}

struct meta_image *shard_image(struct shard *s)
{
    return s->meta->image;
}

/* ---- proposing */

static void finish(struct shard_command *c, int code)
{
    c->code = code;
    c->done(c);
}

void shard_propose(struct shard *s, struct shard_command *c)
{
    struct meta_machine *m = s->meta;
    int refused = s->stopping      ? ERR_CLOSED
                  : s->poisoned    ? ERR_POISONED
                  : !s->lead_index ? ERR_NOTLEADER
                                   : c->command.err;
    memset(&c->result, 0, sizeof c->result);
    c->index = 0;
    if (refused) {
        finish(c, refused);
        return;
    }
    c->next = NULL;
    if (!m->staged)
        m->tail = &m->staged;
    *m->tail = c;
    m->tail = &c->next;
}

static bool meta_staged(struct shard *s)
{
    return s->meta->staged || s->meta->gathering;
}

static bool meta_may_grow(struct shard *s)
{
    (void)s;
    return false; /* commands never wait for company */
}

static struct shard_command *pop(struct meta_machine *m)
{
    struct shard_command *c = m->staged;
    m->staged = c->next;
    return c;
}

static int copy_in(struct shard *s, struct shard_command *c)
{
    struct shard_payload *p = shard_payload_get(&s->pool, c->command.len + WAL_FRAME_HEADER);
    uint8_t *body = p ? wal_payload_frame(&p->wal, WAL_COMMAND, 0, c->command.len) : NULL;
    if (!body) {
        shard_payload_unref(&s->pool, p);
        return -ENOMEM;
    }
    memcpy(body, c->command.buf, c->command.len);
    p->waiters = MUTANT(create_before_apply) ? NULL : c;
    s->meta->gathering = p;
    if (MUTANT(create_before_apply))
        finish(c, 0);
    return 0;
}

/* Is there room for it? The last of a segment is kept for commands that make room elsewhere. */
static bool fits(struct shard *s, const struct shard_command *c, size_t n)
{
    int type = c->command.len >= 2 ? (int16_t)get_be16(c->command.buf) : 0;
    size_t max = wal_writer_max_payload(s->wal);
    if (type != META_TOPIC_DELETE && type != META_CONFIG_SET)
        n = n + LAST_ROOM < max ? n + LAST_ROOM : max;
    return shard_has_room(s, n);
}

static void meta_gather(struct shard *s)
{
    struct meta_machine *m = s->meta;
    while (m->staged && !m->gathering) {
        size_t n = m->staged->command.len + WAL_FRAME_HEADER + WAL_PAYLOAD_HEADER;
        int rc = n > wal_writer_max_payload(s->wal) ? ERR_TOOBIG : 0;
        if (rc == 0 && !fits(s, m->staged, n)) {
            s->stats.waits_space++;
            rc = shard_no_room(s);
            if (rc == 0)
                return;
        }
        struct shard_command *c = pop(m);
        if (rc == 0)
            rc = copy_in(s, c);
        if (rc)
            finish(c, rc);
    }
}

static struct shard_payload *meta_take(struct shard *s)
{
    struct shard_payload *p = s->meta->gathering;
    s->meta->gathering = NULL;
    if (p)
        wal_payload_stamp(&p->wal, meta_index(s->meta->image), s->cfg.clock->wall_ms(s->cfg.clock));
    return p;
}

static int meta_hint(struct shard *s, struct span payload, struct wal_write *w)
{
    (void)s, (void)payload, (void)w;
    return 0; /* commands name their topics themselves */
}

static void meta_lead(struct shard *s, bool leads)
{
    (void)s, (void)leads;
}

static void meta_fail_waiters(struct shard *s, struct shard_payload *p, int code)
{
    struct shard_command *c = p->waiters;
    (void)s;
    p->waiters = NULL;
    /* It is in the log of this node and may yet be committed by another leader: only its fate is
     * unknown. */
    if (c)
        finish(c, code == ERR_NOTLEADER ? ERR_UNKNOWN_OUTCOME : code);
}

static void meta_fail_staged(struct shard *s, int code)
{
    struct meta_machine *m = s->meta;
    struct shard_payload *p = m->gathering;
    m->gathering = NULL;
    if (p) {
        struct shard_command *c = p->waiters;
        p->waiters = NULL;
        shard_payload_unref(&s->pool, p);
        finish(c, code);
    }
    while (m->staged)
        finish(pop(m), code);
}

/* ---- applying */

static int meta_apply_entry(struct shard *s, uint64_t index, uint64_t term, struct span payload,
                            struct shard_payload *waiters, struct err *e)
{
    struct meta_machine *m = s->meta;
    struct meta_image *next;
    struct meta_result res;
    int rc = shard_meta_apply(m->image, index, term, payload, &next, &res, e);
    if (rc)
        return rc;
    meta_image_unref(m->image);
    m->image = next;
    /* The image first: whoever learns that the command took effect must see it. */
    if (!m->replaying && s->cfg.host->image)
        s->cfg.host->image(s->cfg.host->ctx, s, next);
    struct shard_command *c = waiters ? waiters->waiters : NULL;
    if (c) {
        waiters->waiters = NULL;
        c->index = index;
        c->result = res;
        finish(c, 0);
    }
    return 0;
}

/* ---- checkpoints */

static int meta_load(struct shard *s, struct checkpoint *c, struct err *e)
{
    s->meta->replaying = true;
    s->meta->saved = c->index;
    return meta_snapshot_load(s->cfg.io, s->meta_dir, c->index, &s->cfg.owner.cluster_id,
                              &s->meta->image, e);
}

static void meta_loaded(struct shard *s)
{
    s->meta->replaying = false;
    if (s->cfg.host->image)
        s->cfg.host->image(s->cfg.host->ctx, s, s->meta->image);
}

static int meta_capture(struct shard *s, struct checkpoint *c, void **work, struct err *e)
{
    struct meta_work *w = calloc(1, sizeof *w);
    if (!w)
        return err_code(e, -ENOMEM, "snapshot");
    c->meta_index = meta_index(s->meta->image);
    w->index = c->meta_index;
    w->image = w->index == s->meta->saved ? NULL : meta_image_ref(s->meta->image);
    w->wall_ms = c->wall_ms;
    *work = w;
    return 0;
}

static int meta_work_run(struct shard *s, void *work, struct err *e)
{
    struct meta_work *w = work;
    return w->image ? meta_snapshot_save(s->cfg.io, s->meta_dir, w->image, w->wall_ms, e) : 0;
}

static void meta_work_free(struct shard *s, void *work, int work_rc, bool saved)
{
    struct meta_work *w = work;
    struct err e;
    (void)work_rc;
    if (!w)
        return;
    if (saved)
        s->meta->saved = w->index;
    meta_image_unref(w->image);
    free(w);
    if (saved && meta_snapshot_prune(s->cfg.io, s->meta_dir, s->older_index, &e))
        log_warn(s->cfg.log, "shard", "old snapshots stay: %s", e.text);
}

static bool meta_hold(struct shard *s)
{
    (void)s;
    return false;
}

static bool meta_wants_checkpoint(struct shard *s)
{
    (void)s;
    return false;
}

static void meta_nothing(struct shard *s)
{
    (void)s;
}

static int64_t meta_tick(struct shard *s, int64_t now)
{
    (void)s, (void)now;
    return INT64_MAX;
}

const struct shard_machine_ops shard_machine_meta = {
    .make = meta_make,
    .free = meta_free,
    .gather = meta_gather,
    .take = meta_take,
    .staged = meta_staged,
    .may_grow = meta_may_grow,
    .hint = meta_hint,
    .rolled = meta_nothing,
    .apply = meta_apply_entry,
    .fail_staged = meta_fail_staged,
    .fail_waiters = meta_fail_waiters,
    .lead = meta_lead,
    .load = meta_load,
    .loaded = meta_loaded,
    .capture = meta_capture,
    .work_run = meta_work_run,
    .work_free = meta_work_free,
    .hold_checkpoints = meta_hold,
    .wants_checkpoint = meta_wants_checkpoint,
    .job_done = meta_nothing,
    .tick = meta_tick,
    .stopping = meta_nothing,
};

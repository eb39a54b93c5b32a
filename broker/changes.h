/* changes.h - the changes of metadata that one request asks for: proposed together, settled one by
 * one, answered together.
 *
 * A change that fails is its own answer and stops no other. When the last is settled, the answer
 * leaves; when the request's time runs out before, it leaves then and says of the others that it is
 * not known what became of them. They may still take effect, so the request's memory stays until
 * all are settled.
 */
#ifndef BROKER_CHANGES_H
#define BROKER_CHANGES_H

#include "broker/deadline.h"
#include "broker/metadata.h"
#include "broker/request.h"

/* Embedded in what the handler keeps of one change. */
struct change {
    struct change *next;      /* private */
    struct proposal proposal; /* private */
    bool settled;             /* private */
};

struct changes {
    struct request *q;
    const void *resp; /* the answer, of the API's response schema */
    /* Propose it: changes_propose. */
    void (*propose)(struct changes *all, struct change *c);
    /* It is settled, with 0 or why not: fill in the answer. false: it was proposed once more
     * instead. Not called once the answer has left. */
    bool (*settle)(struct changes *all, struct change *c, int code);
    /* Time ran out: fill in the answer (KP_ERR_REQUEST_TIMED_OUT). */
    void (*late)(struct changes *all, struct change *c);
    struct change *first, **last; /* private, like what follows */
    int32_t left;
    struct deadline deadline;
    bool answered;
};

/* From the request's memory; resp stays where it is until the answer left. NULL: out of memory. */
struct changes *changes_new(struct request *q, const void *resp);
/* To be proposed by changes_run. */
void changes_add(struct changes *all, struct change *c);
/* Propose all, and answer when they are settled, at the latest in timeout_ms. Without any: answer
 * now. q and all may be gone afterwards. */
void changes_run(struct changes *all, int32_t timeout_ms);
/* For the propose and settle hooks. msg is not needed any more on return. */
void changes_propose(struct changes *all, struct change *c, enum meta_command_type type,
                     const void *msg);

#endif

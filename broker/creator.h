/* creator.h - topics that are made because somebody asked for them: once, however many ask at the
 * same time, and only so many at a time: a small request can name a hundred thousand.
 *
 * The first to ask proposes; the others wait for the same answer. A creation leaves the table only
 * after its image is out, and whoever comes looks at the image first, under the same lock: so
 * nobody proposes twice.
 *
 * A topic gets num.partitions partitions and no settings of its own; only the offsets topic is
 * compacted and has those that the coordinator counts on, whoever asks for it first.
 */
#ifndef BROKER_CREATOR_H
#define BROKER_CREATOR_H

#include <pthread.h>

#include "kp/kp.h"
#include "loop/loop.h"
#include "meta/meta.h"

struct broker;
struct creation;
struct worker;

/* So many are under way at a time, some 16 KiB each; one request asks for no more of them. */
enum { CREATIONS_MAX = 1000 };

struct creator {
    struct broker *broker;
    pthread_mutex_t lock;
    struct creation *under_way;
    uint32_t n;
};

void creator_init(struct creator *c, struct broker *b);
void creator_release(struct creator *c);

struct creation_wait {
    struct worker *home;
    /* On home's loop, in an RCU read section: the topic is there (0), or why not. */
    void (*done)(struct creation_wait *w, int code);
    void *arg;
    int code;                   /* private */
    struct loop_msg msg;        /* private */
    struct creation_wait *next; /* private */
};

/* See to it that the topic exists. name is copied; it has passed broker_topic_check_name. In an RCU
 * read section on home's thread. Done with ERR_TIMEOUT where CREATIONS_MAX others are under way,
 * which the offsets topic does not mind: ask again. */
void creator_want(struct creator *c, struct kp_str name, struct creation_wait *w);

#endif

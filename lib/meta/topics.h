/* topics.h - a sorted set of topics that is never changed: a change makes a new set.
 *
 * A set is an array of pages, a page an array of up to TOPICS_PAGE topics; all three are counted. A
 * change copies the array of pages and one page (two when it splits or joins a neighbour) and
 * shares the rest: with 10,000 topics some 300 pointers and a few microseconds, where copying one
 * flat array would touch the count of every topic.
 *
 * The order is that of a key, bytewise, a prefix before what it is a prefix of. Sets may be read by
 * any thread that holds a reference. Functions that make a set give NULL when out of memory, and
 * then nothing has changed.
 */
#ifndef META_TOPICS_H
#define META_TOPICS_H

#include "meta/topic.h"

enum topics_order { TOPICS_BY_NAME, TOPICS_BY_ID };

struct topics; /* opaque */

struct topics *topics_new(enum topics_order order);
struct topics *topics_ref(struct topics *s);
void topics_unref(struct topics *s); /* NULL is fine */

/* How many there are. */
size_t topics_len(const struct topics *s);
/* How many pages it has: what a change copies. */
size_t topics_pages(const struct topics *s);
/* The topic of that key; NULL if there is none. Borrowed from the set. */
struct topic *topics_get(const struct topics *s, struct span key);
/* The first topic behind that key (which need not be in the set); the first of all for p NULL. NULL
 * at the end. Borrowed. */
struct topic *topics_next(const struct topics *s, struct span key);

/* Call each for every key that `from` and `to`, of one order, hold different topics for, ascending;
 * NULL stands for none. Pages that they share are passed over unseen. A non-zero return ends the
 * walk and is returned. */
int topics_diff(const struct topics *from, const struct topics *to,
                int (*each)(void *ctx, struct topic *was, struct topic *is), void *ctx);

/* The set with t in it, in the place of the one with t's key if there is one. Takes a reference of
 * its own to t. */
struct topics *topics_with(const struct topics *s, struct topic *t);
/* The set without the topic of that key, which is in it. */
struct topics *topics_without(const struct topics *s, struct span key);

#endif

/* The inbox between real threads: everything posted is run, in order, and a sleeper wakes. */
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "broker/container.h"
#include "broker/inbox.h"
#include "tests/unit/unit.h"

enum { SENDERS = 4, EACH = 20000 };

struct letter {
    struct loop_msg msg;
    int sender, number;
};

static struct inbox in;
static struct letter letters[SENDERS][EACH];
static int next_number[SENDERS], received;

static void on_letter(struct loop_msg *m)
{
    struct letter *l = container_of(m, struct letter, msg);
    ck_assert_int_eq(l->number, next_number[l->sender]);
    next_number[l->sender]++;
    received++;
}

static void *send(void *arg)
{
    struct letter *mine = arg;
    for (int i = 0; i < EACH; i++)
        inbox_post(&in, &mine[i].msg);
    return NULL;
}

START_TEST(all_letters_arrive_in_their_senders_order)
{
    pthread_t threads[SENDERS];
    for (int s = 0; s < SENDERS; s++) {
        for (int i = 0; i < EACH; i++)
            letters[s][i] = (struct letter){.msg.run = on_letter, .sender = s, .number = i};
        ck_assert_int_eq(pthread_create(&threads[s], NULL, send, letters[s]), 0);
    }
    while (received < SENDERS * EACH) {
        if (!inbox_run(&in))
            inbox_wait(&in, INT64_MAX); /* a lost wake-up would hang here */
    }
    for (int s = 0; s < SENDERS; s++)
        pthread_join(threads[s], NULL);
    ck_assert_int_eq(inbox_run(&in), 0);
}
END_TEST

START_TEST(nobody_sleeps_on_what_is_there)
{
    letters[0][0] = (struct letter){.msg.run = on_letter};
    inbox_post(&in, &letters[0][0].msg);
    inbox_wait(&in, INT64_MAX);
    ck_assert_int_eq(inbox_run(&in), 1);
}
END_TEST

START_TEST(sleep_ends_by_itself)
{
    inbox_wait(&in, 1000);
    inbox_wait(&in, 0);
    inbox_wait(&in, -1);
    ck_assert_int_eq(inbox_run(&in), 0);
}
END_TEST

UNIT_MAIN(all_letters_arrive_in_their_senders_order, nobody_sleeps_on_what_is_there,
          sleep_ends_by_itself)

/* Damaged messages: cut short anywhere, or with any bit flipped. Nothing outside the bytes is read
 * (the copies are exactly as long as the message, so a sanitizer would see it), and what still
 * decodes is a message like any other. */
#include <stdlib.h>

#include "tests/unit/kp/message.h"
#include "tests/unit/unit.h"

enum { LARGEST = 800, CAP = 1 << 20 };

/* A random message that is neither empty nor so long that flipping each bit takes ages. */
static uint8_t *some_bytes(const struct kp_schema *s, int version, size_t *n)
{
    uint8_t *best = NULL;
    *n = 0;
    for (uint64_t seed = 100; seed < 130; seed++) {
        struct message m;
        size_t len;
        message_random(&m, s, version, seed);
        uint8_t *p = message_bytes(&m, &len);
        message_free(&m);
        if (len > *n && len <= LARGEST) {
            free(best);
            best = p;
            *n = len;
        } else {
            free(p);
        }
    }
    return best;
}

static void cut_everywhere(const struct kp_schema *s, int version)
{
    size_t n;
    uint8_t *bytes = some_bytes(s, version, &n);
    struct message m;
    message_init(&m, s, version, CAP);
    for (size_t len = 0; len < n; len++) {
        uint8_t *cut = malloc(len ? len : 1);
        if (len)
            memcpy(cut, bytes, len);
        int err = message_read(&m, cut, len, NULL);
        if (err != ERR_SHORT && err != ERR_MALFORMED)
            ck_abort_msg("%s v%d cut to %zu of %zu: %s", kp_schema_name(s), version, len, n,
                         unit_err(err));
        free(cut);
    }
    message_free(&m);
    free(bytes);
}

START_TEST(every_truncation_is_rejected)
{
    each_message(cut_everywhere);
}
END_TEST

/* What came of a damaged message can be written, read again, and is the same then. */
static bool is_readable(const struct message *m, struct message *again, struct wr *w)
{
    size_t left;
    wr_reset(w);
    kp_encode(m->s, m->version, m->msg, w);
    return w->err == 0 && message_read(again, w->buf, w->len, &left) == 0 && left == 0 &&
           kp_equal(m->s, m->version, m->msg, again->msg);
}

/* Each ck_assert costs a system call: there are too many bits for that, so it stands behind an if.
 */
static void flip_everywhere(const struct kp_schema *s, int version)
{
    size_t n;
    struct message m, again;
    struct wr w;
    uint8_t *bytes = some_bytes(s, version, &n);
    message_init(&m, s, version, CAP);
    message_init(&again, s, version, 0);
    wr_init(&w, 0);
    for (size_t bit = 0; bit < n * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        int err = message_read(&m, bytes, n, NULL);
        if (err == 0 ? !is_readable(&m, &again, &w) : err != ERR_SHORT && err != ERR_MALFORMED)
            ck_abort_msg("%s v%d bit %zu: %s", kp_schema_name(s), version, bit, unit_err(err));
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    wr_free(&w);
    message_free(&again);
    message_free(&m);
    free(bytes);
}

START_TEST(every_bit_flip_is_rejected_or_readable)
{
    each_message(flip_everywhere);
}
END_TEST

UNIT_MAIN(every_truncation_is_rejected, every_bit_flip_is_rejected_or_readable)

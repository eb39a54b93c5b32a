#include "base/uuid.h"

#include <errno.h>
#include <sys/random.h>

#include "base/base64.h"
#include "base/err.h"

static int random_bytes(uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        p += got;
        n -= (size_t)got;
    }
    return 0;
}

/* The version bits keep a random id away from 00..00 and 00..01, which Kafka reserves. */
int uuid_random(struct uuid *u)
{
    char text[UUID_TEXT];
    do {
        int err = random_bytes(u->b, sizeof u->b);
        if (err)
            return err;
        u->b[6] = (uint8_t)((u->b[6] & 0x0f) | 0x40);
        u->b[8] = (uint8_t)((u->b[8] & 0x3f) | 0x80);
        uuid_text(u, text);
    } while (text[0] == '-');
    return 0;
}

void uuid_text(const struct uuid *u, char out[UUID_TEXT])
{
    base64_encode(span_of(u->b, sizeof u->b), BASE64_URL, out);
}

int uuid_parse(struct uuid *u, const char *text)
{
    struct uuid got;
    size_t n;
    if (base64_decode_to(span_str(text), BASE64_URL, got.b, sizeof got.b, &n) || n != sizeof got.b)
        return ERR_INVALID;
    *u = got;
    return 0;
}

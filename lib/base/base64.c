#include "base/base64.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/err.h"

static const char alphabet[2][65] = {
    [BASE64_PADDED] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    [BASE64_URL] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

size_t base64_size(size_t n, enum base64_form form)
{
    size_t rest = n % 3;
    size_t tail = rest == 0 ? 0 : form == BASE64_PADDED ? 4 : rest + 1;
    return n / 3 * 4 + tail;
}

void base64_encode(struct span bytes, enum base64_form form, char *out)
{
    const char *abc = alphabet[form];
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < bytes.n; i++) {
        bits = bits << 8 | bytes.p[i];
        for (have += 8; have >= 6; have -= 6)
            *out++ = abc[bits >> (have - 6) & 63];
    }
    if (have)
        *out++ = abc[bits << (6 - have) & 63];
    if (form == BASE64_PADDED) {
        for (size_t rest = bytes.n % 3; rest != 0 && rest < 3; rest++)
            *out++ = '=';
    }
    *out = 0;
}

static int digit(char c, enum base64_form form)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == alphabet[form][62] ? 62 : c == alphabet[form][63] ? 63 : -1;
}

int base64_decode_to(struct span text, enum base64_form form, uint8_t *out, size_t cap, size_t *n)
{
    size_t chars = text.n;
    if (form == BASE64_PADDED) {
        if (chars % 4)
            return ERR_INVALID;
        for (int pad = 0; pad < 2 && chars && text.p[chars - 1] == '='; pad++)
            chars--;
    }
    if (chars % 4 == 1)
        return ERR_INVALID;
    if (chars / 4 * 3 + chars % 4 * 3 / 4 > cap)
        return ERR_TOOBIG;

    uint32_t bits = 0;
    unsigned have = 0;
    size_t got = 0;
    for (size_t i = 0; i < chars; i++) {
        int d = digit((char)text.p[i], form);
        if (d < 0)
            return ERR_INVALID;
        bits = bits << 6 | (uint32_t)d;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[got++] = (uint8_t)(bits >> have);
        }
    }
    if (bits & ((1u << have) - 1)) /* a second text for the same bytes */
        return ERR_INVALID;
    *n = got;
    return 0;
}

int base64_decode(struct span text, uint8_t **out, size_t *n)
{
    size_t cap = text.n / 4 * 3;
    uint8_t *bytes = malloc(cap + 1);
    if (!bytes)
        return -ENOMEM;
    int err = base64_decode_to(text, BASE64_PADDED, bytes, cap, n);
    if (err) {
        free(bytes);
        return err;
    }
    *out = bytes;
    return 0;
}

/* siphash.c - after J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF". */
#include "base/siphash.h"

#include "base/endian.h"

enum { ROUNDS_PER_WORD = 2, ROUNDS_AT_END = 4 };

struct state {
    uint64_t v[4];
};

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static void mix(struct state *s, int rounds)
{
    uint64_t a = s->v[0], b = s->v[1], c = s->v[2], d = s->v[3];
    for (int i = 0; i < rounds; i++) {
        a += b;
        c += d;
        b = rotate(b, 13) ^ a;
        d = rotate(d, 16) ^ c;
        a = rotate(a, 32);
        c += b;
        a += d;
        b = rotate(b, 17) ^ c;
        d = rotate(d, 21) ^ a;
        c = rotate(c, 32);
    }
    *s = (struct state){{a, b, c, d}};
}

static void absorb(struct state *s, uint64_t word)
{
    s->v[3] ^= word;
    mix(s, ROUNDS_PER_WORD);
    s->v[0] ^= word;
}

/* The bytes behind the last whole word, with the length's low byte on top. */
static uint64_t last_word(struct span in)
{
    uint64_t word = (uint64_t)in.n << 56;
    size_t from = in.n - in.n % 8;
    for (size_t i = 0; i < in.n % 8; i++)
        word |= (uint64_t)in.p[from + i] << 8 * i;
    return word;
}

static uint64_t squeeze(struct state *s)
{
    mix(s, ROUNDS_AT_END);
    return s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
}

void siphash128(const uint8_t key[SIPHASH_KEY], struct span in, uint64_t out[2])
{
    uint64_t k0 = get_le64(key), k1 = get_le64(key + 8);
    struct state s = {{
        k0 ^ UINT64_C(0x736f6d6570736575),
        k1 ^ UINT64_C(0x646f72616e646f6d) ^ 0xee,
        k0 ^ UINT64_C(0x6c7967656e657261),
        k1 ^ UINT64_C(0x7465646279746573),
    }};
    for (size_t at = 0; at + 8 <= in.n; at += 8)
        absorb(&s, get_le64(in.p + at));
    absorb(&s, last_word(in));
    s.v[2] ^= 0xee;
    out[0] = squeeze(&s);
    s.v[1] ^= 0xdd;
    out[1] = squeeze(&s);
}

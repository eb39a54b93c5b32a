/* Snapshots as bytes: what comes back, and that nothing that was changed passes. */
#include "base/crc32c.h"
#include "meta/snapshot_format.h"
#include "tests/unit/meta/kit.h"

enum { WALL = 1234567 };

static struct wr encode(const struct meta_image *m)
{
    struct wr w;
    wr_init(&w, 0);
    meta_snapshot_encode(m, WALL, &w);
    ck_assert_ok(w.err);
    return w;
}

/* Decode bytes that end where an allocation ends. */
static int decode(const uint8_t *bytes, size_t n, const struct uuid *owner, struct meta_image **out,
                  uint64_t *fault)
{
    struct err e = {0, ""};
    uint8_t *copy = malloc(n ? n : 1);
    memcpy(copy, bytes, n);
    *out = NULL;
    int rc = meta_snapshot_decode(span_of(copy, n), owner, out, fault, &e);
    free(copy);
    ck_assert((rc < 0) == (e.text[0] != 0));
    ck_assert((rc < 0) == (*out == NULL));
    return rc;
}

static int decode_code(const uint8_t *bytes, size_t n)
{
    struct meta_image *m;
    int rc = decode(bytes, n, NULL, &m, NULL);
    meta_image_unref(m);
    return rc;
}

/* Make the checksums of an altered file right again, as far as the file's parts can be found. */
static void seal(uint8_t *p, size_t n)
{
    size_t at = SNAPSHOT_HEADER, end = n - SNAPSHOT_TRAILER;
    put_le64(p + SNAPSHOT_SIZE_AT, n);
    put_le32(p + SNAPSHOT_HEADER_CRC_AT, 0);
    put_le32(p + SNAPSHOT_HEADER_CRC_AT, crc32c(0, p, SNAPSHOT_HEADER));
    while (at + SNAPSHOT_SECTION <= end && get_le64(p + at + 8) <= end - at - SNAPSHOT_SECTION) {
        size_t length = (size_t)get_le64(p + at + 8);
        uint32_t crc = crc32c(0, p + at, SNAPSHOT_SECTION_CRC_AT);
        put_le32(p + at + SNAPSHOT_SECTION_CRC_AT, crc32c(crc, p + at + SNAPSHOT_SECTION, length));
        at += SNAPSHOT_SECTION + length;
    }
    put_le32(p + n - 4, crc32c(0, p, n - 4));
}

/* Where the i-th section begins. */
static size_t section_at(const uint8_t *p, int i)
{
    size_t at = SNAPSHOT_HEADER;
    while (i-- > 0)
        at += SNAPSHOT_SECTION + (size_t)get_le64(p + at + 8);
    return at;
}

START_TEST(round_trip)
{
    struct meta_image *m = kit_full(), *back;
    struct wr w = encode(m), again;
    ck_assert_int_eq(decode(w.buf, w.len, meta_cluster_id(m), &back, NULL), 0);
    kit_same(m, back);
    ck_assert_uint_eq(meta_index(back), meta_index(m));
    ck_assert_uint_eq(meta_term(back), KIT_TERM);
    again = encode(back);
    ck_assert_bytes_eq(again.buf, again.len, w.buf, w.len);
    wr_free(&again);
    wr_free(&w);
    meta_image_unref(m);
    meta_image_unref(back);
}
END_TEST

START_TEST(the_empty_image)
{
    struct meta_image *m = kit_new(), *back;
    struct wr w = encode(m);
    ck_assert_int_eq(decode(w.buf, w.len, NULL, &back, NULL), 0);
    kit_same(m, back);
    ck_assert_uint_eq(meta_index(back), 0);
    wr_free(&w);
    meta_image_unref(m);
    meta_image_unref(back);
}
END_TEST

START_TEST(header)
{
    struct meta_image *m = kit_full();
    struct wr w = encode(m);
    struct meta_snapshot_header h;
    ck_assert_ok(meta_snapshot_header_decode(span_of(w.buf, w.len), &h, NULL));
    ck_assert_uint_eq(h.version, SNAPSHOT_FORMAT);
    ck_assert(uuid_eq(&h.cluster_id, meta_cluster_id(m)));
    ck_assert_uint_eq(h.index, meta_index(m));
    ck_assert_uint_eq(h.term, KIT_TERM);
    ck_assert_int_eq(h.wall_ms, WALL);
    ck_assert_uint_eq(h.size, w.len);
    ck_assert_uint_eq(h.sections, 5);
    wr_free(&w);
    meta_image_unref(m);
}
END_TEST

START_TEST(every_flipped_bit_is_found)
{
    struct meta_image *m = kit_full();
    struct wr w = encode(m);
    for (size_t bit = 0; bit < 8 * w.len; bit++) {
        w.buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert_msg(decode_code(w.buf, w.len) == ERR_CORRUPT, "bit %zu of byte %zu", bit % 8,
                      bit / 8);
        w.buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    wr_free(&w);
    meta_image_unref(m);
}
END_TEST

START_TEST(every_length_but_its_own_is_refused)
{
    struct meta_image *m = kit_full();
    struct wr w = encode(m);
    for (size_t n = 0; n < w.len; n++)
        ck_assert_int_eq(decode_code(w.buf, n), ERR_CORRUPT);
    wr_u8(&w, 0);
    ck_assert_int_eq(decode_code(w.buf, w.len), ERR_CORRUPT);
    wr_free(&w);
    meta_image_unref(m);
}
END_TEST

/* With the checksums made right again whatever is altered, decoding still never goes astray, and
 * what it lets through is an image. */
START_TEST(altered_and_sealed)
{
    struct meta_image *m = kit_full(), *back;
    struct wr w = encode(m);
    uint8_t *copy = malloc(w.len);
    size_t passed = 0;
    for (size_t bit = 0; bit < 8 * w.len; bit++) {
        memcpy(copy, w.buf, w.len);
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        seal(copy, w.len);
        if (decode(copy, w.len, NULL, &back, NULL) == 0) {
            struct wr again = encode(back);
            ck_assert_int_eq(decode_code(again.buf, again.len), 0);
            wr_free(&again);
            passed++;
        }
        meta_image_unref(back);
    }
    ck_assert_uint_gt(passed, 0); /* ports, names and times may be others */
    free(copy);
    wr_free(&w);
    meta_image_unref(m);
}
END_TEST

START_TEST(the_fault_is_where_the_damage_is)
{
    struct meta_image *m = kit_full(), *back;
    struct wr w = encode(m);
    uint64_t fault;
    size_t topics = section_at(w.buf, 4);
    w.buf[topics + 40] ^= 1;
    ck_assert_int_eq(decode(w.buf, w.len, NULL, &back, &fault), ERR_CORRUPT);
    ck_assert_uint_eq(fault, topics);
    w.buf[topics + 40] ^= 1;
    w.buf[w.len - 1] ^= 1;
    ck_assert_int_eq(decode(w.buf, w.len, NULL, &back, &fault), ERR_CORRUPT);
    ck_assert_uint_eq(fault, w.len - 4);
    w.buf[w.len - 1] ^= 1;
    ck_assert_int_eq(decode(w.buf, w.len - 3, NULL, &back, &fault), ERR_CORRUPT);
    ck_assert_uint_eq(fault, w.len - 3);

    /* A record that cannot stand where it does: the second topic with the first one's id. */
    struct uuid id = kit_id(2);
    size_t first = topics + SNAPSHOT_SECTION, second = first + 4 + get_le32(w.buf + first);
    memcpy(w.buf + second + 4 + 2 + 1 + strlen("orders"), id.b, sizeof id.b);
    seal(w.buf, w.len);
    ck_assert_int_eq(decode(w.buf, w.len, NULL, &back, &fault), ERR_CORRUPT);
    ck_assert_uint_eq(fault, second);
    wr_free(&w);
    meta_image_unref(m);
}
END_TEST

START_TEST(another_cluster_is_refused)
{
    struct meta_image *m = kit_full(), *back;
    struct uuid other = kit_id(5);
    struct wr w = encode(m);
    ck_assert_int_eq(decode(w.buf, w.len, &other, &back, NULL), ERR_FOREIGN);
    wr_free(&w);
    meta_image_unref(m);
}
END_TEST

START_TEST(newer_formats_are_told_from_damage)
{
    struct meta_image *m = kit_full();
    struct meta_snapshot_header h;
    struct wr w = encode(m);
    put_le32(w.buf + 8, SNAPSHOT_FORMAT + 1);
    ck_assert_int_eq(decode_code(w.buf, w.len), ERR_CORRUPT); /* its checksum is wrong */
    seal(w.buf, w.len);
    ck_assert_int_eq(decode_code(w.buf, w.len), ERR_VERSION);
    ck_assert_int_eq(meta_snapshot_header_decode(span_of(w.buf, w.len), &h, NULL), ERR_VERSION);
    put_le32(w.buf + 8, SNAPSHOT_FORMAT);
    put_le32(w.buf + 20, 1);
    seal(w.buf, w.len);
    ck_assert_int_eq(decode_code(w.buf, w.len), ERR_VERSION);
    put_le32(w.buf + 20, 0);
    /* A record of a newer version. */
    w.buf[section_at(w.buf, 0) + SNAPSHOT_SECTION + 5] = 1;
    seal(w.buf, w.len);
    ck_assert_int_eq(decode_code(w.buf, w.len), ERR_VERSION);
    wr_free(&w);
    meta_image_unref(m);
}
END_TEST

/* The file with a section of an unknown type put in before the i-th. */
static struct wr with_section(const struct wr *w, int i, uint32_t flags)
{
    size_t at = section_at(w->buf, i);
    struct wr out;
    wr_init(&out, 0);
    wr_bytes(&out, w->buf, at);
    wr_le32(&out, 0x7777);
    wr_le32(&out, flags);
    wr_le64(&out, 5);
    wr_le32(&out, 1);
    wr_le32(&out, 0);
    wr_bytes(&out, "hello", 5);
    wr_bytes(&out, w->buf + at, w->len - at);
    put_le32(out.buf + 72, 6);
    seal(out.buf, out.len);
    return out;
}

START_TEST(unknown_sections)
{
    struct meta_image *m = kit_full(), *back;
    struct wr w = encode(m);
    for (int i = 0; i <= 5; i++) {
        struct wr skippable = with_section(&w, i, SNAPSHOT_SKIPPABLE),
                  needed = with_section(&w, i, 0);
        ck_assert_int_eq(decode(skippable.buf, skippable.len, NULL, &back, NULL), 0);
        kit_same(m, back);
        meta_image_unref(back);
        ck_assert_int_eq(decode_code(needed.buf, needed.len), ERR_VERSION);
        wr_free(&skippable);
        wr_free(&needed);
    }
    wr_free(&w);
    meta_image_unref(m);
}
END_TEST

START_TEST(known_sections_stand_once_and_in_order)
{
    struct meta_image *m = kit_full();
    struct wr w = encode(m), bad;
    size_t a = section_at(w.buf, 2), b = section_at(w.buf, 3), c = section_at(w.buf, 4);

    wr_init(&bad, 0); /* without the nodes */
    wr_bytes(&bad, w.buf, a);
    wr_bytes(&bad, w.buf + b, w.len - b);
    put_le32(bad.buf + 72, 4);
    seal(bad.buf, bad.len);
    ck_assert_int_eq(decode_code(bad.buf, bad.len), ERR_CORRUPT);

    wr_reset(&bad); /* nodes twice */
    wr_bytes(&bad, w.buf, b);
    wr_bytes(&bad, w.buf + a, w.len - a);
    put_le32(bad.buf + 72, 6);
    seal(bad.buf, bad.len);
    ck_assert_int_eq(decode_code(bad.buf, bad.len), ERR_CORRUPT);

    wr_reset(&bad); /* settings before nodes */
    wr_bytes(&bad, w.buf, a);
    wr_bytes(&bad, w.buf + b, c - b);
    wr_bytes(&bad, w.buf + a, b - a);
    wr_bytes(&bad, w.buf + c, w.len - c);
    put_le32(bad.buf + 72, 5);
    seal(bad.buf, bad.len);
    ck_assert_int_eq(decode_code(bad.buf, bad.len), ERR_CORRUPT);

    wr_free(&bad);
    wr_free(&w);
    meta_image_unref(m);
}
END_TEST

START_TEST(counts_of_records_are_exact)
{
    struct meta_image *m = kit_full();
    struct wr w = encode(m);
    for (int i = 0; i < 5; i++) {
        uint8_t *count = w.buf + section_at(w.buf, i) + 16;
        uint32_t n = get_le32(count);
        put_le32(count, n - 1);
        seal(w.buf, w.len);
        ck_assert_int_eq(decode_code(w.buf, w.len), ERR_CORRUPT);
        put_le32(count, n + 1);
        seal(w.buf, w.len);
        ck_assert_int_eq(decode_code(w.buf, w.len), ERR_CORRUPT);
        put_le32(count, n);
    }
    wr_free(&w);
    meta_image_unref(m);
}
END_TEST

/* Without its one record STATE would silently begin producer ids anew. */
START_TEST(state_is_one_record)
{
    struct meta_image *m = kit_full();
    struct wr w = encode(m), bad;
    size_t state = section_at(w.buf, 0), next = section_at(w.buf, 1);
    wr_init(&bad, 0);
    wr_bytes(&bad, w.buf, state + SNAPSHOT_SECTION);
    wr_bytes(&bad, w.buf + next, w.len - next);
    put_le64(bad.buf + state + 8, 0);
    put_le32(bad.buf + state + 16, 0);
    seal(bad.buf, bad.len);
    ck_assert_int_eq(decode_code(bad.buf, bad.len), ERR_CORRUPT);

    wr_reset(&bad);
    wr_bytes(&bad, w.buf, next);
    wr_bytes(&bad, w.buf + state + SNAPSHOT_SECTION, next - state - SNAPSHOT_SECTION);
    wr_bytes(&bad, w.buf + next, w.len - next);
    put_le64(bad.buf + state + 8, 2 * (next - state - SNAPSHOT_SECTION));
    put_le32(bad.buf + state + 16, 2);
    seal(bad.buf, bad.len);
    ck_assert_int_eq(decode_code(bad.buf, bad.len), ERR_CORRUPT);
    wr_free(&bad);
    wr_free(&w);
    meta_image_unref(m);
}
END_TEST

START_TEST(names)
{
    struct meta_snapshot_name s = {12, 345}, back;
    char name[META_SNAPSHOT_NAME];
    meta_snapshot_format_name(name, s);
    ck_assert_str_eq(name, "00000000000000000012-00000000000000000345.snapshot");
    ck_assert(meta_snapshot_parse_name(name, &back));
    ck_assert_uint_eq(back.index, 12);
    ck_assert_uint_eq(back.term, 345);
    s.index = s.term = UINT64_MAX;
    meta_snapshot_format_name(name, s);
    ck_assert(meta_snapshot_parse_name(name, &back));
    ck_assert_uint_eq(back.index, UINT64_MAX);
    static const char *const bad[] = {"",
                                      "1-1.snapshot",
                                      "00000000000000000012-00000000000000000345.snapshot.tmp",
                                      "00000000000000000012-00000000000000000345.snap",
                                      "00000000000000000012_00000000000000000345.snapshot",
                                      "0000000000000000001x-00000000000000000345.snapshot",
                                      "00000000000000000012-0000000000000000034x.snapshot",
                                      "99999999999999999999-00000000000000000345.snapshot",
                                      "00000000000000000012"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!meta_snapshot_parse_name(bad[i], &back), "%s", bad[i]);
}
END_TEST

UNIT_MAIN(round_trip, the_empty_image, header, every_flipped_bit_is_found,
          every_length_but_its_own_is_refused, altered_and_sealed, the_fault_is_where_the_damage_is,
          another_cluster_is_refused, newer_formats_are_told_from_damage, unknown_sections,
          known_sections_stand_once_and_in_order, counts_of_records_are_exact, state_is_one_record,
          names)

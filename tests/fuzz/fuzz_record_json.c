/* fuzz_record_json.c - a line of JSON as a record to be produced. What is taken and written as the
 * consumer writes it, is read again as the same record.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/record_json.h"
#include "tests/fuzz/fuzz.h"

enum { LINE_MAX_BYTES = 64 << 10 };

static bool same(struct span a, struct span b)
{
    return !a.p == !b.p && span_eq(a, b);
}

static void put_bytes(struct wr *w, struct span s)
{
    wr_varint(w, s.p ? (int64_t)s.n : -1);
    wr_bytes(w, s.p, s.n);
}

static size_t write_line(const struct record_in *in, char *line)
{
    struct wr headers;
    wr_init(&headers, 0);
    for (int32_t i = 0; i < in->n_headers; i++) {
        put_bytes(&headers, in->headers[i].key);
        put_bytes(&headers, in->headers[i].value);
    }
    must(!headers.err);
    struct record r = {.timestamp = in->timestamp,
                       .key = in->key,
                       .value = in->value,
                       .n_headers = in->n_headers,
                       .headers = span_of(headers.buf, headers.len)};
    FILE *f = fmemopen(line, LINE_MAX_BYTES, "w");
    must(f && record_json_write(f, "topic", 0, &r, false) == 0);
    long n = ftell(f);
    must(n > 0 && n < LINE_MAX_BYTES && fclose(f) == 0);
    wr_free(&headers);
    return (size_t)n;
}

static void comes_back(const struct record_in *in)
{
    static char line[LINE_MAX_BYTES];
    struct record_in again;
    struct arena a;
    struct err e = {0};
    size_t n = write_line(in, line);
    must(line[n - 1] == '\n' && !memchr(line, '\n', n - 1));
    arena_init(&a, 0);
    must(record_json_read(span_of(line, n - 1), &a, &again, &e) == 0);
    must(again.timestamp == in->timestamp && again.partition == 0);
    must(same(again.key, in->key) && same(again.value, in->value));
    must(again.n_headers == in->n_headers);
    for (int32_t i = 0; i < in->n_headers; i++) {
        must(same(again.headers[i].key, in->headers[i].key));
        must(same(again.headers[i].value, in->headers[i].value));
    }
    arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct record_in r;
    struct arena a;
    struct err e = {0};
    arena_init(&a, 16 << 20);
    int rc = record_json_read(span_of(n ? data : (const uint8_t *)"", n), &a, &r, &e);
    must(rc == 0 || ((rc == ERR_MALFORMED || rc == -ENOMEM) && e.text[0]));
    if (rc == 0) {
        must(r.partition >= -1);
        comes_back(&r);
    }
    arena_free(&a);
    return 0;
}

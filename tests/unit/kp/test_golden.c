/* Frames that other software made (tests/golden/kp, tests/kp/make_frames.py): we read in them what
 * they say, and write the same bytes. Each file is named after who made it. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/kp/message.h"
#include "tests/unit/unit.h"

enum { MAX_FRAMES = 4000, VERSIONS = 32, MAX_KEY = 64 };

struct frame {
    const struct kp_api *api;
    int16_t version;
    bool request;
    uint8_t *p;
    size_t n;
    char *json;
    char *where; /* file:line, for messages */
};

static struct frame frames[MAX_FRAMES];
static size_t n_frames;

static uint8_t *from_hex(const char *s, size_t *n)
{
    *n = strlen(s) / 2;
    uint8_t *p = malloc(*n ? *n : 1);
    for (size_t i = 0; i < *n; i++) {
        unsigned byte = 0;
        ck_assert_int_eq(sscanf(s + 2 * i, "%2x", &byte), 1);
        p[i] = (uint8_t)byte;
    }
    return p;
}

/* API VERSION req|resp HEX JSON */
static void parse_line(char *line, const char *file, int number)
{
    ck_assert_uint_lt(n_frames, MAX_FRAMES);
    struct frame *f = &frames[n_frames++];
    char *rest = line;
    const char *name = strsep(&rest, " "), *version = strsep(&rest, " "),
               *kind = strsep(&rest, " "), *hex = strsep(&rest, " ");
    ck_assert_msg(rest != NULL, "%s:%d: five columns", file, number);
    f->api = kp_api_by_name(name);
    ck_assert_msg(f->api != NULL, "%s:%d: %s", file, number, name);
    f->version = (int16_t)atoi(version);
    f->request = strcmp(kind, "req") == 0;
    f->p = from_hex(hex, &f->n);
    f->json = strdup(rest);
    ck_assert_int_ge(asprintf(&f->where, "%s:%d: %s v%s %s", file, number, name, version, kind), 0);
}

static void read_file(const char *dir, const char *name)
{
    char *line = NULL;
    size_t cap = 0;
    FILE *in = fopen(unit_path(dir, name), "r");
    ck_assert_msg(in != NULL, "%s/%s", dir, name);
    for (int number = 1; getline(&line, &cap, in) > 0; number++) {
        line[strcspn(line, "\n")] = 0;
        parse_line(line, name, number);
    }
    free(line);
    fclose(in);
}

static void read_frames(void)
{
    const char *srcdir = getenv("srcdir");
    const char *dir = unit_path(srcdir ? srcdir : ".", "tests/golden/kp");
    DIR *d = opendir(dir);
    ck_assert_msg(d != NULL, "%s", dir);
    for (const struct dirent *e = readdir(d); e; e = readdir(d))
        if (e->d_name[0] != '.')
            read_file(dir, e->d_name);
    closedir(d);
    ck_assert_uint_gt(n_frames, 0);
}

/* kafka-python 2.0.2 has other names than Kafka, or none: there an array stands for an object, the
 * order tells which field is meant, and a structure of one field may be just that field. */
static bool same(const struct json *ours, const struct json *theirs);

struct walk {
    const struct json *theirs;
    size_t i;
    bool unwrap; /* theirs is the only field itself */
};

static int differs_at(void *ctx, const char *key, const struct json *v)
{
    struct walk *w = ctx;
    const struct json *other = w->theirs;
    if (!w->unwrap)
        other = json_type_of(other) == JSON_T_ARRAY ? json_at(other, w->i++) : json_get(other, key);
    return !other || !same(v, other);
}

static bool same_object(const struct json *ours, const struct json *theirs)
{
    struct walk by_field = {theirs, 0, false}, unwrapped = {theirs, 0, true};
    if (json_len(ours) == json_len(theirs) && json_each(ours, differs_at, &by_field) == 0)
        return true;
    return json_len(ours) == 1 && json_each(ours, differs_at, &unwrapped) == 0;
}

static bool same_array(const struct json *ours, const struct json *theirs)
{
    for (size_t i = 0; i < json_len(ours); i++)
        if (!same(json_at(ours, i), json_at(theirs, i)))
            return false;
    return json_type_of(theirs) == JSON_T_ARRAY && json_len(ours) == json_len(theirs);
}

static bool same(const struct json *ours, const struct json *theirs)
{
    if (json_type_of(ours) == JSON_T_OBJECT)
        return same_object(ours, theirs);
    if (json_type_of(ours) == JSON_T_ARRAY)
        return same_array(ours, theirs);
    return json_type_of(ours) == json_type_of(theirs) &&
           span_eq(json_str(ours), json_str(theirs)) && json_int(ours, 0) == json_int(theirs, 0) &&
           json_bool(ours, false) == json_bool(theirs, false);
}

static void check_json(const struct frame *f, const struct message *m)
{
    struct err e = {0};
    struct json *ours = kp_json(m->s, m->version, m->msg);
    struct json *theirs = json_parse(f->json, strlen(f->json), &e);
    ck_assert_msg(theirs != NULL, "%s: %s", f->where, e.text);
    char *text = json_text(ours, 0);
    ck_assert_msg(same(ours, theirs), "%s\n  we read  %s\n  it says  %s", f->where, text, f->json);
    free(text);
    json_free(ours);
    json_free(theirs);
}

static void check_frame(const struct frame *f)
{
    struct message m;
    struct wr w;
    struct kp_req_header h;
    int32_t id = 0;
    size_t left;
    struct rd r = rd_of(f->p, f->n);
    wr_init(&w, 0);
    if (f->request) {
        ck_assert_msg(kp_decode_req_header(&r, &h) == 0, "%s: header", f->where);
        ck_assert_int_eq(h.key, f->api->key);
        ck_assert_int_eq(h.version, f->version);
        kp_encode_req_header(&w, &h);
    } else {
        ck_assert_ok(kp_decode_resp_header(&r, f->api->key, f->version, &id));
        kp_encode_resp_header(&w, f->api->key, f->version, id);
    }
    int err = message_decode(&m, f->request ? f->api->req : f->api->resp, f->version, r.p,
                             rd_left(&r), 0, &left);
    ck_assert_msg(err == 0 && left == 0, "%s: %s, %zu bytes left", f->where, unit_err(err), left);
    check_json(f, &m);
    kp_encode(m.s, m.version, m.msg, &w);
    ck_assert_int_eq(w.err, 0);
    ck_assert_msg(w.len == f->n && memcmp(w.buf, f->p, f->n) == 0, "%s: written differently",
                  f->where);
    wr_free(&w);
    message_free(&m);
}

START_TEST(others_frames_are_read_and_written_alike)
{
    read_frames();
    for (size_t i = 0; i < n_frames; i++)
        check_frame(&frames[i]);
}
END_TEST

/* No API and version goes without a frame from elsewhere. */
START_TEST(every_version_has_a_frame)
{
    static bool seen[MAX_KEY][VERSIONS][2];
    size_t n;
    const struct kp_api *api = kp_apis(&n);
    read_frames();
    for (size_t i = 0; i < n_frames; i++)
        seen[frames[i].api->key][frames[i].version][frames[i].request] = true;
    for (size_t i = 0; i < n; i++)
        for (int v = api[i].min; v <= api[i].max; v++)
            for (int request = 0; request < 2; request++)
                ck_assert_msg(seen[api[i].key][v][request], "%s v%d %s", api[i].name, v,
                              request ? "req" : "resp");
}
END_TEST

UNIT_MAIN(others_frames_are_read_and_written_alike, every_version_has_a_frame)

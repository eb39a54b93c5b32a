/* kp.h - the Kafka protocol as data: one text schema per API, one interpreter.
 *
 * Each lib/kp/schema/<api>.kp (and lib/meta/schema/<command>.kp) describes a request and a
 * response, or a record, a line per field, with the versions in which a field exists. gen.awk turns
 * them into C structs (kp_gen.h) and field tables (kp_gen.c); the functions below walk the tables.
 * Handlers see structs and never ask for a version.
 *
 * Names. Fields keep Kafka's names in snake case (TopicData -> topic_data). A request is
 * `struct kp_<api>_req`, a response `struct kp_<api>_resp`, a record `struct kp_<record>`; a nested
 * structure is named after its parent and its field (`struct kp_produce_req_topic_data`,
 * `struct kp_produce_req_topic_data_partition_data`); an array is a pointer with its length before
 * it (`int32_t n_topic_data; struct ... *topic_data;`), -1 for a null array. The schema of struct
 * kp_X is `kp_X_schema`, the key of an API KP_<API> (`KP_PRODUCE`). Types: bool int8_t int16_t
 * uint16_t int32_t uint32_t int64_t double struct uuid, struct kp_str, struct kp_bytes, struct
 * kp_records.
 *
 * Versions. A field that the version lacks keeps its default on decoding and is left out on
 * encoding. Flexible versions (KIP-482) use compact lengths and tagged fields; unknown tags are
 * skipped. Everything decoded points into the input or into the arena and lives as long as both.
 */
#ifndef KP_KP_H
#define KP_KP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/rd.h"
#include "base/uuid.h"
#include "base/wr.h"

struct kp_str {
    const char *p; /* not NUL-terminated */
    int32_t n;     /* bytes; -1: null */
};
struct kp_bytes {
    const uint8_t *p;
    int32_t n; /* -1: null */
};
/* Record batches. Decoded: bytes in place. Encoded: the bytes if slices is NULL, else the slices,
 * which are handed to wr_add_slice in order (n is then their sum). */
struct kp_records {
    const uint8_t *p;
    int32_t n; /* bytes; -1: null */
    const struct wr_slice *slices;
    int32_t n_slices;
};

struct kp_schema; /* generated; opaque to users */

/* One API of the protocol. versions: what the schema can encode and decode; what a broker
 * advertises and serves is its own affair. */
struct kp_api {
    int16_t key;
    const char *name; /* Kafka's: "Produce" */
    int16_t min, max; /* versions of the schema */
    int16_t flexible; /* first flexible version, INT16_MAX if none */
    const struct kp_schema *req, *resp;
};

/* The API of a key; NULL if there is none. */
const struct kp_api *kp_api(int16_t key);
const struct kp_api *kp_api_by_name(const char *name);
/* All of them by ascending key; n gets their number. */
const struct kp_api *kp_apis(size_t *n);

/* One record of a schema file; a room's generated table lists its own. */
struct kp_record_type {
    int16_t key; /* -1: the schema gives none */
    const char *name;
    int16_t min, max;
    int16_t flexible;
    const struct kp_schema *schema;
};

/* Size of the schema's struct, for callers that allocate it. */
size_t kp_sizeof(const struct kp_schema *s);
/* "ProduceRequest", "OffsetCommitValue". */
const char *kp_schema_name(const struct kp_schema *s);
/* The versions that the schema knows. */
void kp_versions(const struct kp_schema *s, int16_t *min, int16_t *max);

/* Set every field to its default (zero, -1, null, empty...). Structs that are written by hand start
 * with this, nested ones too: zero is no default for all fields, and a tagged field that is not at
 * its default is written. */
void kp_init(const struct kp_schema *s, void *msg);
/* An array of n structs at their defaults; NULL when out of memory or over the arena's cap. */
void *kp_array(const struct kp_schema *s, struct arena *a, size_t n);

/* Read a message of that version from r into msg (uninitialised memory of kp_sizeof bytes). Array
 * counts are bounded by the bytes left and by the arena's cap. 0, ERR_SHORT, ERR_MALFORMED,
 * ERR_TOOBIG (over the arena's cap), -ENOMEM (an arena without a cap), all remembered in r; or
 * ERR_UNSUPPORTED (version outside the schema). After an error msg is not to be looked at. Bytes
 * behind the message are left in r; the caller decides. */
int kp_decode(const struct kp_schema *s, int version, struct rd *r, struct arena *a, void *msg);

/* Write msg; errors stay in w: ERR_INVALID for a null where the version knows none, a string of
 * more than 32767 bytes, or slices that do not add up to n; ERR_UNSUPPORTED for a version outside
 * the schema. After an error w may hold a part of the message. */
void kp_encode(const struct kp_schema *s, int version, const void *msg, struct wr *w);

/* As JSON, keys in Kafka's spelling, only the version's fields. Bytes as base64, records as their
 * size. NULL when out of memory. */
struct json *kp_json(const struct kp_schema *s, int version, const void *msg);

/* A random message of that version for tests: every kind of null, empty, long, nested. The same
 * seed gives the same message. Allocated from a. */
int kp_random(const struct kp_schema *s, int version, uint64_t seed, struct arena *a, void *msg);
/* Do two messages say the same in that version? */
bool kp_equal(const struct kp_schema *s, int version, const void *a, const void *b);

/* Request header v0..v2: client_id is never compact; flexible requests carry tags behind it. */
struct kp_req_header {
    int16_t key, version;
    int32_t correlation_id;
    struct kp_str client_id;
};
/* Reads key, version, correlation and client id, and the tags if (key, version) is a known flexible
 * one. An unknown key or version is not an error here. 0, ERR_SHORT or ERR_MALFORMED. */
int kp_decode_req_header(struct rd *r, struct kp_req_header *h);
void kp_encode_req_header(struct wr *w, const struct kp_req_header *h);
/* The response header: correlation id, and an empty tag section for flexible versions of every API
 * but ApiVersions (KIP-511). */
void kp_encode_resp_header(struct wr *w, int16_t key, int16_t version, int32_t correlation_id);
int kp_decode_resp_header(struct rd *r, int16_t key, int16_t version, int32_t *correlation_id);

/* Records of Kafka's internal topics and of ours start with an int16 version. */
int kp_decode_record(const struct kp_schema *s, struct rd *r, struct arena *a, int16_t *version,
                     void *msg);
void kp_encode_record(const struct kp_schema *s, int16_t version, const void *msg, struct wr *w);

static inline struct kp_str kp_str(const char *s)
{
    struct kp_str k = {s, s ? (int32_t)strlen(s) : -1};
    return k;
}
static inline struct kp_str kp_strn(const void *s, size_t n)
{
    struct kp_str k = {(const char *)s, s ? (int32_t)n : -1};
    return k;
}
static inline bool kp_str_is(struct kp_str a, const char *s)
{
    return a.n >= 0 && (size_t)a.n == strlen(s) && memcmp(a.p, s, (size_t)a.n) == 0;
}
static inline bool kp_str_eq(struct kp_str a, struct kp_str b)
{
    return a.n == b.n && (a.n <= 0 || memcmp(a.p, b.p, (size_t)a.n) == 0);
}

#include "kp/kp_gen.h"

#endif

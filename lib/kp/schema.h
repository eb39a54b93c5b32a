/* schema.h - what gen.awk's tables are made of. For generated code and the interpreter only:
 * everybody else sees struct kp_schema as an opaque handle.
 *
 * A schema describes one C struct: its plain fields in the order of the wire, then its tagged
 * fields by ascending tag. The interpreter walks the rows, skips those that the version lacks, and
 * reads or writes the struct's memory at the row's offset.
 */
#ifndef KP_SCHEMA_H
#define KP_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kp/kp.h"

enum kp_type {
    KP_T_BOOL,
    KP_T_INT8,
    KP_T_INT16,
    KP_T_UINT16,
    KP_T_INT32,
    KP_T_UINT32,
    KP_T_INT64,
    KP_T_FLOAT64,
    KP_T_UUID,
    KP_T_STRING,
    KP_T_BYTES,
    KP_T_RECORDS,
    KP_T_STRUCT,
};

struct kp_field {
    const char *name; /* as the protocol spells it */
    uint8_t type;     /* enum kp_type; of the elements if it is an array */
    bool array;
    int16_t tag;                 /* -1: plain */
    int16_t min, max;            /* the versions that have it */
    int16_t null_min, null_max;  /* the versions that know null; min > max: none */
    uint16_t at;                 /* offset in the struct; of the pointer if it is an array */
    uint16_t n_at;               /* offset of an array's length */
    uint16_t size;               /* of the value or of one element, in memory */
    uint16_t least;              /* bytes of one element on the wire at least, in any version */
    const struct kp_schema *sub; /* of KP_T_STRUCT */
};

struct kp_schema {
    const char *name;
    const struct kp_field *fields;
    const void *init; /* a struct with every field at its default */
    uint16_t size;    /* of the struct */
    uint16_t n_plain, n_tagged;
    int16_t min, max;
    int16_t flexible; /* the first flexible version */
};

enum { KP_STRING_MAX = INT16_MAX }; /* bytes, also where the length is compact */

static inline bool kp_has(const struct kp_field *f, int version)
{
    return f->min <= version && version <= f->max;
}

static inline bool kp_nullable(const struct kp_field *f, int version)
{
    return f->null_min <= version && version <= f->null_max;
}

static inline bool kp_knows(const struct kp_schema *s, int version)
{
    return s->min <= version && version <= s->max;
}

/* An array field of a message. */
struct kp_list {
    int32_t n; /* -1: null */
    uint8_t *p;
};

static inline struct kp_list kp_list_get(const struct kp_field *f, const void *msg)
{
    struct kp_list l;
    memcpy(&l.n, (const uint8_t *)msg + f->n_at, sizeof l.n);
    memcpy(&l.p, (const uint8_t *)msg + f->at, sizeof l.p);
    return l;
}

static inline void kp_list_set(const struct kp_field *f, void *msg, struct kp_list l)
{
    memcpy((uint8_t *)msg + f->n_at, &l.n, sizeof l.n);
    memcpy((uint8_t *)msg + f->at, &l.p, sizeof l.p);
}

/* Does a field say the same in both messages? */
bool kp_equal_field(const struct kp_field *f, int version, const void *a, const void *b);

#endif

/* admit.c - what a broker demands of a batch before it takes it from a producer.
 *
 * The rules are Kafka's. Where several are broken, the cheapest to find is named, and a wrong CRC
 * before anything else that depends on the content: nothing in damaged bytes is worth an opinion.
 *
 * What it costs (2 to 4 noisy cores, batches of 100 KB): the header and the CRC 18 ns per stored
 * KB. Walking 27 ns a record. Expanding, per expanded KB: lz4 80-190 ns (730 for records of 100
 * bytes), zstd 190-480, snappy 150-410, gzip 420-830. So 1 MiB expanded takes 0.1 to 0.9 ms, which
 * is why batch_admit_records may run elsewhere than on a loop.
 */
#include <errno.h>
#include <inttypes.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "base/mutant.h"
#include "batch/batch.h"
#include "batch/records.h"

/* Our own code for a refusal, for whoever logs the struct err. */
static int code_of(enum batch_refusal why)
{
    switch (why) {
    case BATCH_REFUSED_UNKNOWN:
        return -ENOMEM;
    case BATCH_REFUSED_CORRUPT:
        return ERR_CRC;
    case BATCH_REFUSED_SIZE:
        return ERR_TOOBIG;
    case BATCH_REFUSED_TIMESTAMP:
        return ERR_TIMESTAMP;
    case BATCH_REFUSED_CODEC:
        return ERR_UNSUPPORTED;
    case BATCH_REFUSED_INVALID:
        return ERR_INVALID;
    }
    return ERR_INVALID;
}

#define refuse(e, why, ...) (err_set((e), code_of(why), __VA_ARGS__), (int)(why))

/* Exactly one batch of magic 2, whole, and not too large. */
static int check_frame(struct span s, const struct batch_rules *rules, struct err *e)
{
    if (s.n < BATCH_HEADER)
        return refuse(e, BATCH_REFUSED_INVALID, "%zu bytes hold no record batch", s.n);
    if (s.p[16] != BATCH_MAGIC)
        return refuse(e, BATCH_REFUSED_INVALID, "magic %d: only version 2 batches are taken",
                      (int)(int8_t)s.p[16]);
    int32_t length = (int32_t)get_be32(s.p + 8);
    if (length < BATCH_HEADER - BATCH_PREFIX)
        return refuse(e, BATCH_REFUSED_CORRUPT, "batch length %" PRId32 " is below a header's",
                      length);
    size_t size = (size_t)length + BATCH_PREFIX;
    if (size > s.n)
        return refuse(e, BATCH_REFUSED_INVALID, "the batch has %zu bytes, %zu were sent", size,
                      s.n);
    if (size < s.n)
        return refuse(e, BATCH_REFUSED_INVALID,
                      "exactly one batch a partition: %zu bytes follow the first", s.n - size);
    if (rules->max_bytes >= 0 && size > (size_t)rules->max_bytes)
        return refuse(e, BATCH_REFUSED_SIZE, "the batch has %zu bytes, %" PRId32 " are allowed",
                      size, rules->max_bytes);
    return 0;
}

static int check_codec(const struct batch *b, const struct batch_rules *rules, struct err *e)
{
    enum batch_codec codec = batch_codec(b);
    if (codec >= BATCH_CODECS)
        return refuse(e, BATCH_REFUSED_CODEC, "codec %d is unknown", (int)codec);
    if (codec == BATCH_ZSTD && rules->produce_version < 7)
        return refuse(e, BATCH_REFUSED_CODEC, "zstd needs Produce version 7, the request has %d",
                      rules->produce_version);
    return 0;
}

static int check_count(const struct batch *b, struct err *e)
{
    if (b->count <= 0)
        return refuse(e, BATCH_REFUSED_INVALID, "the batch states %" PRId32 " records", b->count);
    if (b->last_offset_delta != b->count - 1)
        return refuse(e, BATCH_REFUSED_INVALID,
                      "last offset delta %" PRId32 " does not fit %" PRId32 " records",
                      b->last_offset_delta, b->count);
    return 0;
}

/* Who wrote it: control batches are the broker's own, and an idempotent producer numbers its
 * batches. */
static int check_producer(const struct batch *b, const struct batch_rules *rules, struct err *e)
{
    bool control = b->attributes & BATCH_ATTR_CONTROL;
    if (control && !rules->internal)
        return refuse(e, BATCH_REFUSED_INVALID, "producers cannot write control batches");
    if ((b->attributes & BATCH_ATTR_TXN) && b->producer_id < 0)
        return refuse(e, BATCH_REFUSED_INVALID, "a transactional batch without a producer id");
    if (b->producer_id < 0 || control)
        return 0;
    if (b->producer_epoch < 0 || b->base_sequence < 0)
        return refuse(e, BATCH_REFUSED_INVALID,
                      "producer id %" PRId64 " with epoch %d and sequence %" PRId32, b->producer_id,
                      b->producer_epoch, b->base_sequence);
    return 0;
}

/* Bits that a broker sets, not a producer. */
static int check_attributes(const struct batch *b, const struct batch_rules *rules, struct err *e)
{
    if (rules->internal)
        return 0;
    if (b->attributes & BATCH_ATTR_APPEND_TIME)
        return refuse(e, BATCH_REFUSED_TIMESTAMP,
                      "producers cannot set the timestamp type to LogAppendTime");
    if (b->attributes & BATCH_ATTR_DELETE_HORIZON)
        return refuse(e, BATCH_REFUSED_INVALID, "producers cannot set a delete horizon");
    return 0;
}

int batch_admit_header(struct span s, const struct batch_rules *rules, struct batch *b,
                       struct err *e)
{
    int why = check_frame(s, rules, e);
    if (why)
        return why;
    if (crc32c(0, s.p + BATCH_CRC_FROM, s.n - BATCH_CRC_FROM) != get_be32(s.p + 17) &&
        !MUTANT(batch_unchecked))
        return refuse(e, BATCH_REFUSED_CORRUPT, "the batch's CRC does not match its bytes");
    if (batch_peek(s, b) < 0)
        return refuse(e, BATCH_REFUSED_INVALID, "the batch's last offset is below its first");
    if ((why = check_codec(b, rules, e)) != 0 || (why = check_count(b, e)) != 0 ||
        (why = check_producer(b, rules, e)) != 0)
        return why;
    return check_attributes(b, rules, e);
}

/* Is ts neither too old nor too far ahead? A timestamp of -1 says "none" and is let pass. */
static bool timely(int64_t ts, const struct batch_rules *rules)
{
    int64_t age;
    if (ts == -1)
        return true;
    if (__builtin_sub_overflow(rules->now_ms, ts, &age))
        age = ts < 0 ? INT64_MAX : -INT64_MAX;
    bool old = rules->before_max_ms != INT64_MAX && age > rules->before_max_ms;
    bool ahead = rules->after_max_ms != INT64_MAX && age < -rules->after_max_ms;
    return !old && !ahead;
}

static int check_record(const struct record *r, int32_t index, const struct batch_rules *rules,
                        struct err *e)
{
    if (rules->compacted && !r->key.p)
        return refuse(e, BATCH_REFUSED_INVALID,
                      "record %" PRId32 " has no key, and the topic is compacted", index);
    if (!rules->append_time && !timely(r->timestamp, rules))
        return refuse(e, BATCH_REFUSED_TIMESTAMP,
                      "record %" PRId32 ": timestamp %" PRId64 " is too far from %" PRId64, index,
                      r->timestamp, rules->now_ms);
    return 0;
}

/* The records could not even be reached. */
static int refuse_expansion(int rc, const struct batch *b, const struct batch_rules *rules,
                            struct err *e)
{
    if (rc == ERR_TOOBIG)
        return refuse(e, BATCH_REFUSED_SIZE, "the records expand to more than %zu bytes",
                      rules->max_expanded);
    if (rc == -ENOMEM)
        return refuse(e, BATCH_REFUSED_UNKNOWN, "out of memory while expanding records");
    return refuse(e, BATCH_REFUSED_INVALID, "the records cannot be expanded as %s",
                  batch_codec_name(batch_codec(b)));
}

/* records_next demands ascending offset deltas up to the last one; as there are as many records as
 * deltas, that leaves 0, 1, 2... */
static int walk(struct records *it, const struct batch_rules *rules, int64_t *max_timestamp,
                int32_t *bad_record, struct err *e)
{
    struct record r;
    int rc;
    while ((rc = records_next(it, &r)) > 0) {
        int32_t index = it->next - 1;
        int why = check_record(&r, index, rules, e);
        if (why) {
            *bad_record = index;
            return why;
        }
        if (index == 0 || r.timestamp > *max_timestamp)
            *max_timestamp = r.timestamp;
    }
    if (rc == 0)
        return 0;
    if (it->next == it->batch.count)
        return refuse(e, BATCH_REFUSED_INVALID, "bytes follow the last of %" PRId32 " records",
                      it->batch.count);
    *bad_record = it->next;
    return refuse(e, BATCH_REFUSED_INVALID, "record %" PRId32 " does not follow the format",
                  it->next);
}

int batch_admit_records(struct span s, const struct batch_rules *rules, struct batch *b,
                        int32_t *bad_record, struct err *e)
{
    int32_t unused;
    struct records it;

    if (!bad_record)
        bad_record = &unused;
    *bad_record = -1;
    int64_t max_timestamp = b->max_timestamp;
    int rc = records_init_kept(&it, s, rules->max_expanded, rules->state);
    int why = rc < 0 ? refuse_expansion(rc, b, rules, e)
                     : walk(&it, rules, &max_timestamp, bad_record, e);
    records_release(&it);
    if (!why && !rules->append_time)
        b->max_timestamp = max_timestamp;
    return why;
}

int batch_admit(struct span s, const struct batch_rules *rules, struct batch *b,
                int32_t *bad_record, struct err *e)
{
    if (bad_record)
        *bad_record = -1;
    int why = batch_admit_header(s, rules, b, e);
    return why ? why : batch_admit_records(s, rules, b, bad_record, e);
}

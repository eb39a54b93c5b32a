#include "plog/places.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "base/wr.h"
#include "plog/index_file.h"

static const char magic[8] = "CHRONIPL";
static const char ending[] = ".places";
enum { VERSION = 1, CRC_AT = 12 };

void plog_places_release(struct plog_places *p)
{
    free(p->region);
    *p = (struct plog_places){0};
}

static uint32_t add_offset(uint32_t crc, int64_t base_offset)
{
    uint8_t bytes[8];
    put_be64(bytes, (uint64_t)base_offset);
    return crc32c(crc, bytes, sizeof bytes);
}

static int add_region(struct plog_places *p, uint32_t pos)
{
    if (p->n == p->cap) {
        uint32_t cap = p->cap ? 2 * p->cap : 16;
        struct plog_places_region *region = reallocarray(p->region, cap, sizeof *region);
        if (!region)
            return -ENOMEM;
        p->region = region;
        p->cap = cap;
    }
    p->region[p->n++] = (struct plog_places_region){.pos = pos};
    return 0;
}

int plog_places_note(struct plog_places *p, uint64_t pos, int64_t base_offset)
{
    if (p->n == 0 || pos - p->region[p->n - 1].pos >= PLOG_PLACES_REGION) {
        int rc = add_region(p, (uint32_t)pos);
        if (rc < 0)
            return rc;
    }
    struct plog_places_region *r = &p->region[p->n - 1];
    r->crc = add_offset(r->crc, base_offset);
    return 0;
}

/* ---- the file */

static uint32_t file_crc(const uint8_t *p, size_t n)
{
    static const uint8_t zero[4];
    uint32_t crc = crc32c(0, p, CRC_AT);
    crc = crc32c(crc, zero, sizeof zero);
    return crc32c(crc, p + CRC_AT + 4, n - CRC_AT - 4);
}

static void encode(const struct plog_places *p, const struct plog_places_of *s, struct wr *w)
{
    wr_bytes(w, magic, sizeof magic);
    wr_le32(w, VERSION);
    wr_le32(w, 0); /* CRC: filled in below */
    wr_le64(w, (uint64_t)s->base);
    wr_le64(w, s->bytes);
    wr_le64(w, (uint64_t)s->end);
    wr_le32(w, p->n);
    for (uint32_t i = 0; i < p->n; i++) {
        wr_le32(w, p->region[i].pos);
        wr_le32(w, p->region[i].crc);
    }
    if (!w->err)
        wr_patch_le32(w, CRC_AT, file_crc(w->buf, w->len));
}

int plog_places_save(const struct plog_places *p, struct io *io, const struct plog_places_of *s,
                     struct err *e)
{
    char path[IO_PATH_MAX];
    struct io_file *f;
    struct wr w;
    int rc = plog_sibling(path, sizeof path, s->log_path, ending);
    if (rc < 0)
        return err_code(e, rc, "%s", s->log_path);
    wr_init(&w, 0);
    encode(p, s, &w);
    rc = w.err ? w.err : io_open(io, path, IO_WRITE | IO_CREATE | IO_TRUNC, &f);
    if (rc == 0) {
        rc = io_pwrite(f, w.buf, w.len, 0);
        io_close(f);
    }
    wr_free(&w);
    return rc < 0 ? err_code(e, rc, "%s: write", path) : 0;
}

/* The regions of a file with the right sum: ascending, within the log. */
static int decode_regions(struct plog_places *p, const uint8_t *at, uint32_t n, uint64_t bytes)
{
    int rc = 0;
    for (uint32_t i = 0; i < n && rc == 0; i++, at += PLOG_PLACES_ENTRY) {
        uint32_t pos = get_le32(at);
        if (pos >= bytes || (i == 0 ? pos != 0 : pos <= p->region[i - 1].pos))
            return ERR_CORRUPT;
        rc = add_region(p, pos);
        if (rc == 0)
            p->region[i].crc = get_le32(at + 4);
    }
    return rc;
}

static int decode(struct plog_places *p, const uint8_t *b, size_t size,
                  const struct plog_places_of *s)
{
    if (size < PLOG_PLACES_HEADER || memcmp(b, magic, sizeof magic) != 0 ||
        get_le32(b + 8) != VERSION || get_le32(b + CRC_AT) != file_crc(b, size))
        return ERR_CORRUPT;
    uint32_t n = get_le32(b + 40);
    if (get_le64(b + 16) != (uint64_t)s->base || get_le64(b + 24) != s->bytes ||
        get_le64(b + 32) != (uint64_t)s->end || n == 0 ||
        size != PLOG_PLACES_HEADER + (size_t)n * PLOG_PLACES_ENTRY)
        return ERR_CORRUPT;
    return decode_regions(p, b + PLOG_PLACES_HEADER, n, s->bytes);
}

int plog_places_load(struct plog_places *p, struct io *io, const struct plog_places_of *s,
                     struct err *e)
{
    char path[IO_PATH_MAX];
    uint8_t *b;
    size_t n;
    *p = (struct plog_places){0};
    int rc = plog_sibling(path, sizeof path, s->log_path, ending);
    if (rc < 0)
        return err_code(e, rc, "%s", s->log_path);
    size_t most =
        PLOG_PLACES_HEADER + (s->bytes / PLOG_PLACES_REGION + 1) * (size_t)PLOG_PLACES_ENTRY;
    rc = io_read_file(io, path, most, &b, &n);
    if (rc < 0)
        return err_code(e,
                        rc == -ENOENT  ? ERR_NOTFOUND
                        : rc == -EFBIG ? ERR_CORRUPT
                                       : rc,
                        "%s", path);
    rc = decode(p, b, n, s);
    free(b);
    if (rc < 0)
        plog_places_release(p);
    return rc < 0 ? err_code(e, rc, "%s", path) : 0;
}

/* ---- checking */

uint32_t plog_places_find(const struct plog_places *p, uint64_t pos)
{
    uint32_t low = 0, high = p->n;
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        if (p->region[mid].pos <= pos)
            low = mid;
        else
            high = mid;
    }
    return low;
}

void plog_places_begin(struct plog_places_walk *w, const struct plog_places *p, uint32_t region)
{
    *w = (struct plog_places_walk){.places = p, .region = region};
}

bool plog_places_fit(const struct plog_places_walk *w)
{
    return w->region < w->places->n && w->crc == w->places->region[w->region].crc;
}

bool plog_places_step(struct plog_places_walk *w, uint64_t pos, int64_t base_offset)
{
    const struct plog_places *p = w->places;
    if (w->region + 1 < p->n && pos >= p->region[w->region + 1].pos) {
        if (!plog_places_fit(w))
            return false;
        w->region++;
        w->crc = 0;
    }
    w->crc = add_offset(w->crc, base_offset);
    return true;
}

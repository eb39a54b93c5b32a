/* fuzz_small.c - the small texts: node.meta, partition.metadata, names of files, ids, addresses,
 * times.
 *
 *   u8 kind, the text
 *   Of node.meta and of a compaction's progress the last line, the checksum, is put behind the text
 *   when bit 7 of the kind is set.
 *
 * What is understood is written as it should be, and that is understood as the same.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/crc32c.h"
#include "broker/address.h"
#include "cli/escape.h"
#include "cli/when.h"
#include "client/address.h"
#include "meta/meta.h"
#include "plog/plog_impl.h"
#include "plog/progress.h"
#include "shard/node.h"
#include "tests/fuzz/disk.h"
#include "tests/fuzz/fuzz.h"
#include "wal/wal.h"

enum { TEXT_MAX = 4096 };

/* ---- files */

static void node_meta(const char *text)
{
    struct fuzz_disk *d = fuzz_disk();
    struct node_meta meta;
    struct err e = {0};
    must(fuzz_disk_put(d, "/d/node.meta", span_str(text), 0));
    int rc = node_read(&d->io, "/d", &meta, &e);
    must(rc == 0 || ((rc == ERR_CORRUPT || rc == ERR_VERSION || rc == -EFBIG) && e.text[0]));
    if (rc == 0)
        must(memchr(meta.wal_dir, '\0', sizeof meta.wal_dir) && meta.wal_dir[0] == '/');
}

static void partition_metadata(const char *text)
{
    struct fuzz_disk *d = fuzz_disk();
    struct uuid id;
    char again[UUID_TEXT];
    must(fuzz_disk_put(d, "/d/t-0/partition.metadata", span_str(text), 0));
    if (plog_dir_id(&d->io, "/d/t-0", &id) != 0)
        return;
    uuid_text(&id, again);
    must(strstr(text, again));
}

/* Only one text says it. */
static void progress(const char *text)
{
    struct fuzz_disk *d = fuzz_disk();
    struct plog_progress p, again;
    struct err e = {0};
    char path[FUZZ_PATH];
    snprintf(path, sizeof path, "/d/%s", plog_progress_name);
    must(fuzz_disk_put(d, path, span_str(text), 0));
    int rc = plog_progress_load(&d->io, "/d", &p, &e);
    must(rc == 0 || (rc == ERR_CORRUPT && e.text[0]));
    if (rc)
        return;
    must(p.first_dirty >= 0 && p.gaps_below >= 0);
    must(plog_progress_save(&d->io, "/d", &p, &e) == 0);
    must(plog_progress_load(&d->io, "/d", &again, &e) == 0);
    must(again.first_dirty == p.first_dirty && again.gaps_below == p.gaps_below);
}

static void file_names(const char *text)
{
    struct meta_snapshot_name s;
    const char *ending;
    uint64_t id;
    int64_t base;
    char again[IO_PATH_MAX];
    if (wal_segment_name(text, &id)) {
        must(wal_segment_path(again, sizeof again, "", id) == 0);
        must(strcmp(again + 1, text) == 0);
    }
    if (meta_snapshot_parse_name(text, &s)) {
        meta_snapshot_format_name(again, s);
        must(strcmp(again, text) == 0);
    }
    char topic[256], dirname[IO_PATH_MAX];
    int32_t partition;
    if (plog_parse_dirname(text, topic, sizeof topic, &partition)) {
        must(plog_dirname(dirname, sizeof dirname, topic, partition) == 0);
        must(strcmp(dirname, text) == 0);
    }
    if (plog_parse_name(text, &base, &ending)) {
        must(base >= 0 && ending == text + 20);
        snprintf(again, sizeof again, "%020lld", (long long)base);
        must(strncmp(again, text, 20) == 0);
    }
}

/* ---- words */

static void ids(const char *text)
{
    struct uuid u;
    char again[UUID_TEXT];
    uint8_t *bytes;
    size_t n;
    if (uuid_parse(&u, text) == 0) {
        uuid_text(&u, again);
        must(strcmp(again, text) == 0);
    }
    if (base64_decode(span_str(text), &bytes, &n) == 0) {
        char *back = malloc(base64_size(n, BASE64_PADDED) + 1);
        must(back);
        base64_encode(span_of(bytes, n), BASE64_PADDED, back);
        must(strcmp(back, text) == 0);
        free(back);
        free(bytes);
    }
}

static void addresses(const char *text)
{
    struct client_address c;
    struct address a, again;
    struct err e = {0};
    char said[ADDRESS_HOST_MAX + 32];
    const char *list = text;
    for (int rc; (rc = client_address_next(&list, &c, &e)) != 0;) {
        must(rc == 1 || (rc == ERR_INVALID && e.text[0]));
        must(rc < 0 || (c.host[0] && c.port >= 1 && c.port <= 65535));
        must(list >= text && list <= text + strlen(text));
    }
    if (address_parse(text, &a, &e) != 0)
        return;
    snprintf(said, sizeof said, "[%s]:%u", a.host, a.port);
    must(address_parse(said, &again, &e) == 0);
    must(strcmp(a.host, again.host) == 0 && a.port == again.port);
}

static void times(const char *text)
{
    int64_t ms;
    if (when_parse(text, &ms) == 0)
        must(ms >= -INT64_C(62200000000000)); /* the year 0, and a day */
}

/* A plain reading of what stands for what. */
static void escapes(const char *text)
{
    static char out[TEXT_MAX];
    size_t n = 0;
    must(strlen(text) <= sizeof out);
    if (unescape(text, out, &n) != 0)
        return;
    const char *s = text;
    for (size_t i = 0; i < n; i++) {
        unsigned hex = 0;
        int len = 0;
        if (*s != '\\') {
            must(out[i] == *s++);
        } else if (s[1] == 'x') {
            must(sscanf(s + 2, "%2x%n", &hex, &len) == 1 && len == 2);
            must((uint8_t)out[i] == hex);
            s += 4;
        } else {
            must(strchr("tnr0\\", s[1]));
            s += 2;
        }
    }
    must(*s == '\0');
}

/* The line that says the checksum of those above it. */
static void seal(char *text, size_t n, const char *name)
{
    snprintf(text + n, TEXT_MAX - n, "%s%08x\n", name, crc32c(0, text, n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static char text[TEXT_MAX];
    if (n == 0 || n > sizeof text - 64)
        return 0;
    memcpy(text, data + 1, n - 1);
    text[n - 1] = '\0';
    if (data[0] & 0x80)
        seal(text, strlen(text), data[0] % 8 == 0 ? "crc32c=" : "crc: ");
    switch (data[0] % 8) {
    case 0:
        node_meta(text);
        break;
    case 1:
        partition_metadata(text);
        break;
    case 2:
        file_names(text);
        break;
    case 3:
        ids(text);
        break;
    case 4:
        addresses(text);
        break;
    case 5:
        times(text);
        break;
    case 6:
        progress(text);
        break;
    default:
        escapes(text);
    }
    return 0;
}

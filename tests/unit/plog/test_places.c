/* The checksum over where batches stand. */
#include "plog/places.h"

#include "base/io_mem.h"
#include "tests/unit/unit.h"

enum { BATCHES = 500, SIZE = 1000 };

static struct io_mem *disk;
static struct plog_places places, again;
static struct plog_places_of of = {"/t.log", 100, 100 + 3 * BATCHES, (uint64_t)BATCHES *SIZE};
static struct err err;

static int64_t offset_of(int i)
{
    return 100 + 3 * i;
}

static void begin(void)
{
    disk = io_mem_new();
    places = (struct plog_places){0};
    for (int i = 0; i < BATCHES; i++)
        ck_assert_ok(plog_places_note(&places, (uint64_t)i * SIZE, offset_of(i)));
    ck_assert_uint_eq(places.n, 1 + (BATCHES - 1) / 66); /* 66 of them make a region */
    ck_assert_ok(plog_places_save(&places, io_mem_io(disk), &of, &err));
}

static void end(void)
{
    plog_places_release(&places);
    plog_places_release(&again);
    io_mem_free(disk);
}

static int load(void)
{
    return plog_places_load(&again, io_mem_io(disk), &of, &err);
}

START_TEST(what_was_saved_is_loaded)
{
    begin();
    ck_assert_ok(load());
    ck_assert_uint_eq(again.n, places.n);
    ck_assert_mem_eq(again.region, places.region, places.n * sizeof *places.region);
    end();
}
END_TEST

START_TEST(a_damaged_or_foreign_file_is_refused)
{
    size_t n;
    begin();
    uint8_t *p = io_mem_bytes(disk, "/t.places", &n);
    for (size_t i = 0; i < n; i++) {
        p[i] ^= 4;
        ck_assert_int_eq(load(), ERR_CORRUPT);
        p[i] ^= 4;
    }
    struct plog_places_of is = of;
    of.base++;
    ck_assert_int_eq(load(), ERR_CORRUPT);
    of = is;
    of.end++;
    ck_assert_int_eq(load(), ERR_CORRUPT);
    of = is;
    of.bytes++;
    ck_assert_int_eq(load(), ERR_CORRUPT);
    of = is;
    ck_assert_ok(load());
    plog_places_release(&again);
    of.log_path = "/other.log";
    ck_assert_int_eq(load(), ERR_NOTFOUND);
    of = is;
    end();
}
END_TEST

/* Does a walk from a region on, to the end of another, go well if batch `wrong` is elsewhere? */
static bool walk(uint32_t from, uint32_t to, int wrong)
{
    struct plog_places_walk w;
    plog_places_begin(&w, &places, from);
    for (int i = (int)from * 66; i < BATCHES && i < ((int)to + 1) * 66; i++) {
        if (!plog_places_step(&w, (uint64_t)i * SIZE, offset_of(i) + (i == wrong)))
            return false;
    }
    return plog_places_fit(&w);
}

START_TEST(a_wrong_offset_is_noticed_in_its_region)
{
    begin();
    for (uint32_t from = 0; from < places.n; from++) {
        for (uint32_t to = from; to < places.n; to++) {
            ck_assert(walk(from, to, -1));
            for (int wrong = 0; wrong < BATCHES; wrong += 13)
                ck_assert_int_eq(walk(from, to, wrong),
                                 wrong < (int)from * 66 || wrong >= ((int)to + 1) * 66);
        }
    }
    for (int i = 0; i < BATCHES; i++)
        ck_assert_uint_eq(plog_places_find(&places, (uint64_t)i * SIZE), (uint32_t)i / 66);
    end();
}
END_TEST

UNIT_MAIN(what_was_saved_is_loaded, a_damaged_or_foreign_file_is_refused,
          a_wrong_offset_is_noticed_in_its_region)

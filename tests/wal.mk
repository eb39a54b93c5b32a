# lib/wal: fixture.c writes and reads logs for all of its tests.
WAL_UNIT_TESTS = tests/unit/wal/test_damage tests/unit/wal/test_format tests/unit/wal/test_reader \
	tests/unit/wal/test_recycled tests/unit/wal/test_salvage tests/unit/wal/test_writer
UNIT_TESTS += $(WAL_UNIT_TESTS)
if HAVE_CHECK
check_LTLIBRARIES += libwalfixture.la
libwalfixture_la_SOURCES = tests/unit/wal/fixture.c tests/unit/wal/fixture.h
endif
WAL_TEST_LIBS = libwalfixture.la libunit.la libchronik.la $(CHECK_LIBS)
tests_unit_wal_test_damage_LDADD = $(WAL_TEST_LIBS)
tests_unit_wal_test_reader_LDADD = $(WAL_TEST_LIBS)
tests_unit_wal_test_recycled_LDADD = $(WAL_TEST_LIBS)
tests_unit_wal_test_salvage_LDADD = $(WAL_TEST_LIBS)
tests_unit_wal_test_writer_LDADD = $(WAL_TEST_LIBS)

# chronik-wal on logs that every build makes alike, and against a reader in another language.
noinst_PROGRAMS += tests/wal/make_samples
tests_wal_make_samples_LDADD = libchronik.la
WAL_SAMPLES = samples/wal/corrupt/00000000000000000001.wal \
	samples/wal/lost/00000000000000000001.wal samples/wal/lost/checkpoint.0 samples/wal/torn/00000000000000000001.wal \
	samples/wal/wal/0/00000000000000000001.wal samples/wal/wal/1/00000000000000000001.wal \
	samples/wal/wal/1/00000000000000000002.wal samples/wal/wal/1/00000000000000000003.wal \
	samples/wal/wal/1/00000000000000000004.wal
EXTRA_DIST += $(WAL_SAMPLES) samples/wal/README
dist_check_SCRIPTS += tests/wal/second_opinion.sh tests/wal/tool.sh
TESTS += tests/wal/second_opinion.sh tests/wal/tool.sh
EXTRA_DIST += tests/wal/compare.py tests/wal/read_wal.py

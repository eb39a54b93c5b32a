# lib/wal: fixture.c writes and reads logs for all of its tests.
WAL_UNIT_TESTS = tests/unit/wal/test_damage tests/unit/wal/test_format tests/unit/wal/test_reader \
	tests/unit/wal/test_writer
UNIT_TESTS += $(WAL_UNIT_TESTS)
if HAVE_CHECK
check_LTLIBRARIES += libwalfixture.la
libwalfixture_la_SOURCES = tests/unit/wal/fixture.c tests/unit/wal/fixture.h
endif
WAL_TEST_LIBS = libwalfixture.la libunit.la libchronik.la $(CHECK_LIBS)
tests_unit_wal_test_damage_LDADD = $(WAL_TEST_LIBS)
tests_unit_wal_test_reader_LDADD = $(WAL_TEST_LIBS)
tests_unit_wal_test_writer_LDADD = $(WAL_TEST_LIBS)

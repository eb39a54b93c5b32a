# lib/plog: fixture.c keeps a plain model beside a log.
PLOG_UNIT_TESTS = tests/unit/plog/test_append tests/unit/plog/test_block tests/unit/plog/test_check_crash \
	tests/unit/plog/test_compact tests/unit/plog/test_compact_crash tests/unit/plog/test_compact_damage \
	tests/unit/plog/test_compact_threads \
	tests/unit/plog/test_index tests/unit/plog/test_keys tests/unit/plog/test_remove tests/unit/plog/test_reopen \
	tests/unit/plog/test_segments tests/unit/plog/test_sums tests/unit/plog/test_sync \
	tests/unit/plog/test_threads tests/unit/plog/test_time tests/unit/plog/test_walk tests/unit/plog/test_write_back
UNIT_TESTS += $(PLOG_UNIT_TESTS)
if HAVE_CHECK
check_LTLIBRARIES += libplogfixture.la
libplogfixture_la_SOURCES = tests/unit/plog/compact_kit.c tests/unit/plog/compact_kit.h \
	tests/unit/plog/fixture.c tests/unit/plog/fixture.h
endif
PLOG_TEST_LIBS = libplogfixture.la libunit.la libchronik.la $(CHECK_LIBS)
tests_unit_plog_test_append_LDADD = $(PLOG_TEST_LIBS)
tests_unit_plog_test_block_LDADD = $(PLOG_TEST_LIBS)
tests_unit_plog_test_check_crash_LDADD = $(PLOG_TEST_LIBS)
tests_unit_plog_test_compact_LDADD = $(PLOG_TEST_LIBS)
tests_unit_plog_test_compact_crash_LDADD = $(PLOG_TEST_LIBS)
tests_unit_plog_test_compact_damage_LDADD = $(PLOG_TEST_LIBS)
tests_unit_plog_test_compact_threads_LDADD = $(PLOG_TEST_LIBS)
tests_unit_plog_test_remove_LDADD = $(PLOG_TEST_LIBS)
tests_unit_plog_test_reopen_LDADD = $(PLOG_TEST_LIBS)
tests_unit_plog_test_segments_LDADD = $(PLOG_TEST_LIBS)
tests_unit_plog_test_sums_LDADD = $(PLOG_TEST_LIBS)
tests_unit_plog_test_sync_LDADD = $(PLOG_TEST_LIBS)
tests_unit_plog_test_threads_LDADD = $(PLOG_TEST_LIBS)
tests_unit_plog_test_time_LDADD = $(PLOG_TEST_LIBS)
tests_unit_plog_test_walk_LDADD = $(PLOG_TEST_LIBS)
tests_unit_plog_test_write_back_LDADD = $(PLOG_TEST_LIBS)

# lib/plog: fixture.c keeps a plain model beside a log.
PLOG_UNIT_TESTS = tests/unit/plog/test_append
UNIT_TESTS += $(PLOG_UNIT_TESTS)
if HAVE_CHECK
check_LTLIBRARIES += libplogfixture.la
libplogfixture_la_SOURCES = tests/unit/plog/fixture.c tests/unit/plog/fixture.h
endif
PLOG_TEST_LIBS = libplogfixture.la libunit.la libchronik.la $(CHECK_LIBS)
tests_unit_plog_test_append_LDADD = $(PLOG_TEST_LIBS)

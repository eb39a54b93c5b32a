# tests: see ARCHITECTURE.md
#
# A room's unit tests stand in tests/<room>.mk, one line each:
#   UNIT_TESTS += tests/unit/<room>/test_x
# automake takes test_x.c as its source; tests/unit/unit.h says how it is written. LDADD is what every
# program without an LDADD of its own is linked with, so programs that are no unit tests state theirs.
UNIT_TESTS =
LDADD = libunit.la libchronik.la $(CHECK_LIBS)
EXTRA_DIST += tests/unit/libcheck-missing.sh

# What ends in .t or .py speaks TAP.
TEST_EXTENSIONS = .py .t
TAP_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
T_LOG_DRIVER = $(TAP_DRIVER)
PY_LOG_DRIVER = $(TAP_DRIVER)
PY_LOG_COMPILER = $(srcdir)/tests/python.sh
EXTRA_DIST += tests/python.sh

include tests/bad.mk
include tests/all.mk
include tests/base.mk
include tests/batch.mk
include tests/broker.mk
include tests/plog.mk
include tests/bench.mk
include tests/cli.mk
include tests/group.mk
include tests/client.mk
include tests/clients.mk
include tests/func.mk
include tests/counters.mk
include tests/crash.mk
include tests/fuzz.mk
include tests/kp.mk
include tests/lint.mk
include tests/log.mk
include tests/loop.mk
include tests/mutants.mk
include tests/shard.mk
include tests/silent.mk
include tests/sim.mk
include tests/wal.mk
include tests/meta.mk

if HAVE_CHECK
AM_CPPFLAGS += $(CHECK_CFLAGS)
check_LTLIBRARIES += libunit.la
libunit_la_SOURCES = tests/unit/memory.c tests/unit/memory.h tests/unit/unit.c tests/unit/unit.h
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
else
TESTS += tests/unit/libcheck-missing.sh
endif

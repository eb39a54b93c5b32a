# What a request costs in system calls, syncs, bytes, allocations and copies, counted.
COUNTERS_CPPFLAGS = -D_GNU_SOURCE -I$(top_srcdir) -I$(top_builddir)
COUNTERS_CFLAGS = -std=gnu11 $(CWARN)

check_PROGRAMS += tests/counters/count_calls
tests_counters_count_calls_SOURCES = tests/counters/count_calls.c tests/counters/counters.h
nodist_tests_counters_count_calls_SOURCES = tests/counters/syscall_names.h
tests_counters_count_calls_CPPFLAGS = $(COUNTERS_CPPFLAGS)
tests_counters_count_calls_CFLAGS = $(COUNTERS_CFLAGS)
tests_counters_count_calls_LDADD =
tests/counters/count_calls-count_calls.$(OBJEXT): tests/counters/syscall_names.h
tests/counters/syscall_names.h: tests/counters.mk
	$(AM_V_GEN)$(MKDIR_P) $(@D) && echo '#include <sys/syscall.h>' | $(CC) -E -dM - | \
		sed -n 's/^#define SYS_\([a-z0-9_]*\) .*/{SYS_\1, "\1"},/p' | LC_ALL=C sort >$@.tmp && mv $@.tmp $@
CLEANFILES += tests/counters/syscall_names.h

check_LTLIBRARIES += tests/counters/preload.la
tests_counters_preload_la_SOURCES = tests/counters/preload.c tests/counters/counters.h
tests_counters_preload_la_CPPFLAGS = $(COUNTERS_CPPFLAGS)
tests_counters_preload_la_CFLAGS = $(COUNTERS_CFLAGS) -fno-builtin -fno-tree-loop-distribute-patterns
tests_counters_preload_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere

TESTS += tests/counters/test_counters.py tests/counters/test_starts.py
EXTRA_DIST += tests/counters/test_counters.py tests/counters/test_starts.py tests/counters/counted.py

# Faults that no disk reports, on directories that a real broker made.
check_PROGRAMS += tests/silent/silent
tests_silent_silent_SOURCES = tests/silent/silent.c \
	tests/silent/answers.c tests/silent/answers.h \
	tests/silent/disk.c tests/silent/disk.h \
	tests/silent/faults.c tests/silent/faults.h \
	tests/silent/kinds.c tests/silent/kinds.h
tests_silent_silent_LDADD = libcliwal.la libclilog.la libclimeta.la libshardrig.la $(CLI_LIBS)
TESTS += tests/silent/silent.py
EXTRA_DIST += tests/silent/silent.py tests/silent/directories.py

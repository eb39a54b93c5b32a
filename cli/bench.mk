# chronik-bench: its parts are a convenience library, so that tests can take them singly.
noinst_LTLIBRARIES += libbench.la
libbench_la_SOURCES = \
	cli/acklog.c cli/acklog.h \
	cli/bench_assign.c cli/bench_assign.h \
	cli/bench_batch.c cli/bench_batch.h \
	cli/bench_book.c cli/bench_book.h \
	cli/bench_check.c cli/bench_check.h \
	cli/bench_pace.c cli/bench_pace.h \
	cli/bench_ranges.c cli/bench_ranges.h \
	cli/bench_stamp.c cli/bench_stamp.h
libbench_la_LIBADD = libchronik.la

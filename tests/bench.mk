# chronik-bench: its parts that need no broker.
BENCH_UNIT_TESTS = tests/unit/cli/test_acklog tests/unit/cli/test_bench_acked \
	tests/unit/cli/test_bench_assign \
	tests/unit/cli/test_bench_batch tests/unit/cli/test_bench_book tests/unit/cli/test_bench_caveats \
	tests/unit/cli/test_bench_chart tests/unit/cli/test_bench_check tests/unit/cli/test_bench_compare \
	tests/unit/cli/test_bench_curve \
	tests/unit/cli/test_bench_null tests/unit/cli/test_bench_pace tests/unit/cli/test_bench_ranges tests/unit/cli/test_bench_rates \
	tests/unit/cli/test_bench_report tests/unit/cli/test_bench_search tests/unit/cli/test_bench_slo \
	tests/unit/cli/test_bench_step
UNIT_TESTS += $(BENCH_UNIT_TESTS)
BENCH_TEST_LIBS = libunit.la libbench.la $(CLI_LIBS) $(CHECK_LIBS)
tests_unit_cli_test_acklog_LDADD = $(BENCH_TEST_LIBS)
tests_unit_cli_test_bench_acked_LDADD = $(BENCH_TEST_LIBS)
tests_unit_cli_test_bench_assign_LDADD = $(BENCH_TEST_LIBS)
tests_unit_cli_test_bench_batch_LDADD = $(BENCH_TEST_LIBS)
tests_unit_cli_test_bench_book_LDADD = $(BENCH_TEST_LIBS)
tests_unit_cli_test_bench_caveats_LDADD = $(BENCH_TEST_LIBS)
tests_unit_cli_test_bench_chart_LDADD = $(BENCH_TEST_LIBS)
tests_unit_cli_test_bench_check_LDADD = $(BENCH_TEST_LIBS)
tests_unit_cli_test_bench_compare_LDADD = $(BENCH_TEST_LIBS)
tests_unit_cli_test_bench_null_LDADD = $(BENCH_TEST_LIBS)
tests_unit_cli_test_bench_curve_LDADD = $(BENCH_TEST_LIBS)
tests_unit_cli_test_bench_pace_LDADD = $(BENCH_TEST_LIBS)
tests_unit_cli_test_bench_ranges_LDADD = $(BENCH_TEST_LIBS)
tests_unit_cli_test_bench_rates_LDADD = $(BENCH_TEST_LIBS)
tests_unit_cli_test_bench_report_LDADD = $(BENCH_TEST_LIBS)
tests_unit_cli_test_bench_search_LDADD = $(BENCH_TEST_LIBS)
tests_unit_cli_test_bench_slo_LDADD = $(BENCH_TEST_LIBS)
tests_unit_cli_test_bench_step_LDADD = $(BENCH_TEST_LIBS)

# The table of docs/performance.md, measured; not a test. bench-smoke makes a rough one in two minutes.
noinst_PROGRAMS += tests/bench/sendfile_loop tests/bench/write_ways
EXTRA_DIST += tests/bench/kit.py tests/bench/performance.py tests/bench/restart.py tests/bench/rows.py \
	tests/bench/cost.py tests/bench/sweep.py
bench-smoke: all
	$(srcdir)/tests/python.sh $(srcdir)/tests/bench/performance.py . --quick
.PHONY: bench-smoke

# What is made of its figures; nothing is measured.
dist_check_SCRIPTS += tests/bench/test_rows.py
TESTS += tests/bench/test_rows.py

# What bad company costs others, measured.
EXTRA_DIST += tests/bench/hostile.py

# What checkpoints cost those who wait, measured.
EXTRA_DIST += tests/bench/pauses.py

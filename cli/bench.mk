# chronik-bench: its parts are a convenience library, so that tests can take them singly.
noinst_LTLIBRARIES += libbench.la
libbench_la_SOURCES = \
	cli/bench.h \
	cli/bench_acked.c cli/bench_acked.h \
	cli/bench_assign.c cli/bench_assign.h \
	cli/bench_batch.c cli/bench_batch.h \
	cli/bench_book.c cli/bench_book.h \
	cli/bench_caveats.c cli/bench_caveats.h \
	cli/bench_ceiling.c cli/bench_ceiling.h \
	cli/bench_chart.c cli/bench_chart.h \
	cli/bench_check.c cli/bench_check.h \
	cli/bench_compare.c cli/bench_compare.h \
	cli/bench_condition.c cli/bench_condition.h \
	cli/bench_conn.c cli/bench_conn.h \
	cli/bench_contrast.c cli/bench_contrast_text.c \
	cli/bench_csv.c cli/bench_csv.h \
	cli/bench_curve.c cli/bench_curve.h \
	cli/bench_disk.c cli/bench_disk.h \
	cli/bench_durability.c cli/bench_durability.h \
	cli/bench_env.c cli/bench_env.h \
	cli/bench_fetch.c cli/bench_fetch.h \
	cli/bench_figure.c cli/bench_figure.h \
	cli/bench_find.c cli/bench_find.h \
	cli/bench_load.c cli/bench_load.h \
	cli/bench_meta.c cli/bench_meta.h \
	cli/bench_null.c cli/bench_null.h cli/bench_null_answer.c \
	cli/bench_opt.c cli/bench_opt.h \
	cli/bench_outcome.c cli/bench_outcome.h \
	cli/bench_pace.c cli/bench_pace.h \
	cli/bench_page.h cli/bench_page_compare.c cli/bench_page_parts.c \
	cli/bench_page_run.c cli/bench_page_steps.c \
	cli/bench_pair.c cli/bench_pair.h \
	cli/bench_process.c cli/bench_process.h \
	cli/bench_produce.c cli/bench_produce.h \
	cli/bench_ramp.c cli/bench_ramp.h \
	cli/bench_ranges.c cli/bench_ranges.h \
	cli/bench_rates.c cli/bench_rates.h \
	cli/bench_report.c cli/bench_report.h \
	cli/bench_results.c cli/bench_results.h \
	cli/bench_run.c cli/bench_run.h \
	cli/bench_search.c cli/bench_search.h \
	cli/bench_series.c cli/bench_series.h \
	cli/bench_session.c cli/bench_session.h \
	cli/bench_setting.c cli/bench_setting.h \
	cli/bench_setup.c cli/bench_setup.h \
	cli/bench_slo.c cli/bench_slo.h \
	cli/bench_stats.c cli/bench_stats.h \
	cli/bench_step.c cli/bench_step.h \
	cli/bench_steps.c cli/bench_steps.h \
	cli/bench_text.c \
	cli/bench_usage.c cli/bench_usage.h \
	cli/bench_weigh.c cli/bench_weigh.h \
	cli/bench_worker.c cli/bench_worker.h
libbench_la_LIBADD = libcli.la libchronikloop.la libchronik.la -lm

bin_PROGRAMS += chronik-bench
chronik_bench_SOURCES = cli/chronik-bench.c
chronik_bench_LDADD = libbench.la $(CLI_LIBS)
EXTRA_DIST += man/chronik-bench.1.in
man_MANS += man/chronik-bench.1
bashcomp_DATA += completions/chronik-bench.bash
CLEANFILES += man/chronik-bench.1 completions/chronik-bench.bash
man/chronik-bench.1: man/chronik-bench.1.in chronik-bench$(EXEEXT)
	$(make_man)
completions/chronik-bench.bash: chronik-bench$(EXEEXT)
	$(make_completion)

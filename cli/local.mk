# cli: what the programs share is a convenience library; each program is one file, or a few, on top.
noinst_LTLIBRARIES += libcli.la
libcli_la_SOURCES = \
	cli/acklog.c cli/acklog.h \
	cli/bench_stamp.c cli/bench_stamp.h \
	cli/checkpoint_check.c cli/checkpoint_check.h \
	cli/choices.c cli/choices.h \
	cli/cli.c cli/cli.h \
	cli/config_changes.c cli/config_changes.h \
	cli/escape.c cli/escape.h \
	cli/figures.c cli/figures.h \
	cli/html.c cli/html.h \
	cli/interrupt.c cli/interrupt.h \
	cli/lines.c cli/lines.h \
	cli/names.c cli/names.h \
	cli/opt.c cli/opt.h cli/opt_bash.c cli/opt_show.c \
	cli/out.c cli/out.h cli/out_json.c cli/out_table.c cli/out_table.h \
	cli/record_json.c cli/record_json.h \
	cli/record_row.c cli/record_row.h \
	cli/session.c cli/session.h \
	cli/utf8.c cli/utf8.h \
	cli/verdict.c cli/verdict.h \
	cli/when.c cli/when.h
libcli_la_LIBADD = libchronik.la
CLI_LIBS = libcli.la libchronik.la

# A program says here how its man page and completion come out of its table of options:
#
#     bin_PROGRAMS += chronik-x
#     chronik_x_SOURCES = cli/chronik-x.c
#     chronik_x_LDADD = $(CLI_LIBS)
#     EXTRA_DIST += man/chronik-x.1.in
#     man_MANS += man/chronik-x.1
#     bashcomp_DATA += completions/chronik-x.bash
#     CLEANFILES += man/chronik-x.1 completions/chronik-x.bash
#     man/chronik-x.1: man/chronik-x.1.in chronik-x$(EXEEXT)
#     	$(make_man)
#     completions/chronik-x.bash: chronik-x$(EXEEXT)
#     	$(make_completion)
#
# In the page's source a line @OPTIONS@ stands for the sections COMMANDS and OPTIONS, @VERSION@ for the
# version.
man_MANS =
bashcompdir = @bashcompdir@
bashcomp_DATA =
# (The brackets keep config.status from filling in the pattern itself.)
make_man = $(AM_V_GEN)$(MKDIR_P) man && prog=$(@F) && \
	./$${prog%.[0-9]}$(EXEEXT) --help=man >$@.options && \
	sed -e 's/@[V]ERSION@/$(PACKAGE_VERSION)/g' -e '/^@OPTIONS@$$/r $@.options' -e '/^@OPTIONS@$$/d' \
		$(srcdir)/$@.in >$@.tmp && rm -f $@.options && mv $@.tmp $@
make_completion = $(AM_V_GEN)$(MKDIR_P) completions && prog=$(@F) && \
	./$${prog%.bash}$(EXEEXT) --help=bash >$@.tmp && mv $@.tmp $@

include cli/bench.mk

# chronik-meta but for its main, so that tests can look at damage on a disk in memory.
noinst_LTLIBRARIES += libclimeta.la
libclimeta_la_SOURCES = \
	cli/meta_check.c cli/meta_check.h \
	cli/meta_dump.c \
	cli/meta_history.c cli/meta_history.h \
	cli/meta_list.c \
	cli/meta_log.c \
	cli/meta_place.c cli/meta_place.h \
	cli/meta_tool.c cli/meta_tool.h \
	cli/meta_verify.c
libclimeta_la_LIBADD = $(CLI_LIBS)
bin_PROGRAMS += chronik-meta
chronik_meta_SOURCES = cli/chronik-meta.c
chronik_meta_LDADD = libclimeta.la $(CLI_LIBS)
EXTRA_DIST += man/chronik-meta.1.in
man_MANS += man/chronik-meta.1
bashcomp_DATA += completions/chronik-meta.bash
CLEANFILES += man/chronik-meta.1 completions/chronik-meta.bash
man/chronik-meta.1: man/chronik-meta.1.in chronik-meta$(EXEEXT)
	$(make_man)
completions/chronik-meta.bash: chronik-meta$(EXEEXT)
	$(make_completion)

# chronik-wal but for its main, likewise.
noinst_LTLIBRARIES += libcliwal.la
libcliwal_la_SOURCES = \
	cli/wal_acked.c cli/wal_acked.h cli/wal_acked_logs.c \
	cli/wal_check.c cli/wal_check.h \
	cli/wal_dump.c \
	cli/wal_frame.c \
	cli/wal_list.c \
	cli/wal_logs.c \
	cli/wal_repair.c cli/wal_repair.h cli/wal_repair_plan.c \
	cli/wal_repair_read.c cli/wal_repair_write.c \
	cli/wal_stats.c \
	cli/wal_tool.c cli/wal_tool.h \
	cli/wal_topics.c \
	cli/wal_verify.c \
	cli/wal_walk.c
libcliwal_la_LIBADD = libclimeta.la $(CLI_LIBS)
bin_PROGRAMS += chronik-wal
chronik_wal_SOURCES = cli/chronik-wal.c
chronik_wal_LDADD = libcliwal.la libclimeta.la $(CLI_LIBS)
EXTRA_DIST += man/chronik-wal.1.in
man_MANS += man/chronik-wal.1
bashcomp_DATA += completions/chronik-wal.bash
CLEANFILES += man/chronik-wal.1 completions/chronik-wal.bash
man/chronik-wal.1: man/chronik-wal.1.in chronik-wal$(EXEEXT)
	$(make_man)
completions/chronik-wal.bash: chronik-wal$(EXEEXT)
	$(make_completion)

# chronik-log but for its main, likewise.
noinst_LTLIBRARIES += libclilog.la
libclilog_la_SOURCES = \
	cli/log_check.c cli/log_check.h \
	cli/log_derived.c cli/log_derived.h \
	cli/log_dump.c cli/log_dump.h \
	cli/log_filter.c cli/log_filter.h \
	cli/log_index.c \
	cli/log_list.c \
	cli/log_place.c cli/log_place.h \
	cli/log_stats.c \
	cli/log_tool.c cli/log_tool.h \
	cli/log_truth.c cli/log_truth.h \
	cli/log_verify.c
libclilog_la_LIBADD = libclimeta.la $(CLI_LIBS)
bin_PROGRAMS += chronik-log
chronik_log_SOURCES = cli/chronik-log.c
chronik_log_LDADD = libclilog.la libclimeta.la $(CLI_LIBS)
EXTRA_DIST += man/chronik-log.1.in
man_MANS += man/chronik-log.1
bashcomp_DATA += completions/chronik-log.bash
CLEANFILES += man/chronik-log.1 completions/chronik-log.bash
man/chronik-log.1: man/chronik-log.1.in chronik-log$(EXEEXT)
	$(make_man)
completions/chronik-log.bash: chronik-log$(EXEEXT)
	$(make_completion)

include cli/records.mk

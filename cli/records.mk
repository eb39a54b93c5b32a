# The programs that talk to a broker about topics and records.
bin_PROGRAMS += chronik-topic
chronik_topic_SOURCES = cli/chronik-topic.c cli/topic.h cli/topic_alter.c cli/topic_create.c \
	cli/topic_delete.c cli/topic_describe.c cli/topic_list.c cli/topic_offsets.c cli/topic_trim.c
chronik_topic_LDADD = $(CLI_LIBS)
EXTRA_DIST += man/chronik-topic.1.in
man_MANS += man/chronik-topic.1
bashcomp_DATA += completions/chronik-topic.bash
CLEANFILES += man/chronik-topic.1 completions/chronik-topic.bash
man/chronik-topic.1: man/chronik-topic.1.in chronik-topic$(EXEEXT)
	$(make_man)
completions/chronik-topic.bash: chronik-topic$(EXEEXT)
	$(make_completion)

bin_PROGRAMS += chronik-config
chronik_config_SOURCES = cli/chronik-config.c cli/config.h cli/config_alter.c cli/config_describe.c
chronik_config_LDADD = $(CLI_LIBS)
EXTRA_DIST += man/chronik-config.1.in
man_MANS += man/chronik-config.1
bashcomp_DATA += completions/chronik-config.bash
CLEANFILES += man/chronik-config.1 completions/chronik-config.bash
man/chronik-config.1: man/chronik-config.1.in chronik-config$(EXEEXT)
	$(make_man)
completions/chronik-config.bash: chronik-config$(EXEEXT)
	$(make_completion)

bin_PROGRAMS += chronik-produce
chronik_produce_SOURCES = cli/chronik-produce.c cli/produce.c cli/produce.h
chronik_produce_LDADD = $(CLI_LIBS)
EXTRA_DIST += man/chronik-produce.1.in
man_MANS += man/chronik-produce.1
bashcomp_DATA += completions/chronik-produce.bash
CLEANFILES += man/chronik-produce.1 completions/chronik-produce.bash
man/chronik-produce.1: man/chronik-produce.1.in chronik-produce$(EXEEXT)
	$(make_man)
completions/chronik-produce.bash: chronik-produce$(EXEEXT)
	$(make_completion)

bin_PROGRAMS += chronik-consume
chronik_consume_SOURCES = cli/chronik-consume.c cli/consume.c cli/consume.h
chronik_consume_LDADD = $(CLI_LIBS)
EXTRA_DIST += man/chronik-consume.1.in
man_MANS += man/chronik-consume.1
bashcomp_DATA += completions/chronik-consume.bash
CLEANFILES += man/chronik-consume.1 completions/chronik-consume.bash
man/chronik-consume.1: man/chronik-consume.1.in chronik-consume$(EXEEXT)
	$(make_man)
completions/chronik-consume.bash: chronik-consume$(EXEEXT)
	$(make_completion)

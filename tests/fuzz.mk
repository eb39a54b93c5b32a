# Fuzz targets, tests/fuzz/fuzz_<name>.c each. What `make` builds replays the corpus and walks on blindly from each
# of its files; with --enable-fuzz they are libFuzzer programs, and ./dev fuzz runs them.
FUZZ_TESTS = \
	tests/fuzz/fuzz_acklog \
	tests/fuzz/fuzz_batch \
	tests/fuzz/fuzz_batch_filter \
	tests/fuzz/fuzz_batch_recompress \
	tests/fuzz/fuzz_builder \
	tests/fuzz/fuzz_checkpoint \
	tests/fuzz/fuzz_cluster \
	tests/fuzz/fuzz_codec \
	tests/fuzz/fuzz_command \
	tests/fuzz/fuzz_group \
	tests/fuzz/fuzz_index \
	tests/fuzz/fuzz_plog \
	tests/fuzz/fuzz_plog_swap \
	tests/fuzz/fuzz_record_json \
	tests/fuzz/fuzz_request \
	tests/fuzz/fuzz_response \
	tests/fuzz/fuzz_settings \
	tests/fuzz/fuzz_small \
	tests/fuzz/fuzz_snapshot \
	tests/fuzz/fuzz_wal
check_PROGRAMS += $(FUZZ_TESTS)
fuzz-targets: $(BUILT_SOURCES)
	$(MAKE) $(AM_MAKEFLAGS) $(FUZZ_TESTS)
fuzz-names:
	@echo $(FUZZ_TESTS:tests/fuzz/fuzz_%=%)
.PHONY: fuzz-targets fuzz-names

check_LTLIBRARIES += libfuzzkit.la
libfuzzkit_la_SOURCES = tests/fuzz/batch.c tests/fuzz/batch.h tests/fuzz/disk.c tests/fuzz/disk.h tests/fuzz/fuzz.c \
	tests/fuzz/fuzz.h tests/fuzz/image.c tests/fuzz/image.h tests/fuzz/kp.c tests/fuzz/kp.h
if !FUZZ
libfuzzkit_la_SOURCES += tests/fuzz/replay.c
endif
FUZZ_LIBS = libfuzzkit.la libchronik.la
FUZZ_CLI_LIBS = libfuzzkit.la $(CLI_LIBS)
FUZZ_BROKER_LIBS = libfuzzkit.la libbroker.la libchronikloopvirtual.la $(CLI_LIBS) $(URCU_LIBS)
FUZZ_FLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_acklog_LDADD = $(FUZZ_CLI_LIBS)
tests_fuzz_fuzz_acklog_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_batch_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_batch_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_batch_filter_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_batch_filter_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_batch_recompress_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_batch_recompress_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_builder_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_builder_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_checkpoint_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_checkpoint_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_cluster_SOURCES = tests/fuzz/fuzz_cluster.c tests/fuzz/net.c tests/fuzz/net.h
tests_fuzz_fuzz_cluster_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_cluster_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_codec_LDADD = $(FUZZ_LIBS) $(ZLIB_LIBS)
tests_fuzz_fuzz_codec_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_command_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_command_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_group_LDADD = $(FUZZ_BROKER_LIBS)
tests_fuzz_fuzz_group_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_index_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_index_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_plog_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_plog_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_plog_swap_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_plog_swap_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_record_json_LDADD = $(FUZZ_CLI_LIBS)
tests_fuzz_fuzz_record_json_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_request_LDADD = $(FUZZ_BROKER_LIBS)
tests_fuzz_fuzz_request_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_response_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_response_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_settings_LDADD = $(FUZZ_BROKER_LIBS)
tests_fuzz_fuzz_settings_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_small_LDADD = $(FUZZ_BROKER_LIBS)
tests_fuzz_fuzz_small_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_snapshot_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_snapshot_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_fuzz_wal_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_wal_LDFLAGS = $(FUZZ_FLAGS)

# The corpus is a part of releases: a directory for each target.
EXTRA_DIST += tests/fuzz/README tests/fuzz/corpus tests/fuzz/record_json.dict tests/fuzz/replay.t tests/fuzz/settings.dict
if !FUZZ
TESTS += tests/fuzz/replay.t
endif

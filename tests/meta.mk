EXTRA_DIST += tests/unit/meta/kit.h
UNIT_TESTS += tests/unit/meta/test_apply
UNIT_TESTS += tests/unit/meta/test_command
UNIT_TESTS += tests/unit/meta/test_image
UNIT_TESTS += tests/unit/meta/test_model
UNIT_TESTS += tests/unit/meta/test_settings
UNIT_TESTS += tests/unit/meta/test_snapshot
UNIT_TESTS += tests/unit/meta/test_snapshot_file
UNIT_TESTS += tests/unit/meta/test_topics
# chronik-meta, on directories that the shard's rig makes.
UNIT_TESTS += tests/unit/cli/test_meta
tests_unit_cli_test_meta_LDADD = libclimeta.la libshardrig.la libunit.la $(CLI_LIBS) $(CHECK_LIBS)

# chronik-meta on snapshots that every build makes alike, and against a reader in another language.
check_PROGRAMS += tests/meta/make_samples
tests_meta_make_samples_LDADD = libshardrig.la libchronik.la
META_SAMPLES = samples/meta/00000000000000000012-00000000000000000003.snapshot \
	samples/meta/corrupt/00000000000000000012-00000000000000000003.snapshot
EXTRA_DIST += $(META_SAMPLES) samples/meta/README tests/meta/read_snapshot.py
dist_check_SCRIPTS += tests/meta/second_opinion.sh tests/meta/tool.sh
TESTS += tests/meta/second_opinion.sh tests/meta/tool.sh

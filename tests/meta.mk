EXTRA_DIST += tests/unit/meta/kit.h
UNIT_TESTS += tests/unit/meta/test_apply
UNIT_TESTS += tests/unit/meta/test_command
UNIT_TESTS += tests/unit/meta/test_image
UNIT_TESTS += tests/unit/meta/test_model
UNIT_TESTS += tests/unit/meta/test_snapshot
UNIT_TESTS += tests/unit/meta/test_snapshot_file
UNIT_TESTS += tests/unit/meta/test_topics
# chronik-meta, on directories that the shard's rig makes.
UNIT_TESTS += tests/unit/cli/test_meta
tests_unit_cli_test_meta_LDADD = libclimeta.la libshardrig.la libunit.la $(CLI_LIBS) $(CHECK_LIBS)

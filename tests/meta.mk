EXTRA_DIST += tests/unit/meta/kit.h
UNIT_TESTS += tests/unit/meta/test_apply
UNIT_TESTS += tests/unit/meta/test_command
UNIT_TESTS += tests/unit/meta/test_image
UNIT_TESTS += tests/unit/meta/test_model
UNIT_TESTS += tests/unit/meta/test_snapshot
UNIT_TESTS += tests/unit/meta/test_snapshot_file
UNIT_TESTS += tests/unit/meta/test_topics

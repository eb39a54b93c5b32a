UNIT_TESTS += tests/unit/base/test_err
UNIT_TESTS += tests/unit/base/test_io

UNIT_TESTS += tests/unit/base/test_err
UNIT_TESTS += tests/unit/base/test_io
UNIT_TESTS += tests/unit/base/test_io_mem

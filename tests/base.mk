UNIT_TESTS += tests/unit/base/test_err

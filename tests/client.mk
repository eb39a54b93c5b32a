UNIT_TESTS += tests/unit/client/test_address
UNIT_TESTS += tests/unit/client/test_conn
UNIT_TESTS += tests/unit/client/test_murmur2

UNIT_TESTS += tests/unit/client/test_address
UNIT_TESTS += tests/unit/client/test_blocking
UNIT_TESTS += tests/unit/client/test_cluster
UNIT_TESTS += tests/unit/client/test_conn
UNIT_TESTS += tests/unit/client/test_murmur2
tests_unit_client_test_cluster_SOURCES = tests/unit/client/test_cluster.c tests/unit/client/fake.c \
	tests/unit/client/fake.h

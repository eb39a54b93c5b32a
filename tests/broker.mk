# broker: unit tests link the daemon's library; those with connections run it on the virtual loop.
BROKER_UNIT_TESTS = \
	tests/unit/broker/test_address \
	tests/unit/broker/test_alter \
	tests/unit/broker/test_api \
	tests/unit/broker/test_conn \
	tests/unit/broker/test_crew \
	tests/unit/broker/test_deadline \
	tests/unit/broker/test_descriptors \
	tests/unit/broker/test_errors \
	tests/unit/broker/test_inbox \
	tests/unit/broker/test_lone \
	tests/unit/broker/test_pace \
	tests/unit/broker/test_reader \
	tests/unit/broker/test_settings \
	tests/unit/broker/test_wait
UNIT_TESTS += $(BROKER_UNIT_TESTS)

BROKER_TEST_LIBS = libbroker.la libchronikloopvirtual.la libunit.la libchronik.la $(CHECK_LIBS) $(URCU_LIBS)
tests_unit_broker_test_address_LDADD = $(BROKER_TEST_LIBS)
tests_unit_broker_test_alter_LDADD = $(BROKER_TEST_LIBS)
tests_unit_broker_test_api_LDADD = $(BROKER_TEST_LIBS)
tests_unit_broker_test_conn_CPPFLAGS = $(AM_CPPFLAGS) $(URCU_CFLAGS)
tests_unit_broker_test_conn_LDADD = $(BROKER_TEST_LIBS)
tests_unit_broker_test_crew_LDADD = $(BROKER_TEST_LIBS)
tests_unit_broker_test_deadline_LDADD = $(BROKER_TEST_LIBS)
tests_unit_broker_test_descriptors_LDADD = $(BROKER_TEST_LIBS)
tests_unit_broker_test_errors_LDADD = $(BROKER_TEST_LIBS)
tests_unit_broker_test_inbox_LDADD = $(BROKER_TEST_LIBS)
tests_unit_broker_test_lone_LDADD = $(BROKER_TEST_LIBS)
tests_unit_broker_test_pace_LDADD = $(BROKER_TEST_LIBS)
tests_unit_broker_test_reader_LDADD = $(BROKER_TEST_LIBS)
tests_unit_broker_test_settings_LDADD = $(BROKER_TEST_LIBS)
tests_unit_broker_test_wait_LDADD = $(BROKER_TEST_LIBS)

# chronikd itself, over sockets, by a client that knows the bytes.
BROKER_FUNC_TESTS = \
	tests/func/test_broker_cold.py \
	tests/func/test_broker_cold_bytes.py \
	tests/func/test_broker_compaction.py \
	tests/func/test_broker_compression.py \
	tests/func/test_broker_configs.py \
	tests/func/test_broker_delete_records.py \
	tests/func/test_broker_disk.py \
	tests/func/test_broker_drain.py \
	tests/func/test_broker_fetch.py \
	tests/func/test_broker_hostile.py \
	tests/func/test_broker_ids.py \
	tests/func/test_broker_indexes.py \
	tests/func/test_broker_life.py \
	tests/func/test_broker_waldir.py \
	tests/func/test_broker_lone.py \
	tests/func/test_broker_writer.py \
	tests/func/test_broker_limits.py \
	tests/func/test_broker_produce.py \
	tests/func/test_broker_reactions.py \
	tests/func/test_broker_recreate.py \
	tests/func/test_broker_retention.py \
	tests/func/test_broker_topics.py
EXTRA_DIST += $(BROKER_FUNC_TESTS) tests/func/strace.py
TESTS += $(BROKER_FUNC_TESTS)

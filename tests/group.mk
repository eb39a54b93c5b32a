# broker: consumer groups
GROUP_TESTS = \
	tests/unit/broker/test_coordinator \
	tests/unit/broker/test_coordinator_offsets \
	tests/unit/broker/test_group \
	tests/unit/broker/test_group_join \
	tests/unit/broker/test_group_records \
	tests/unit/broker/test_group_static \
	tests/unit/broker/test_group_subscription \
	tests/unit/broker/test_group_sync
UNIT_TESTS += $(GROUP_TESTS)
if HAVE_CHECK
check_LTLIBRARIES += libcoordinatorkit.la libgroupkit.la
libcoordinatorkit_la_SOURCES = tests/unit/broker/coordinator_kit.c tests/unit/broker/coordinator_kit.h
libgroupkit_la_SOURCES = tests/unit/broker/group_kit.c tests/unit/broker/group_kit.h
endif
GROUP_TEST_LIBS = libgroupkit.la libbroker.la libunit.la libchronik.la $(CHECK_LIBS)
tests_unit_broker_test_group_LDADD = $(GROUP_TEST_LIBS)
tests_unit_broker_test_group_join_LDADD = $(GROUP_TEST_LIBS)
tests_unit_broker_test_group_records_LDADD = $(GROUP_TEST_LIBS)
tests_unit_broker_test_group_static_LDADD = $(GROUP_TEST_LIBS)
tests_unit_broker_test_group_subscription_LDADD = $(GROUP_TEST_LIBS)
tests_unit_broker_test_group_sync_LDADD = $(GROUP_TEST_LIBS)

COORDINATOR_TEST_LIBS = libcoordinatorkit.la libbroker.la libchronikloopvirtual.la libunit.la \
	libchronik.la $(CHECK_LIBS) $(URCU_LIBS)
tests_unit_broker_test_coordinator_LDADD = $(COORDINATOR_TEST_LIBS)
tests_unit_broker_test_coordinator_offsets_LDADD = $(COORDINATOR_TEST_LIBS)

TESTS += tests/func/test_broker_groups.py
EXTRA_DIST += tests/func/test_broker_groups.py

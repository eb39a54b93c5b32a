# lib/shard: the rig drives one node's shards on a disk in memory.
SHARD_UNIT_TESTS = tests/unit/shard/test_buffer tests/unit/shard/test_checkpoint tests/unit/shard/test_entries tests/unit/shard/test_node \
	tests/unit/shard/test_producers tests/unit/shard/test_recover tests/unit/shard/test_shard tests/unit/shard/test_limits \
	tests/unit/shard/test_cluster tests/unit/shard/test_compaction tests/unit/shard/test_retention tests/unit/shard/test_space \
	tests/unit/shard/test_wall tests/unit/shard/test_write_back
UNIT_TESTS += $(SHARD_UNIT_TESTS)
check_LTLIBRARIES += libshardrig.la
EXTRA_DIST += tests/unit/shard/power.h
libshardrig_la_SOURCES = tests/shard/phases.c tests/shard/phases.def tests/shard/phases.h \
	tests/shard/rig.c tests/shard/rig.h
SHARD_TEST_LIBS = libshardrig.la libunit.la libchronik.la $(CHECK_LIBS)
tests_unit_shard_test_buffer_LDADD = $(SHARD_TEST_LIBS)
tests_unit_shard_test_recover_LDADD = $(SHARD_TEST_LIBS)
tests_unit_shard_test_shard_LDADD = $(SHARD_TEST_LIBS)
tests_unit_shard_test_limits_LDADD = $(SHARD_TEST_LIBS)
tests_unit_shard_test_compaction_LDADD = $(SHARD_TEST_LIBS)
tests_unit_shard_test_retention_LDADD = $(SHARD_TEST_LIBS)
tests_unit_shard_test_space_LDADD = $(SHARD_TEST_LIBS)
tests_unit_shard_test_cluster_LDADD = $(SHARD_TEST_LIBS)
tests_unit_shard_test_write_back_LDADD = $(SHARD_TEST_LIBS)

# A tenth of what `make check-all` does.
check_PROGRAMS += tests/crash/power_cut
tests_crash_power_cut_SOURCES = tests/crash/power_cut.c tests/crash/workload.c tests/crash/workload.h
tests_crash_power_cut_LDADD = libshardrig.la libchronik.la
TESTS += tests/crash/power_cut
check_PROGRAMS += tests/crash/fault_sweep
tests_crash_fault_sweep_SOURCES = tests/crash/fault_sweep.c tests/crash/workload.c tests/crash/workload.h
tests_crash_fault_sweep_LDADD = libshardrig.la libchronik.la
TESTS += tests/crash/fault_sweep

# Every seventh call fails; make check-all lets every one.
check_PROGRAMS += tests/crash/reactions
tests_crash_reactions_SOURCES = tests/crash/reactions.c
tests_crash_reactions_LDADD = libshardrig.la libchronik.la
TESTS += tests/crash/reactions

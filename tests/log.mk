# chronik-log on directories that every build makes alike, and on Kafka's.
noinst_PROGRAMS += tests/log/make_samples
tests_log_make_samples_LDADD = libchronik.la
LOG_SAMPLES = \
	samples/log/corrupt/events-0/00000000000000000000.check \
	samples/log/corrupt/events-0/00000000000000000000.index \
	samples/log/corrupt/events-0/00000000000000000000.log \
	samples/log/corrupt/events-0/00000000000000000000.timeindex \
	samples/log/corrupt/events-0/00000000000000000100.check \
	samples/log/corrupt/events-0/00000000000000000100.index \
	samples/log/corrupt/events-0/00000000000000000100.log \
	samples/log/corrupt/events-0/00000000000000000100.timeindex \
	samples/log/corrupt/events-0/00000000000000000130.check \
	samples/log/corrupt/events-0/00000000000000000130.index \
	samples/log/corrupt/events-0/00000000000000000130.log \
	samples/log/corrupt/events-0/00000000000000000130.timeindex \
	samples/log/corrupt/events-0/leader-epoch-checkpoint \
	samples/log/corrupt/events-0/partition.metadata \
	samples/log/events-0/00000000000000000000.check \
	samples/log/events-0/00000000000000000000.index \
	samples/log/events-0/00000000000000000000.log \
	samples/log/events-0/00000000000000000000.timeindex \
	samples/log/events-0/00000000000000000100.check \
	samples/log/events-0/00000000000000000100.index \
	samples/log/events-0/00000000000000000100.log \
	samples/log/events-0/00000000000000000100.timeindex \
	samples/log/events-0/00000000000000000130.check \
	samples/log/events-0/00000000000000000130.index \
	samples/log/events-0/00000000000000000130.log \
	samples/log/events-0/00000000000000000130.timeindex \
	samples/log/events-0/leader-epoch-checkpoint \
	samples/log/events-0/partition.metadata
LOG_GOLDEN = \
	tests/golden/log/README \
	tests/golden/log/compacted-0/00000000000000000000.index \
	tests/golden/log/compacted-0/00000000000000000000.log \
	tests/golden/log/compacted-0/00000000000000000000.timeindex \
	tests/golden/log/compacted-0/00000000000000000030.index \
	tests/golden/log/compacted-0/00000000000000000030.log \
	tests/golden/log/compacted-0/00000000000000000030.timeindex \
	tests/golden/log/compacted-0/leader-epoch-checkpoint \
	tests/golden/log/compacted-0/partition.metadata \
	tests/golden/log/plain-0/00000000000000000000.index \
	tests/golden/log/plain-0/00000000000000000000.log \
	tests/golden/log/plain-0/00000000000000000000.timeindex \
	tests/golden/log/plain-0/leader-epoch-checkpoint \
	tests/golden/log/plain-0/partition.metadata
EXTRA_DIST += samples/log/README $(LOG_SAMPLES) $(LOG_GOLDEN)
dist_check_SCRIPTS += tests/log/tool.sh
TESTS += tests/log/tool.sh

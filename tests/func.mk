# Functional tests: programs against a broker, as TAP. Run one alone with make check TESTS=tests/func/topic.t
FUNC_TESTS = \
	tests/func/bench.t \
	tests/func/bench_accuracy.py \
	tests/func/bench_faults.t \
	tests/func/bench_pages.py \
	tests/func/bench_rates.py \
	tests/func/compare.t \
	tests/func/completion.t \
	tests/func/config.t \
	tests/func/durability.t \
	tests/func/new_topics.py \
	tests/func/records.t \
	tests/func/topic.t \
	tests/func/unreachable.t \
	tests/func/test_wal_repair.py \
	tests/func/wal_acked.t
dist_check_SCRIPTS += $(FUNC_TESTS)
EXTRA_DIST += tests/func/lib.sh tests/func/liar.py tests/func/metronome.py
TESTS += $(FUNC_TESTS)

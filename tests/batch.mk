UNIT_TESTS += tests/unit/batch/test_admit
UNIT_TESTS += tests/unit/batch/test_batch
UNIT_TESTS += tests/unit/batch/test_codec
UNIT_TESTS += tests/unit/batch/test_filter
UNIT_TESTS += tests/unit/batch/test_golden
UNIT_TESTS += tests/unit/batch/test_recompress
UNIT_TESTS += tests/unit/batch/test_records
EXTRA_DIST += tests/unit/batch/make.h \
	tests/golden/batch/make.py \
	tests/golden/batch/gzip-members.batch \
	tests/golden/batch/gzip.batch \
	tests/golden/batch/lz4-linked.batch \
	tests/golden/batch/lz4.batch \
	tests/golden/batch/none.batch \
	tests/golden/batch/snappy-raw.batch \
	tests/golden/batch/snappy-xerial.batch \
	tests/golden/batch/transactional.batch \
	tests/golden/batch/zstd-stream.batch \
	tests/golden/batch/zstd.batch

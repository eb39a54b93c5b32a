KP_TESTS = \
	tests/unit/kp/test_api \
	tests/unit/kp/test_damage \
	tests/unit/kp/test_decode \
	tests/unit/kp/test_encode \
	tests/unit/kp/test_equal \
	tests/unit/kp/test_error \
	tests/unit/kp/test_golden \
	tests/unit/kp/test_header \
	tests/unit/kp/test_json \
	tests/unit/kp/test_roundtrip
UNIT_TESTS += $(KP_TESTS)

dist_check_SCRIPTS += tests/unit/kp/test_gen.sh
TESTS += tests/unit/kp/test_gen.sh

# What some of them share.
KP_MESSAGE = tests/unit/kp/message.c tests/unit/kp/message.h
tests_unit_kp_test_damage_SOURCES = tests/unit/kp/test_damage.c $(KP_MESSAGE)
tests_unit_kp_test_decode_SOURCES = tests/unit/kp/test_decode.c $(KP_MESSAGE)
tests_unit_kp_test_golden_SOURCES = tests/unit/kp/test_golden.c $(KP_MESSAGE)
tests_unit_kp_test_roundtrip_SOURCES = tests/unit/kp/test_roundtrip.c $(KP_MESSAGE)

# Frames of other software, and how they came here.
EXTRA_DIST += \
	tests/golden/kp/kafka-python-2.0.2-client.frames \
	tests/golden/kp/kafka-python-2.0.2.frames \
	tests/golden/kp/kafka-python-3.0.12-client.frames \
	tests/golden/kp/kafka-python-3.0.12.frames \
	tests/golden/kp/kafkajs-2.2.4.frames \
	tests/golden/kp/librdkafka-2.0.2.frames \
	tests/golden/kp/librdkafka-2.16.0.frames \
	tests/kp/capture.py \
	tests/kp/drive.js \
	tests/kp/drive.py \
	tests/kp/make_frames.py

# What the interpreter costs; run by hand.
noinst_PROGRAMS += tests/bench/kp
tests_bench_kp_LDADD = libchronik.la

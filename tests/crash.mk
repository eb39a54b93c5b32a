# Kills of a real broker: a tenth of what `make check-all` does. The power cuts are in tests/shard.mk.
TESTS += tests/crash/kill9.py tests/crash/test_ledger.py
EXTRA_DIST += tests/crash/evidence.py tests/crash/hunter.py tests/crash/kill9.py tests/crash/ledger.py tests/crash/load.py tests/crash/test_ledger.py

# What tests in Python share.
EXTRA_DIST += tests/common/broker.py tests/common/client.py tests/common/records.py tests/common/tap.py \
	tests/common/wire.py

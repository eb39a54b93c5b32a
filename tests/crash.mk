# Kills of a real broker: a tenth of what `make check-all` does. The power cuts are in tests/shard.mk.
TESTS += tests/crash/kill9.py tests/crash/test_ledger.py
EXTRA_DIST += tests/crash/evidence.py tests/crash/hunter.py tests/crash/kill9.py tests/crash/ledger.py tests/crash/load.py tests/crash/test_ledger.py

# What tests in Python share.
EXTRA_DIST += tests/common/bombs.py tests/common/broker.py tests/common/client.py tests/common/crowd.py \
	tests/common/records.py tests/common/tap.py tests/common/tool.sh \
	tests/common/wire.py

# Faults at the calls of a real broker. The shim stands in front of the C library: a shared object of its own, without
# the checks of arguments that would be in its way.
check_LTLIBRARIES += tests/crash/fault_shim.la
tests_crash_fault_shim_la_SOURCES = tests/crash/fault_shim.c
tests_crash_fault_shim_la_CPPFLAGS = -D_GNU_SOURCE
tests_crash_fault_shim_la_CFLAGS = -std=gnu11 $(CWARN)
tests_crash_fault_shim_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere
TESTS += tests/crash/call_sites.py
EXTRA_DIST += tests/crash/call_sites.py

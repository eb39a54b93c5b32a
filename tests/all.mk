# What takes longer than `make check` may.
#   make check-all   100 kills, 500 power cuts, real clients
#   make check-long  ten times as many, and a long look for states that a power cut could leave
# The same programs as in `make check`, told by the environment to do more; their results are counted like those.
CHECK_ALL_TESTS = tests/crash/power_cut tests/crash/kill9.py tests/clients/run.t

check-all: all $(check_PROGRAMS)
	POWER_CUT_STATES=500 KILL9_CYCLES=100 \
		$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS="$(CHECK_ALL_TESTS)"
check-long: all $(check_PROGRAMS)
	POWER_CUT_STATES=50000 KILL9_CYCLES=1000 \
		$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS="$(CHECK_ALL_TESTS)"
.PHONY: check-all check-long

# What takes longer than `make check` may: real clients, kills, power cuts, failing calls, the simulator, silent faults, bad input.
#   make check-all   100 kills, 5,000 states that a power cut could leave, every tenth call of the disk failing, 500 worlds
#   make check-long  ten times as many: every call of the disk fails
# Their output is shown as it comes; the last line counts.
EXTRA_DIST += tests/suite.sh
SUITE = srcdir='$(abs_srcdir)' $(srcdir)/tests/suite.sh
check-all: all $(check_PROGRAMS) $(check_LTLIBRARIES)
	$(SUITE) 100 5000
check-long: all $(check_PROGRAMS) $(check_LTLIBRARIES)
	$(SUITE) 1000 50000
.PHONY: check-all check-long

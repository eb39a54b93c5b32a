# The source tree's own rules, and a proof that each of them bites.
TESTS += tests/lint/lint.py tests/lint/test_lint.py
EXTRA_DIST += tests/lint/lint.py tests/lint/test_lint.py

dist_check_SCRIPTS += tests/lint/hardening.t
AM_TESTS_ENVIRONMENT = INSTALLED='$(bin_PROGRAMS) $(sbin_PROGRAMS) libchronik.so'; export INSTALLED;
if HARDENING
TESTS += tests/lint/hardening.t
endif

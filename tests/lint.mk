# The source tree's own rules, and a proof that each of them bites.
TESTS += tests/lint/lint.py tests/lint/test_lint.py
EXTRA_DIST += tests/lint/lint.py tests/lint/test_lint.py

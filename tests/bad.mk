# Bad input of every kind, a case a line.
TESTS += tests/bad/bad_input.py
EXTRA_DIST += tests/bad/admin.py tests/bad/bad_input.py tests/bad/cases.py tests/bad/commands.py tests/bad/files.py \
	tests/bad/frames.py tests/bad/groups.py tests/bad/values.py

# The command-line framework's tests link the programs' shared part too.
UNIT_TESTS += \
	tests/unit/cli/test_escape \
	tests/unit/cli/test_html \
	tests/unit/cli/test_lines \
	tests/unit/cli/test_names \
	tests/unit/cli/test_opt \
	tests/unit/cli/test_out \
	tests/unit/cli/test_record_json \
	tests/unit/cli/test_when
CLI_TEST_LIBS = libunit.la $(CLI_LIBS) $(CHECK_LIBS)
tests_unit_cli_test_escape_LDADD = $(CLI_TEST_LIBS)
tests_unit_cli_test_escape_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc
tests_unit_cli_test_html_LDADD = $(CLI_TEST_LIBS)
tests_unit_cli_test_lines_LDADD = $(CLI_TEST_LIBS)
tests_unit_cli_test_names_LDADD = $(CLI_TEST_LIBS)
tests_unit_cli_test_opt_LDADD = $(CLI_TEST_LIBS)
tests_unit_cli_test_out_LDADD = $(CLI_TEST_LIBS)
tests_unit_cli_test_record_json_LDADD = $(CLI_TEST_LIBS)
tests_unit_cli_test_when_LDADD = $(CLI_TEST_LIBS)

# The command-line framework's tests link the programs' shared part too.
CLI_UNIT_TESTS = tests/unit/cli/test_names tests/unit/cli/test_opt tests/unit/cli/test_out
UNIT_TESTS += $(CLI_UNIT_TESTS)
tests_unit_cli_test_names_LDADD = libunit.la $(CLI_LIBS) $(CHECK_LIBS)
tests_unit_cli_test_opt_LDADD = libunit.la $(CLI_LIBS) $(CHECK_LIBS)
tests_unit_cli_test_out_LDADD = libunit.la $(CLI_LIBS) $(CHECK_LIBS)

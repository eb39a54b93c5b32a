# lib/loop: test_loop.c is what both loops promise.
UNIT_TESTS += tests/unit/loop/test_loop tests/unit/loop/test_loop_on_virtual \
	tests/unit/loop/test_loop_virtual tests/unit/loop/test_mailbox
LOOP_TEST_LIBS = libunit.la libchronik.la $(CHECK_LIBS)
tests_unit_loop_test_loop_LDADD = libchronikloop.la $(LOOP_TEST_LIBS)
tests_unit_loop_test_loop_on_virtual_SOURCES = tests/unit/loop/test_loop.c
tests_unit_loop_test_loop_on_virtual_LDADD = libchronikloopvirtual.la $(LOOP_TEST_LIBS)
tests_unit_loop_test_loop_virtual_LDADD = libchronikloopvirtual.la $(LOOP_TEST_LIBS)
tests_unit_loop_test_mailbox_LDADD = libchronikloopvirtual.la $(LOOP_TEST_LIBS)

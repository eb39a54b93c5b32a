# make check-mutants: every seeded bug of lib/base/mutant.def must be noticed by the test it names. It
# builds a tree of its own, mutants/, in the build tree.
EXTRA_DIST += tests/mutants/run.py
check-mutants:
	$(srcdir)/tests/python.sh $(srcdir)/tests/mutants/run.py '$(abs_srcdir)' mutants
.PHONY: check-mutants
clean-local: clean-mutants
clean-mutants:
	rm -rf mutants

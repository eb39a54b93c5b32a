# man: see ARCHITECTURE.md
dist_man_MANS += man/chronik-meta.5 man/chronik-plog.5 man/chronik-wal.5

EXTRA_DIST += man/chronik.7.in
man_MANS += man/chronik.7
CLEANFILES += man/chronik.7
man/chronik.7: man/chronik.7.in Makefile
	$(AM_V_GEN)$(MKDIR_P) man && \
		sed -e 's/@[V]ERSION@/$(PACKAGE_VERSION)/g' $(srcdir)/man/chronik.7.in >$@.tmp && mv $@.tmp $@

EXTRA_DIST += man/chronikd.8.in samples/chronik.json
man_MANS += man/chronikd.8
bashcomp_DATA += completions/chronikd.bash
CLEANFILES += man/chronikd.8 completions/chronikd.bash
man/chronikd.8: man/chronikd.8.in chronikd$(EXEEXT)
	$(make_man)
completions/chronikd.bash: chronikd$(EXEEXT)
	$(make_completion)

# What the interpreter costs; run by hand.
noinst_PROGRAMS += tests/bench/kp
tests_bench_kp_LDADD = libchronik.la

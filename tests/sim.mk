# The simulator: lib/shard on a disk that fails, by a seed (tests/sim, HACKING.md).
SIM_SOURCES = \
	tests/sim/admin.c \
	tests/sim/bitrot.c \
	tests/sim/client.c tests/sim/client.h \
	tests/sim/cluster.c tests/sim/cluster.h \
	tests/sim/compacted.c tests/sim/compacted.h \
	tests/sim/coverage.c tests/sim/coverage.def tests/sim/coverage.h \
	tests/sim/disk.c tests/sim/disk.h \
	tests/sim/entropy.c \
	tests/sim/fiber.c tests/sim/fiber.h \
	tests/sim/invariants.c \
	tests/sim/model.c tests/sim/model.h \
	tests/sim/net.c tests/sim/net.h \
	tests/sim/node.c \
	tests/sim/plan.c tests/sim/plan.h \
	tests/sim/queue.c tests/sim/queue.h \
	tests/sim/reader.c \
	tests/sim/rng.h \
	tests/sim/scan.c tests/sim/scan.h \
	tests/sim/sim.c \
	tests/sim/start.c \
	tests/sim/task.c \
	tests/sim/trace.c tests/sim/trace.h \
	tests/sim/trouble.c \
	tests/sim/twin.c \
	tests/sim/world.c tests/sim/world.h
check_PROGRAMS += tests/sim/sim
tests_sim_sim_SOURCES = $(SIM_SOURCES)
tests_sim_sim_LDADD = libchronik.la

# Short here: 200 worlds, some 400,000 steps. make check-long has ten million.
TESTS += tests/sim/sim tests/sim/same_seed.sh tests/sim/three_nodes.sh
dist_check_SCRIPTS += tests/sim/same_seed.sh tests/sim/three_nodes.sh

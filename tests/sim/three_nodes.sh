#!/bin/sh
# Three nodes of one data shard, with a network between them.
exec tests/sim/sim --nodes 3 --worlds 40 --steps 5000

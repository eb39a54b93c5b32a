/* bench_durability.h - chronik-bench durability: kill a broker under load, over and over, and look
 * whether it keeps what it acknowledged.
 *
 * A cycle:
 *   1 producers write, each acknowledged batch goes into an ack log outside of the broker
 *   2 once acknowledgements come, the broker is killed at a random moment
 *   3 it is started again; the producers, idempotent unless told otherwise, send again what the
 *     lost connections left open, and go on for a moment
 *   4 everything the cycle wrote is read back and compared with its share of the ack log
 *
 * In the end everything all cycles wrote is read back once more.
 *
 * Only Kafka's protocol is spoken, so any broker will do. A kill counts only if acknowledgements
 * came before it, and if the broker was seen to be gone after it: a run that injected nothing has
 * failed.
 */
#ifndef CLI_BENCH_DURABILITY_H
#define CLI_BENCH_DURABILITY_H

#include "cli/bench.h"

/* The mode. Gives the exit status. */
int bench_durability(struct bench_options *o);

#endif

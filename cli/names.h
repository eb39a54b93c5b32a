/* names.h - names from operands and standard input.
 *
 * An operand "-" stands for the lines of standard input, and so does giving no operand at all,
 * unless that would wait for a terminal. Empty lines are skipped. A name given twice counts once.
 */
#ifndef CLI_NAMES_H
#define CLI_NAMES_H

#include <stddef.h>

#include "base/err.h"
#include "cli/opt.h"

enum {
    NAMES_MAX = 1000000,
    NAME_LENGTH_MAX = 4096
}; /* more of either is a wrong file, not names */

struct names {
    char **v; /* n texts, owned */
    size_t n, cap;
};

/* Gather the names of args. 0; ERR_INVALID (no operand, and standard input is a terminal; e says
 * what is missing: wrong use), ERR_TOOBIG, or a negated errno. names_release in every case. */
int names_read(struct names *n, const struct opt_args *args, struct err *e);
void names_release(struct names *n);

#endif

/* choices.h - what options of several programs take. Of several names for a value the first is the
 * one to show. */
#ifndef CLI_CHOICES_H
#define CLI_CHOICES_H

#include "cli/opt.h"

extern const struct opt_choice cli_acks[];   /* CLIENT_ACKS_... of client/produce.h */
extern const struct opt_choice cli_codecs[]; /* enum batch_codec */

#endif

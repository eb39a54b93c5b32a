#include "cli/choices.h"

#include "batch/batch.h"
#include "client/produce.h"

const struct opt_choice cli_acks[] = {{"0", CLIENT_ACKS_NONE},
                                      {"1", CLIENT_ACKS_LEADER},
                                      {"all", CLIENT_ACKS_ALL},
                                      {"-1", CLIENT_ACKS_ALL},
                                      {NULL, 0}};
const struct opt_choice cli_codecs[] = {{"none", BATCH_NONE},     {"gzip", BATCH_GZIP},
                                        {"snappy", BATCH_SNAPPY}, {"lz4", BATCH_LZ4},
                                        {"zstd", BATCH_ZSTD},     {NULL, 0}};

/* errors.h - from our error codes to the protocol's. */
#ifndef BROKER_ERRORS_H
#define BROKER_ERRORS_H

#include <stdint.h>

#include "kp/error.h"

/* 0 for 0 and counts; UNKNOWN_SERVER_ERROR for what the table (errors.def) does not know. */
int16_t kafka_error(int code);

#endif

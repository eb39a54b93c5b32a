/* error.h - the error codes that travel in the protocol, from one table (error.def). */
#ifndef KP_ERROR_H
#define KP_ERROR_H

#include <stdbool.h>
#include <stdint.h>

/* KP_ERR_NONE, KP_ERR_OFFSET_OUT_OF_RANGE, ...: Kafka's names and numbers. */
enum kp_error {
#define KP_ERROR(name, number, retriable, sentence) KP_ERR_##name = number,
#include "kp/error.def"
#undef KP_ERROR
};

/* "UNKNOWN_TOPIC_OR_PARTITION"; "UNKNOWN_SERVER_ERROR" for numbers not in the table. */
const char *kp_error_name(int16_t code);
/* A sentence of ours for users. */
const char *kp_error_text(int16_t code);
bool kp_error_retriable(int16_t code);

#endif

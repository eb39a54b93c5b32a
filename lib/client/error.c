#include "client/error.h"

#include <stdio.h>

#include "base/err.h"
#include "kp/error.h"

int client_error_code(int16_t error)
{
    switch (error) {
    case KP_ERR_NONE:
        return 0;
    case KP_ERR_UNKNOWN_TOPIC_OR_PARTITION:
    case KP_ERR_UNKNOWN_TOPIC_ID:
        return ERR_NOTFOUND;
    case KP_ERR_TOPIC_ALREADY_EXISTS:
        return ERR_EXISTS;
    case KP_ERR_REQUEST_TIMED_OUT:
    case KP_ERR_LEADER_NOT_AVAILABLE:
    case KP_ERR_COORDINATOR_NOT_AVAILABLE:
        return ERR_TIMEOUT;
    case KP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case KP_ERR_GROUP_AUTHORIZATION_FAILED:
    case KP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case KP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case KP_ERR_SASL_AUTHENTICATION_FAILED:
        return ERR_UNAUTHORISED;
    case KP_ERR_MESSAGE_TOO_LARGE:
    case KP_ERR_RECORD_LIST_TOO_LARGE:
        return ERR_TOOBIG;
    case KP_ERR_OFFSET_OUT_OF_RANGE:
        return ERR_OFFSET;
    case KP_ERR_UNSUPPORTED_VERSION:
    case KP_ERR_UNSUPPORTED_COMPRESSION_TYPE:
        return ERR_UNSUPPORTED;
    default:
        return ERR_REFUSED;
    }
}

const char *client_error_text(int16_t error, struct kp_str message, char *buf, size_t size)
{
    if (message.n > 0)
        snprintf(buf, size, "%.*s (%s)", message.n, message.p, kp_error_name(error));
    else
        snprintf(buf, size, "%s (%s)", kp_error_text(error), kp_error_name(error));
    return buf;
}

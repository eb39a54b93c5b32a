#include "broker/errors.h"

#include <errno.h>
#include <stddef.h>

#include "base/err.h"

static const struct {
    int ours;
    enum kp_error theirs;
} table[] = {
#define ERROR(ours, theirs) {ours, KP_ERR_##theirs},
#include "broker/errors.def"
#undef ERROR
};

int16_t kafka_error(int code)
{
    if (code >= 0)
        return KP_ERR_NONE;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].ours == code)
            return (int16_t)table[i].theirs;
    }
    return KP_ERR_UNKNOWN_SERVER_ERROR;
}

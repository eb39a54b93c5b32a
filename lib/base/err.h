/* err.h - one error convention for the whole tree.
 *
 * A function that can fail returns int: 0 (or a count >= 0) on success, else a negative code. Codes
 * above -1000 are negated errno values (-EIO); the others are the ERR_* codes of err.def. Where a
 * sentence helps the user, the function also takes a struct err * (which may be NULL) and writes
 * one line to it: what, where, why. Callers put context in front with err_wrap on the way up and
 * exactly one of them prints or logs it.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

enum {
    ERR_OK = 0,
#define ERR(name, number, sentence) ERR_##name = number,
#include "base/err.def"
#undef ERR
};

enum { ERR_TEXT_MAX = 480 };

struct err {
    int code;                /* what the failing function returned */
    char text[ERR_TEXT_MAX]; /* one line, no newline at the end */
};

/* The sentence for a code: strerror for a negated errno, err.def's sentence else. Static storage,
 * or the calling thread's buffer. Never NULL. */
const char *err_str(int code);

/* The name for a code ("CORRUPT", "EIO"), for logs and JSON. Never NULL. */
const char *err_name(int code);

/* Does the code say that room, descriptors or memory are short? Then nothing is broken, and what
 * failed may be tried again as it was: ENOSPC, EDQUOT, EFBIG (a limit on file sizes), EMFILE,
 * ENFILE, ENOMEM. */
bool err_is_shortage(int code);

/* Set e (if not NULL) to code and the formatted text; ": " and err_str(code) are not added. Returns
 * code, so that `return err_set(e, ERR_CORRUPT, ...)` reads well. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same, with ": " and err_str(code) put behind the text. */
int err_code(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Put the formatted text and ": " in front of what e holds. Returns e's code (or -EINVAL if e is
 * NULL, which callers that need the code avoid by passing an err). */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif

/* meta_faults.h - what verify found wrong. */
#ifndef CLI_META_FAULTS_H
#define CLI_META_FAULTS_H

#include "base/io.h"
#include "cli/meta_tool.h"

struct fault {
    char file[IO_PATH_MAX];
    uint64_t position; /* byte */
    const char *kind;  /* "corruption", "torn-tail", "foreign", "newer-format" */
    char reason[ERR_TEXT_MAX];
};

struct faults {
    struct fault *v;
    size_t n;
    bool failed; /* one of them is more than a torn tail */
    int trouble; /* what kept verify from looking at something; 0: nothing */
};

/* Put e's complaint into the list, once for each place; if it is not about bytes (no permission, a
 * failing disk), print it and remember the trouble. */
void faults_add(struct faults *f, const char *file, uint64_t position, const struct err *e);
void faults_corrupt(struct faults *f, const char *file, uint64_t position, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void faults_torn(struct faults *f, const char *file, uint64_t position, uint64_t bytes);
void faults_release(struct faults *f);

/* As rows. */
int faults_table(const struct faults *f, const struct meta_options *o);
/* As a JSON array. */
struct json *faults_json(const struct faults *f);
/* On standard error. */
void faults_say(const struct faults *f);

#endif

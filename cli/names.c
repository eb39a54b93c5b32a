#include "cli/names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* By text, and equal ones in the order they were given. */
static int by_text(const void *a, const void *b)
{
    char **x = *(char **const *)a, **y = *(char **const *)b;
    int order = strcmp(*x, *y);
    return order ? order : (x > y) - (x < y);
}

static int add(struct names *n, const char *text, size_t length, struct err *e)
{
    if (length > NAME_LENGTH_MAX)
        return err_set(e, ERR_TOOBIG, "name %zu: longer than %d bytes", n->n + 1, NAME_LENGTH_MAX);
    if (n->n >= NAMES_MAX)
        return err_set(e, ERR_TOOBIG, "names: more than %d", NAMES_MAX);
    if (n->n == n->cap) {
        size_t cap = n->cap ? 2 * n->cap : 16;
        char **v = reallocarray(n->v, cap, sizeof *v);
        if (!v)
            return err_code(e, -ENOMEM, "names");
        n->v = v;
        n->cap = cap;
    }
    n->v[n->n] = strndup(text, length);
    if (!n->v[n->n])
        return err_code(e, -ENOMEM, "names");
    n->n++;
    return 0;
}

static int add_lines(struct names *n, FILE *f, struct err *e)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    int rc = 0;
    while (!rc && (length = getline(&line, &size, f)) >= 0) {
        if (length && line[length - 1] == '\n')
            length--;
        if (memchr(line, 0, (size_t)length))
            rc = err_set(e, ERR_MALFORMED, "standard input: a name holds a NUL byte");
        else if (length)
            rc = add(n, line, (size_t)length, e);
    }
    if (!rc && ferror(f))
        rc = err_code(e, -EIO, "standard input");
    free(line);
    return rc;
}

/* Drop the second and later mentions of a name; the others keep their order. */
static int drop_repeated(struct names *n, struct err *e)
{
    char ***order = calloc(n->n + 1, sizeof *order);
    if (!order)
        return err_code(e, -ENOMEM, "names");
    for (size_t i = 0; i < n->n; i++)
        order[i] = &n->v[i];
    qsort(order, n->n, sizeof *order, by_text);
    char **first = NULL;
    for (size_t i = 0; i < n->n; i++) {
        if (!first || strcmp(*first, *order[i]) != 0) {
            first = order[i];
            continue;
        }
        free(*order[i]);
        *order[i] = NULL;
    }
    free(order);
    size_t kept = 0;
    for (size_t i = 0; i < n->n; i++)
        if (n->v[i])
            n->v[kept++] = n->v[i];
    n->n = kept;
    return 0;
}

int names_read(struct names *n, const struct opt_args *args, struct err *e)
{
    *n = (struct names){0};
    int rc = 0;
    if (!args->n && isatty(STDIN_FILENO))
        return err_set(e, ERR_INVALID,
                       "no name: name one, or '-' to read names from standard input");
    if (!args->n)
        rc = add_lines(n, stdin, e);
    for (size_t i = 0; !rc && i < args->n; i++) {
        if (!strcmp(args->operands[i], "-"))
            rc = add_lines(n, stdin, e);
        else
            rc = add(n, args->operands[i], strlen(args->operands[i]), e);
    }
    return rc ? rc : drop_repeated(n, e);
}

void names_release(struct names *n)
{
    for (size_t i = 0; i < n->n; i++)
        free(n->v[i]);
    free(n->v);
    *n = (struct names){0};
}

#include "base/mutant.h"

#ifdef CHRONIK_MUTANTS
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UNKNOWN = -2, NONE = -1 };

static int chosen(void)
{
    static const char *const names[] = {
#define MUTANT_DEF(name, what, test) #name,
#include "base/mutant.def"
#undef MUTANT_DEF
    };
    const char *wanted = getenv("CHRONIK_MUTANT");
    if (!wanted || !*wanted)
        return NONE;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], wanted) == 0)
            return (int)i;
    fprintf(stderr, "CHRONIK_MUTANT: there is no '%s'\n", wanted);
    abort();
}

bool mutant_awake(enum mutant m)
{
    static _Atomic int known = UNKNOWN; /* threads that find out together find the same */
    int now = known;
    if (now == UNKNOWN)
        known = now = chosen();
    return now == (int)m;
}
#else
typedef int mutant_none; /* a translation unit is never empty */
#endif

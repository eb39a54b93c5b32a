/* api_man.h - the APIs that are served as a section of a man page. */
#ifndef BROKER_API_MAN_H
#define BROKER_API_MAN_H

#include <stdio.h>

/* PROTOCOL, as man(7) and tbl(1) macros: a row "name<TAB>key<TAB>versions" for each of api.def. */
void api_man(FILE *out);

#endif

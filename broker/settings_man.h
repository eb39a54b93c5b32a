/* settings_man.h - what chronikd's man page takes from tables. */
#ifndef BROKER_SETTINGS_MAN_H
#define BROKER_SETTINGS_MAN_H

#include <stdio.h>

/* PROTOCOL (api_man.h), SETTINGS and TOPIC SETTINGS, as man(7) macros. */
void settings_man(FILE *out);

#endif

/* settings_man.h - the settings as a man page's sections. */
#ifndef BROKER_SETTINGS_MAN_H
#define BROKER_SETTINGS_MAN_H

#include <stdio.h>

/* SETTINGS and TOPIC SETTINGS, as man(7) macros. */
void settings_man(FILE *out);

#endif

# broker: chronikd. All of it but main.c is a library, so that tests link it.
noinst_LTLIBRARIES += libbroker.la
libbroker_la_SOURCES = \
	broker/address.c broker/address.h \
	broker/budget.h \
	broker/container.h \
	broker/crew.c broker/crew.h \
	broker/deadline.c broker/deadline.h \
	broker/errors.c broker/errors.def broker/errors.h \
	broker/inbox.c broker/inbox.h \
	broker/settings.c broker/settings.def broker/settings.h \
	broker/settings_load.c \
	broker/settings_man.c broker/settings_man.h
libbroker_la_CPPFLAGS = $(AM_CPPFLAGS) $(URCU_CFLAGS)
libbroker_la_LIBADD = libchronik.la $(URCU_LIBS)

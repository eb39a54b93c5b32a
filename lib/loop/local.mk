# lib/loop: the event loop of the broker and the bench. Not a part of libchronik, which has none. Programs
# link libchronikloop.la, tests of what runs on a loop libchronikloopvirtual.la: same functions, fake time.
noinst_LTLIBRARIES += libchronikloop.la
libchronikloop_la_SOURCES = lib/loop/loop.h lib/loop/loop_event.c \
	lib/loop/hooks.c lib/loop/hooks.h lib/loop/mailbox.c lib/loop/mailbox.h
libchronikloop_la_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS)
libchronikloop_la_LIBADD = libchronik.la $(EVENT_LIBS)

check_LTLIBRARIES += libchronikloopvirtual.la
libchronikloopvirtual_la_SOURCES = lib/loop/loop.h lib/loop/loop_virtual.c lib/loop/loop_virtual.h \
	lib/loop/hooks.c lib/loop/hooks.h lib/loop/mailbox.c lib/loop/mailbox.h

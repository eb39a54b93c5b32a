# lib/plog: the log of a partition
libchronik_la_SOURCES += \
	lib/plog/append.c \
	lib/plog/dir.c \
	lib/plog/epoch.c \
	lib/plog/index.c lib/plog/index.h \
	lib/plog/index_file.c lib/plog/index_file.h \
	lib/plog/list.c \
	lib/plog/old.c \
	lib/plog/open.c \
	lib/plog/plog.c lib/plog/plog.h lib/plog/plog_impl.h \
	lib/plog/read.c \
	lib/plog/remove.c \
	lib/plog/retain.c \
	lib/plog/scan.c lib/plog/scan.h \
	lib/plog/segment.c lib/plog/segment.h \
	lib/plog/segments.c \
	lib/plog/sync.c \
	lib/plog/time.c \
	lib/plog/verify.c \
	lib/plog/walk.c

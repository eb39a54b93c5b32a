# lib/plog: the log of a partition
libchronik_la_SOURCES += \
	lib/plog/append.c \
	lib/plog/block.c lib/plog/block.h \
	lib/plog/compact.c lib/plog/compact.h lib/plog/compact_impl.h \
	lib/plog/compact_map.c \
	lib/plog/compact_plan.c \
	lib/plog/compact_write.c \
	lib/plog/dir.c \
	lib/plog/epoch.c \
	lib/plog/index.c lib/plog/index.h \
	lib/plog/index_file.c lib/plog/index_file.h \
	lib/plog/keys.c lib/plog/keys.h \
	lib/plog/list.c \
	lib/plog/old.c \
	lib/plog/open.c \
	lib/plog/plog.c lib/plog/plog.h lib/plog/plog_impl.h \
	lib/plog/progress.c lib/plog/progress.h \
	lib/plog/read.c \
	lib/plog/remove.c \
	lib/plog/retain.c \
	lib/plog/scan.c lib/plog/scan.h \
	lib/plog/segment.c lib/plog/segment.h \
	lib/plog/segments.c \
	lib/plog/swap.c lib/plog/swap.h \
	lib/plog/sync.c \
	lib/plog/time.c \
	lib/plog/verify.c \
	lib/plog/walk.c \
	lib/plog/write_back.c

# lib/client: a Kafka client. conn is for any program; blocking and what stands on it are for those that
# may wait.
libchronik_la_SOURCES += \
	lib/client/address.c lib/client/address.h \
	lib/client/blocking.c lib/client/blocking.h \
	lib/client/cluster.c lib/client/cluster.h \
	lib/client/configs.c lib/client/configs.h \
	lib/client/conn.c lib/client/conn.h \
	lib/client/error.c lib/client/error.h \
	lib/client/fan.c lib/client/fan.h \
	lib/client/fetch.c lib/client/fetch.h \
	lib/client/murmur2.c lib/client/murmur2.h \
	lib/client/offsets.c lib/client/offsets.h \
	lib/client/produce.c lib/client/produce.h \
	lib/client/topics.c lib/client/topics.h \
	lib/client/trim.c lib/client/trim.h

# broker: chronikd. All of it but main.c is a library, so that tests link it.
noinst_LTLIBRARIES += libbroker.la
libbroker_la_SOURCES = \
	broker/address.c broker/address.h \
	broker/api.c broker/api.def broker/api.h \
	broker/api_man.c broker/api_man.h \
	broker/broker.h \
	broker/alter.c broker/alter.h \
	broker/budget.h \
	broker/cached.c broker/cached.h \
	broker/changes.c broker/changes.h \
	broker/configs.c broker/configs.h \
	broker/conn.c broker/conn.h broker/conn_in.c broker/conn_out.c \
	broker/container.h \
	broker/coordinator.c broker/coordinator.h broker/coordinator_impl.h \
	broker/coordinator_admin.c \
	broker/coordinator_bury.c \
	broker/coordinator_commit.c \
	broker/coordinator_members.c \
	broker/creator.c broker/creator.h \
	broker/crew.c broker/crew.h \
	broker/deadline.c broker/deadline.h \
	broker/descriptors.c broker/descriptors.h \
	broker/errors.c broker/errors.def broker/errors.h \
	broker/fetch.h broker/fetch_prepare.c broker/fetch_read.c \
	broker/group.c broker/group.h \
	broker/group_join.c \
	broker/group_member.c broker/group_member.h \
	broker/group_offsets.c broker/group_offsets.h \
	broker/group_partition.c broker/group_partition.h \
	broker/group_records.c broker/group_records.h \
	broker/group_replay.c broker/group_replay.h \
	broker/group_request.c broker/group_request.h \
	broker/group_subscription.c broker/group_subscription.h \
	broker/group_sync.c \
	broker/h_alter_configs.c \
	broker/h_cluster.c \
	broker/h_configs.c \
	broker/h_create_partitions.c \
	broker/h_create_topics.c \
	broker/h_delete_records.c \
	broker/h_delete_topics.c \
	broker/h_epochs.c \
	broker/h_fetch.c \
	broker/h_group.c \
	broker/h_groups.c \
	broker/h_list_offsets.c \
	broker/h_metadata.c \
	broker/h_offsets.c \
	broker/h_produce.c \
	broker/h_producer_id.c \
	broker/h_versions.c \
	broker/image.c broker/image.h \
	broker/inbox.c broker/inbox.h \
	broker/listener.c broker/listener.h \
	broker/live.c broker/live.h \
	broker/lone.c broker/lone.h \
	broker/metadata.c broker/metadata.h \
	broker/offsets_topic.c broker/offsets_topic.h \
	broker/operations.h \
	broker/owned.c broker/owned.h \
	broker/pace.c broker/pace.h \
	broker/partitions.c broker/partitions.h \
	broker/producer_ids.c broker/producer_ids.h \
	broker/rcu.c broker/rcu.h \
	broker/reader.c broker/reader.h \
	broker/recompress.c broker/recompress.h \
	broker/request.c broker/request.h \
	broker/server.c broker/server.h \
	broker/settings.c broker/settings.def broker/settings.h \
	broker/settings_load.c \
	broker/settings_man.c broker/settings_man.h \
	broker/shard_thread.c broker/shard_thread.h \
	broker/stage.c broker/stage.h \
	broker/stats.h \
	broker/topics.c broker/topics.h \
	broker/wait.c broker/wait.h \
	broker/worker.c broker/worker.h
libbroker_la_CPPFLAGS = $(AM_CPPFLAGS) $(URCU_CFLAGS)
libbroker_la_LIBADD = libchronik.la $(URCU_LIBS)

sbin_PROGRAMS += chronikd
chronikd_SOURCES = broker/main.c broker/signals.c broker/signals.h
chronikd_CPPFLAGS = $(AM_CPPFLAGS) $(URCU_CFLAGS)
chronikd_LDADD = libbroker.la libcli.la libchronikloop.la libchronik.la $(URCU_LIBS)

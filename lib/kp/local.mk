# lib/kp: the Kafka protocol. The schemas become kp_gen.h and kp_gen.c in the build directory.
KP_SCHEMAS = \
	lib/kp/schema/alter_configs.kp \
	lib/kp/schema/api_versions.kp \
	lib/kp/schema/consumer_protocol_assignment.kp \
	lib/kp/schema/consumer_protocol_subscription.kp \
	lib/kp/schema/create_partitions.kp \
	lib/kp/schema/create_topics.kp \
	lib/kp/schema/delete_groups.kp \
	lib/kp/schema/delete_records.kp \
	lib/kp/schema/delete_topics.kp \
	lib/kp/schema/describe_cluster.kp \
	lib/kp/schema/describe_configs.kp \
	lib/kp/schema/describe_groups.kp \
	lib/kp/schema/fetch.kp \
	lib/kp/schema/find_coordinator.kp \
	lib/kp/schema/group_metadata_key.kp \
	lib/kp/schema/group_metadata_value.kp \
	lib/kp/schema/heartbeat.kp \
	lib/kp/schema/incremental_alter_configs.kp \
	lib/kp/schema/init_producer_id.kp \
	lib/kp/schema/join_group.kp \
	lib/kp/schema/leave_group.kp \
	lib/kp/schema/list_groups.kp \
	lib/kp/schema/list_offsets.kp \
	lib/kp/schema/metadata.kp \
	lib/kp/schema/offset_commit.kp \
	lib/kp/schema/offset_commit_key.kp \
	lib/kp/schema/offset_commit_value.kp \
	lib/kp/schema/offset_delete.kp \
	lib/kp/schema/offset_fetch.kp \
	lib/kp/schema/offset_for_leader_epoch.kp \
	lib/kp/schema/produce.kp \
	lib/kp/schema/sync_group.kp

EXTRA_DIST += lib/kp/gen.awk $(KP_SCHEMAS)
BUILT_SOURCES += lib/kp/kp_gen.h
CLEANFILES += lib/kp/kp_gen.h lib/kp/kp_gen.c

libchronik_la_SOURCES += \
	lib/kp/api.c \
	lib/kp/decode.c \
	lib/kp/encode.c \
	lib/kp/equal.c \
	lib/kp/error.c \
	lib/kp/error.def \
	lib/kp/error.h \
	lib/kp/header.c \
	lib/kp/json.c \
	lib/kp/kp.h \
	lib/kp/random.c \
	lib/kp/schema.h
nodist_libchronik_la_SOURCES += lib/kp/kp_gen.c lib/kp/kp_gen.h

# Other rooms make theirs the same way, with another prefix and dir. Into a temporary file first: a schema
# with a fault must not leave half a file behind that looks up to date.
lib/kp/kp_gen.h: lib/kp/gen.awk $(KP_SCHEMAS)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && (cd $(srcdir) && $(AWK) -v want=h -v prefix=kp -v dir=kp \
		-f lib/kp/gen.awk $(KP_SCHEMAS)) > $@.tmp && mv $@.tmp $@

lib/kp/kp_gen.c: lib/kp/gen.awk $(KP_SCHEMAS)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && (cd $(srcdir) && $(AWK) -v want=c -v prefix=kp -v dir=kp \
		-f lib/kp/gen.awk $(KP_SCHEMAS)) > $@.tmp && mv $@.tmp $@

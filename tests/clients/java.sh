#!/bin/sh
# Apache Kafka's own tools as a client: see contract.py. KAFKA_LIBS is the directory of its jars.
set -eu
tool() {
    class=$1
    shift
    java -Xmx256m -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp "$KAFKA_LIBS/*" "org.apache.kafka.tools.$class" "$@"
}
tab=$(printf '\t')

produce() { # BROKER TOPIC CODEC FILE PROPERTY...
    broker=$1 topic=$2 codec=$3 file=$4
    shift 4
    tool ConsoleProducer --bootstrap-server "$broker" --topic "$topic" --compression-codec "$codec" \
        --reader-property parse.key=true --reader-property "key.separator=$tab" "$@" <"$file"
}

read_some() { # BROKER TOPIC COUNT OPTION...
    broker=$1 topic=$2 count=$3
    shift 3
    tool consumer.ConsoleConsumer --bootstrap-server "$broker" --topic "$topic" --max-messages "$count" \
        --timeout-ms 60000 --formatter-property print.key=true --formatter-property "key.separator=$tab" "$@"
}

admin() { # BROKER TOPIC
    tool TopicCommand --bootstrap-server "$1" --create --topic "$2" --partitions 3 --config retention.ms=54321
    tool TopicCommand --bootstrap-server "$1" --describe --topic "$2" | grep 'PartitionCount: 3.*retention.ms=54321'
    tool TopicCommand --bootstrap-server "$1" --alter --topic "$2" --partitions 5
    tool ConfigCommand --bootstrap-server "$1" --alter --topic "$2" --add-config segment.ms=12345
    tool ConfigCommand --bootstrap-server "$1" --describe --topic "$2" | grep 'segment.ms=12345'
    tool TopicCommand --bootstrap-server "$1" --describe --topic "$2" | grep 'PartitionCount: 5.*retention.ms=54321'
    tool TopicCommand --bootstrap-server "$1" --delete --topic "$2"
    ! tool TopicCommand --bootstrap-server "$1" --list | grep -x "$2"
}

command=$1
shift
case $command in
version) echo "Apache Kafka $(basename "$KAFKA_LIBS"/kafka-tools-[0-9]*.jar .jar | sed 's/kafka-tools-//')" ;;
codecs) echo none gzip snappy lz4 zstd ;;
produce) produce "$@" --command-property enable.idempotence=false ;;
idempotent) produce "$@" --command-property enable.idempotence=true ;;
consume) read_some "$@" --from-beginning ;;
group)
    read_some "$1" "$2" "$4" --group "$3" --command-property auto.offset.reset=earliest \
        --command-property max.poll.records=1
    ;;
admin) admin "$@" ;;
*) exit 77 ;;
esac

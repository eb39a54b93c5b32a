# Real Kafka clients: not in make check, since some of them have to be fetched first.
EXTRA_DIST += tests/clients/confluent.py tests/clients/contract.py tests/clients/java.sh tests/clients/kafka_python.py \
	tests/clients/kafkajs.js tests/clients/kcat.sh tests/clients/run.sh

clean-local:
	rm -rf clients

// Make kafkajs send every kind of request it knows how to: for capture.py.
//   node drive.js HOST:PORT     (kafkajs in NODE_PATH)
const { Kafka, logLevel, ConfigResourceTypes } = require('kafkajs')

const topic = 'capture'
const groupId = 'capture-group'
const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic }]

// What fails after the request went out does not matter here.
const quiet = (promise) => promise.catch((e) => console.error(e.message))

async function main(broker) {
  const kafka = new Kafka({ clientId: 'capture', brokers: [broker], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
  for (const idempotent of [false, true]) {
    const producer = kafka.producer({ idempotent })
    await producer.connect()
    await producer.send({ topic, messages: [{ key: 'k', value: 'v', headers: { h: 'x' } }] })
    await producer.disconnect()
  }
  const consumer = kafka.consumer({ groupId, heartbeatInterval: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await new Promise((resolve) => consumer.run({ eachMessage: async () => resolve() }))
  await consumer.commitOffsets([{ topic, partition: 0, offset: '2', metadata: 'note' }])
  await new Promise((resolve) => setTimeout(resolve, 1000))
  await consumer.disconnect()
  await quiet(admin.fetchOffsets({ groupId, topics: [topic] }))
  await quiet(admin.fetchTopicOffsets(topic))
  await quiet(admin.fetchTopicOffsetsByTimestamp(topic, 1700000000000))
  await quiet(admin.describeConfigs({ includeSynonyms: true, resources }))
  await quiet(admin.alterConfigs({ validateOnly: true, resources: resources.map((r) => (
    { ...r, configEntries: [{ name: 'retention.ms', value: '5' }] })) }))
  await quiet(admin.listGroups())
  await quiet(admin.describeGroups([groupId]))
  await quiet(admin.describeCluster())
  await quiet(admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] }))
  await quiet(admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '1' }] }))
  await quiet(admin.deleteGroups([groupId]))
  await quiet(admin.deleteTopics({ topics: [topic] }))
  await admin.disconnect()
}

main(process.argv[2]).then(() => process.exit(0), (e) => { console.error(e); process.exit(1) })

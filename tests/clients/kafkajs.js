// kafkajs as a client: see contract.py. Which codecs it has without other packages: gzip.
'use strict'
const assert = require('assert')
const fs = require('fs')
const { Kafka, CompressionTypes, Partitioners, logLevel } = require('kafkajs')

const PATIENCE_MS = 60000

function connect(broker) {
    // It retries what fails for longer than anybody waits.
    return new Kafka({ clientId: 'kafkajs', brokers: [broker], logLevel: logLevel.ERROR, retry: { retries: 3 } })
}

function readLines(path) {
    return fs.readFileSync(path, 'utf8').split('\n').filter(l => l).map(line => {
        const tab = line.indexOf('\t')
        return { key: line.slice(0, tab), value: line.slice(tab + 1) }
    })
}

function writeLines(messages) {
    process.stdout.write(messages.map(m => `${m.key}\t${m.value}\n`).join(''))
}

async function send(broker, topic, codec, path, idempotent) {
    const producer = connect(broker).producer({
        idempotent, maxInFlightRequests: 1, createPartitioner: Partitioners.DefaultPartitioner
    })
    await producer.connect()
    const lines = readLines(path)
    for (let i = 0; i < lines.length; i += 500)
        await producer.send({
            topic, acks: -1, messages: lines.slice(i, i + 500),
            compression: codec === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None
        })
    await producer.disconnect()
}

// The next count messages of a group; committed if they are to be.
async function take(broker, topic, group, count, commit) {
    const consumer = connect(broker).consumer({ groupId: group, sessionTimeout: 10000, heartbeatInterval: 500 })
    const taken = []
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${taken.length} of ${count} came`)), PATIENCE_MS)
        consumer.on(consumer.events.CRASH, e => reject(e.payload.error))
        consumer.run({
            autoCommit: false,
            eachMessage: async ({ partition, message }) => {
                if (taken.length === count) return
                taken.push({ partition, offset: message.offset, key: message.key, value: message.value })
                if (taken.length === count) { clearTimeout(timer); resolve() }
            }
        }).catch(reject)
    })
    if (commit) {
        const ends = new Map(taken.map(m => [m.partition, String(BigInt(m.offset) + 1n)]))
        await consumer.commitOffsets([...ends].map(([partition, offset]) => ({ topic, partition, offset })))
    }
    await consumer.disconnect()
    return taken
}

const client = {
    async version() {
        console.log(`kafkajs ${require('kafkajs/package.json').version}, node ${process.versions.node}`)
    },
    async codecs() { console.log('none gzip') },
    async produce(broker, topic, codec, path) { await send(broker, topic, codec, path, false) },
    async idempotent(broker, topic, codec, path) { await send(broker, topic, codec, path, true) },
    // It reads in groups only; nothing is committed.
    async consume(broker, topic, count) {
        writeLines(await take(broker, topic, `reader-${topic}-${process.pid}`, Number(count), false))
    },
    async group(broker, topic, group, count) {
        writeLines(await take(broker, topic, group, Number(count), true))
    },
    async share(broker, topic, group, partitions) {
        const held = [[], []]
        const members = held.map((_, i) => {
            const c = connect(broker).consumer({ groupId: group, sessionTimeout: 10000, heartbeatInterval: 500 })
            c.on(c.events.GROUP_JOIN, e => { held[i] = e.payload.memberAssignment[topic] || [] })
            return c
        })
        for (const c of members) {
            await c.connect()
            await c.subscribe({ topic })
            await c.run({ eachMessage: async () => {} })
        }
        const end = Date.now() + PATIENCE_MS
        const shared = () => held.every(h => h.length) &&
            [...held[0], ...held[1]].sort((a, b) => a - b).join() === [...Array(Number(partitions)).keys()].join()
        while (!shared() && Date.now() < end)
            await new Promise(resolve => setTimeout(resolve, 50))
        console.log(held.map(h => h.join(' ')).join(' | '))
        assert(shared())
        for (const c of members)
            await c.disconnect()
    },
    async admin(broker, topic) {
        const admin = connect(broker).admin()
        await admin.connect()
        const entry = { topic, numPartitions: 3, configEntries: [{ name: 'retention.ms', value: '54321' }] }
        assert(await admin.createTopics({ topics: [entry] }))
        assert(!await admin.createTopics({ topics: [entry] }), 'a topic was created twice')
        const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
        assert.strictEqual(topics[0].partitions.length, 3)
        const found = await admin.describeConfigs({ includeSynonyms: false, resources: [{ type: 2, name: topic }] })
        const retention = found.resources[0].configEntries.find(c => c.configName === 'retention.ms')
        assert.strictEqual(retention.configValue, '54321')
        await admin.createPartitions({ topicPartitions: [{ topic, count: 5 }] })
        const grown = await admin.fetchTopicMetadata({ topics: [topic] })
        assert.strictEqual(grown.topics[0].partitions.length, 5)
        const altered = [{ name: 'segment.ms', value: '12345' }]
        await admin.alterConfigs({ validateOnly: false, resources: [{ type: 2, name: topic, configEntries: altered }] })
        const now = await admin.describeConfigs({ includeSynonyms: false, resources: [{ type: 2, name: topic }] })
        const value = name => now.resources[0].configEntries.find(c => c.configName === name).configValue
        assert.strictEqual(value('segment.ms'), '12345')
        assert.notStrictEqual(value('retention.ms'), '54321', 'all settings are replaced')
        await admin.deleteTopics({ topics: [topic] })
        assert(!(await admin.listTopics()).includes(topic))
        await admin.disconnect()
    }
}

const [command, ...rest] = process.argv.slice(2)
client[command](...rest).then(() => process.exit(0), e => {
    console.error(e)
    process.exit(1)
})

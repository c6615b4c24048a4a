import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  decodeFromAgent,
  decodeFromMaster,
  encodeControl,
  maxControlBytes,
} from '../../src/protocol/control.ts'
import type { FromAgent, FromMaster } from '../../src/protocol/messages.ts'

const id = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff'
const result = { exitCode: 0, signal: null, reason: null }

const fromAgent: FromAgent[] = [
  {
    type: 'hello',
    protocol: 1,
    version: '0.1.0',
    runId: id,
    facts: { os: 'linux', arch: 'x64', cpus: 2, memory: 1, hostname: 'h', node: 'v20' },
    commands: [{ id, logs: [{ log: 0, bytes: 5 }], result: null }],
  },
  { type: 'done', command: id, result: { ...result, data: ['a'] }, logs: [{ log: 0, bytes: 5 }] },
  { type: 'drain', cancel: false },
  { type: 'heartbeat' },
]

const shell = {
  op: 'shell' as const,
  command: ['a'],
  workdir: '.',
  env: { A: 'b', C: null },
  timeout: 0,
  maxTime: 0.5,
  grace: 5,
}
const fromMaster: FromMaster[] = [
  {
    type: 'welcome',
    protocol: 1,
    version: '0.1.0',
    master: id,
    epoch: 1,
    heartbeat: 30,
    window: 1,
    resume: [{ command: id, logs: [] }],
  },
  { type: 'run', command: id, workspace: 'b/0', operation: shell },
  { type: 'run', command: id, workspace: 'b/0', operation: { op: 'glob', pattern: '*' } },
  { type: 'cancel', command: id, reason: 'why' },
  { type: 'ack', command: id, log: 0, offset: 5 },
  { type: 'forget', command: id },
  { type: 'drained' },
  { type: 'keepalive' },
  { type: 'heartbeat' },
]

test.each(fromAgent.map((message) => [message.type, message] as const))(
  'an agent says %s and is understood',
  (_, message) => {
    expect(decodeFromAgent(encodeControl(message))).toEqual(message)
  },
)

test.each(fromMaster.map((message) => [message.type, message] as const))(
  'a master says %s and is understood',
  (_, message) => {
    expect(decodeFromMaster(encodeControl(message))).toEqual(message)
  },
)

test('arbitrary text is refused with an Error that says what is wrong, never with anything else', () => {
  const text = fc.oneof(
    fc.string(),
    fc.json(),
    fc.jsonValue().map((value) => JSON.stringify(value)),
  )
  fc.assert(fc.property(text, refusedPlainly), { numRuns: 1000 })
})

test('a message with one part replaced by something else is understood or refused, never anything else', () => {
  const part = fc.oneof(fc.jsonValue(), fc.constantFrom(-1, 1.5, 2 ** 53, '', 'x'.repeat(300), null))
  fc.assert(
    fc.property(fc.constantFrom(...fromAgent, ...fromMaster), fc.nat(), part, (message, at, value) => {
      const keys = Object.keys(message)
      const text = JSON.stringify({ ...message, [keys[at % keys.length]!]: value })
      for (const decode of [decodeFromAgent, decodeFromMaster]) {
        try {
          decode(text)
        } catch (error) {
          expect(Object.getPrototypeOf(error)).toBe(Error.prototype)
        }
      }
    }),
    { numRuns: 1000 },
  )
})

test.each([
  ['a command id that is none', { type: 'forget', command: 'x' }],
  ['a command id of another shape', { type: 'forget', command: `${id}/../../x` }],
  ['a negative offset', { type: 'ack', command: id, log: 0, offset: -1 }],
  [
    'an empty argument vector',
    { type: 'run', command: id, workspace: 'b', operation: { ...shell, command: [] } },
  ],
  ['a negative timeout', { type: 'run', command: id, workspace: 'b', operation: { ...shell, timeout: -1 } }],
  ['a heartbeat of no time', { ...fromMaster[0], heartbeat: 0 }],
  ["an agent's message", { type: 'drain', cancel: true }],
])('a master that sends %s is refused', (_, message) => {
  expect(() => decodeFromMaster(JSON.stringify(message))).toThrow('malformed message')
})

test('a message that is too long is refused before it is parsed', () => {
  expect(() => decodeFromAgent(`"${'x'.repeat(maxControlBytes)}"`)).toThrow('the limit is')
})

function refusedPlainly(text: string): void {
  let error: unknown
  try {
    decodeFromAgent(text)
  } catch (thrown) {
    error = thrown
  }
  expect(Object.getPrototypeOf(error)).toBe(Error.prototype)
}

import { expect, test } from 'vitest'
import { storedCommand, type StoredCalls } from '../../src/builds/stored-calls.ts'
import { jsonb } from '../../src/db/jsonb.ts'
import type { Operation } from '../../src/protocol/operation.ts'

const operation = (more: object = {}): Operation => ({
  op: 'shell',
  command: ['cat'],
  workdir: '.',
  env: { B: '1', A: null },
  timeout: 1200,
  maxTime: 0,
  grace: 5,
  ...more,
})

const stored = (asked: Operation): StoredCalls => {
  const kept = JSON.parse(jsonb(asked)) as Operation
  const command = {
    id: 'x',
    call: '1',
    operation: kept,
    logId: 1,
    moreLogs: [],
    logBase: 0,
    result: null,
    logBytes: null,
  }
  return { commands: [command], effects: [], logs: [] }
}

test.each([
  ['as it was', operation(), operation()],
  ['with its environment in another order', operation(), operation({ env: { A: null, B: '1' } })],
  ['with an option that is undefined', operation(), operation({ stdin: undefined })],
  [
    'with input that PostgreSQL cannot keep',
    operation({ stdin: 'a\0b\ud800' }),
    operation({ stdin: 'a\0b\ud800' }),
  ],
])('a command asked for again %s is the one that is stored', (_, before, now) => {
  expect(storedCommand(stored(before), '1', now)).toMatchObject({ id: 'x' })
  expect(storedCommand(stored(before), '2', now)).toBeUndefined()
})

test('another command at the same call means that the config has changed', () => {
  expect(() => storedCommand(stored(operation()), '1', operation({ command: ['dog'] }))).toThrow(
    'the config changed while the build ran: call 1 of the step is now another command',
  )
})

import { expect, test } from 'vitest'
import { operationOf } from '../../src/builds/operation-of.ts'
import { digestOf } from '../../src/builds/send-http-request.ts'
import { StepSecrets } from '../../src/builds/step-secrets.ts'
import { storedCommand } from '../../src/builds/stored-calls.ts'
import { jsonb } from '../../src/db/jsonb.ts'
import type { StoredOperation } from '../../src/db/stored-operation.ts'
import { secret } from '../../src/model/secret.ts'
import type { CommandRequest } from '../../src/steps/step.ts'

const shell = (more: object): CommandRequest => ({ op: 'shell', command: 'make', ...more })
const secretsOf = (values: Record<string, string>) =>
  new StepSecrets({
    value: (name) => {
      if (values[name] === undefined) throw new Error(`no ${name}`)
      return values[name]
    },
  })

test('of a secret only its name is stored, beside the texts', () => {
  const env = { PLAIN: '[secret TOKEN]', TOKEN: secret('TOKEN'), GONE: null }
  const operation = operationOf(shell({ env, stdin: secret('KEY') }), [])
  expect(operation).toEqual({
    op: 'shell',
    command: 'make',
    workdir: '.',
    env: { PLAIN: '[secret TOKEN]', GONE: null },
    secretEnv: { TOKEN: 'TOKEN' },
    secretStdin: 'KEY',
    timeout: 1200,
    maxTime: 0,
    grace: 5,
  })
  const { operation: sent, mask } = secretsOf({ TOKEN: 'hunter2', KEY: 'k3y' }).operation(operation)
  expect(sent).toEqual({
    op: 'shell',
    command: 'make',
    workdir: '.',
    env: { PLAIN: '[secret TOKEN]', GONE: null, TOKEN: 'hunter2' },
    stdin: 'k3y',
    timeout: 1200,
    maxTime: 0,
    grace: 5,
  })
  expect(mask).toEqual(['hunter2', 'k3y'])
})

test('the stronger environment wins, whether it is a text, a secret or a removal', () => {
  const below = [{ A: secret('A'), B: 'text', C: secret('C'), D: secret('D') }, { D: secret('E') }]
  const operation = operationOf(shell({ env: { A: 'text', B: secret('B'), C: null } }), below)
  expect(operation).toMatchObject({ env: { A: 'text', C: null }, secretEnv: { B: 'B', D: 'E' } })
  expect(operation).not.toHaveProperty('env.B')
})

test('what looks like a secret but came as JSON is none', () => {
  const env = { TOKEN: { kind: 'secret', name: 'DATABASE_URL' } }
  expect(() => operationOf(shell({ env }), [])).toThrow(
    'env.TOKEN must be string or must be null, got an object',
  )
})

test('a command with another value of its secret is the stored one, with another secret it is not', () => {
  const asked = (env: object) => operationOf(shell({ env }), [])
  const stored = (operation: StoredOperation) => {
    const kept = JSON.parse(jsonb(operation)) as StoredOperation
    const command = {
      id: 'x',
      call: '1',
      operation: kept,
      logId: 1,
      logBase: 0,
      result: null,
      logBytes: null,
      moreLogs: [],
    }
    return { commands: [command], effects: [], logs: [] }
  }
  const before = stored(asked({ TOKEN: secret('OLD') }))
  expect(storedCommand(before, '1', asked({ TOKEN: secret('OLD') }))).toMatchObject({ id: 'x' })
  for (const env of [{ TOKEN: secret('NEW') }, { TOKEN: 'OLD' }, { TOKEN: '[secret OLD]' }, {}])
    expect(() => storedCommand(before, '1', asked(env))).toThrow('the config changed')
})

test('a request is told from another by the names of its secrets', () => {
  const digest = (token: unknown) => digestOf({ url: 'http://x/', headers: { authorization: token } })
  expect(digest(secret('A'))).toBe(digest(secret('A')))
  expect(new Set([secret('A'), secret('B'), 'A', '[secret A]'].map(digest)).size).toBe(4)
})

test('a later command of the step hides what an earlier one got, and what the master says too', () => {
  const secrets = secretsOf({ TOKEN: 'hunter2' })
  expect(secrets.operation(operationOf(shell({}), []))).not.toHaveProperty('mask')
  secrets.operation(operationOf(shell({ env: { TOKEN: secret('TOKEN') } }), []))
  expect(secrets.operation(operationOf(shell({}), []))).toMatchObject({ mask: ['hunter2'] })
  expect(secrets.hideInOutcome({ result: 'FAILURE', summary: 'no hunter2' })).toEqual({
    result: 'FAILURE',
    summary: 'no ***',
  })
})

test('an answer shows neither the header that was sent nor the credentials in it', () => {
  const secrets = secretsOf({ AUTH: 'Bearer abc.def-123' })
  const request = { url: 'http://x/', headers: { authorization: secret('AUTH') } }
  expect(secrets.httpRequest(request)).toEqual({
    url: 'http://x/',
    headers: { authorization: 'Bearer abc.def-123' },
  })
  const body = 'you are abc.def-123, Bearer abc.def-123, and abc.'
  expect(secrets.hideInAnswer({ status: 200, headers: { 'x-you': 'abc.def-123' }, body, cut: true })).toEqual(
    {
      status: 200,
      headers: { 'x-you': '***' },
      body: 'you are ***, ***, and ',
      cut: true,
    },
  )
})

test('what cannot be sent is told without its value', () => {
  const operation = operationOf(shell({ env: { A: secret('BIG') } }), [])
  expect(() => secretsOf({}).operation(operation)).toThrow('no BIG')
  expect(() => secretsOf({ BIG: 'x'.repeat(65_537) }).operation(operation)).toThrow(
    'secret BIG has more than 65536 characters',
  )
  const headers = { authorization: secret('A') }
  expect(() => secretsOf({ A: 'hunter2\nx' }).httpRequest({ url: 'http://x/', headers })).toThrow(
    'headers.authorization: its secret holds characters that a header cannot',
  )
})

import pino from 'pino'
import { expect, test } from 'vitest'
import { localWorker } from '../src/config/local-worker.ts'
import { resolveConfig, type MasterSettings } from '../src/config/resolve-config.ts'
import { Reconfig } from '../src/reconfig.ts'
import { shell } from '../src/steps/shell.ts'
import { ManualClock } from './helpers/manual-clock.ts'
import { waitFor } from './helpers/wait-for.ts'

function settings(secretsDir: string): MasterSettings {
  const builders = [{ name: 'unit', workers: ['local-1'], steps: [shell('true')] }]
  const config = { secretsDir, workers: [localWorker('local-1')], builders }
  return resolveConfig({ config, dir: '/nowhere', files: ['/nowhere/master.config.ts'] }, {})
}

const [first, second] = [settings('one'), settings('two')]

function opened(o: {
  load?: () => Promise<MasterSettings>
  apply?: (wanted: MasterSettings) => Promise<void>
}) {
  const logged: { msg: string }[] = []
  const started = Promise.withResolvers<void>()
  const clock = new ManualClock()
  const reconfig = new Reconfig({
    settings: first,
    load: o.load ?? (async () => second),
    apply: o.apply ?? (async () => {}),
    started: started.promise,
    clock,
    log: pino({}, { write: (line: string) => void logged.push(JSON.parse(line)) }),
  })
  return { clock, reconfig, started, told: () => logged.map(({ msg }) => msg).join('\n') }
}

/** Where it has looked for a secret. */
const secretsDirOf = ({ secretValue }: MasterSettings) => {
  try {
    return secretValue('ABSENT')
  } catch (error) {
    return String(error)
  }
}

test('what fails half-way is taken back: the old settings are applied again', async () => {
  const applied: string[] = []
  const { reconfig, started } = opened({
    apply: async () => {
      applied.push(secretsDirOf(reconfig.settings))
      if (applied.length === 1) throw new Error('no such machine')
    },
  })
  started.resolve()
  await expect(reconfig.reload()).rejects.toThrow('no such machine')
  // What was opened for the new settings found their secrets.
  expect(applied).toEqual([expect.stringContaining('two'), expect.stringContaining('one')])
  await reconfig.reload()
  expect(applied[2]).toContain('two')
})

test('that the old settings cannot be taken back is told, and what was wrong at first is thrown', async () => {
  let tries = 0
  const apply = () => Promise.reject(new Error(`failure ${++tries}`))
  const { reconfig, started, told } = opened({ apply })
  started.resolve()
  await expect(reconfig.reload()).rejects.toThrow('failure 1')
  expect(told()).toContain('could not be taken back whole, reconfig again: failure 2')
})

test('a reconfig that is asked for before the start is over waits for that', async () => {
  let loads = 0
  const load = async () => {
    loads++
    return second
  }
  const { reconfig, started } = opened({ load })
  const reloading = reconfig.reload()
  await new Promise((resolve) => setImmediate(resolve))
  expect(loads).toBe(0)
  started.resolve()
  await reloading
  expect(loads).toBe(1)
})

test('a reconfig that waits for a start that comes to nothing is refused', async () => {
  const { reconfig } = opened({})
  const reloading = reconfig.reload()
  reloading.catch(() => {})
  await reconfig.close()
  await expect(reloading).rejects.toMatchObject({ code: 'ROUSE_SHUTTING_DOWN' })
})

test('a config that never comes to its end does not keep the master from stopping', async () => {
  let loading = false
  const { clock, reconfig, started, told } = opened({
    load: () => {
      loading = true
      return new Promise(() => {})
    },
  })
  started.resolve()
  void reconfig.reload()
  await waitFor('the load', () => loading)
  const closed = reconfig.close()
  await waitFor('the end to wait', () => clock.sleeping === 1)
  clock.advance(10_000)
  await closed
  expect(told()).toContain('a reconfig has not ended within 10 s')
})

test('what is read while the master stops is not taken over any more', async () => {
  const loaded = Promise.withResolvers<MasterSettings>()
  let applied = 0
  const { reconfig, started } = opened({
    load: () => loaded.promise,
    apply: async () => void applied++,
  })
  started.resolve()
  const reloading = reconfig.reload()
  reloading.catch(() => {})
  await new Promise((resolve) => setImmediate(resolve))
  const closed = reconfig.close()
  loaded.resolve(second)
  await closed
  await expect(reloading).rejects.toMatchObject({ code: 'ROUSE_SHUTTING_DOWN' })
  expect(applied).toBe(0)
})

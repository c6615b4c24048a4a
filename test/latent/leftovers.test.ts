import pino from 'pino'
import { expect, test } from 'vitest'
import type { LiveInstance } from '../../src/latent/live-instance.ts'
import { OpenBackend } from '../../src/latent/open-backend.ts'
import { Reconcile } from '../../src/latent/reconcile.ts'
import { systemClock } from '../../src/util/clock.ts'

test('what was made for an instance that another master knows, or that began while a sweep was under way, is not taken for a leftover', async () => {
  const begun: LiveInstance[] = []
  let known: ReadonlySet<string> | undefined
  const orphan = { id: 'orphan', cluster: 'ours', worker: 'dock', ref: '1', state: 'running' } as const
  const provider = {
    listLag: 0,
    start: () => Promise.reject(new Error('nothing starts here')),
    list: async () => [orphan],
    // Only its id is looked at.
    stop: async () => void begun.push({ facts: { id: 'young' } } as unknown as LiveInstance),
    sweep: async (ids: ReadonlySet<string>) => void (known = ids),
  }
  const { signal } = new AbortController()
  const log = pino({ level: 'silent' })
  const context = { cluster: 'ours', log, configDir: '/nowhere', readSecret: () => '' }
  const factory = { kind: 'test', key: 'test', open: () => provider }
  const backend = await OpenBackend.open(factory, { clock: systemClock, context, signal })
  const reconcile = new Reconcile({
    clock: systemClock,
    log,
    cluster: 'ours',
    interval: 1000,
    grace: 0,
    living: () => begun,
    known: async () => new Set(),
    allKnown: async () => new Set(['of another master']),
    stopped: () => {},
    held: () => undefined,
  })
  await reconcile.sweep(backend, { patience: false })
  expect(known).toEqual(new Set(['young', 'orphan', 'of another master']))
})

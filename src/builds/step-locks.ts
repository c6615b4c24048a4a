import { once } from 'node:events'
import type { Transaction } from 'kysely'
import type { Database } from '../db/schema.ts'
import { jsonb } from '../db/jsonb.ts'
import type { LockAccess } from '../model/lock.ts'
import type { StepHost } from './build-tools.ts'
import { locksEffect } from './lock-keeper.ts'
import type { StoredCalls } from './stored-calls.ts'

export interface LockedStep {
  readonly id: number
  readonly number: number
  readonly name: string
  readonly locks: readonly LockAccess[]
  readonly stored: StoredCalls
  readonly signal: AbortSignal
  /** Writes to the step's log. */
  readonly note: (line: string, key: string) => Promise<void>
}

/**
 * Waits for a step's locks, and says so in its log and on the build's page. That they are taken is stored before the step
 * runs, so that the next master takes them back. They are to be released also when this throws.
 */
export async function takeStepLocks(host: StepHost, step: LockedStep): Promise<void> {
  const { commit, tools } = host
  const { locks, publish } = tools
  const { id, name, number, signal, stored } = step
  if (step.locks.length === 0 || locks.has(id)) return
  const { needs, reason, taken } = locks.takeForStep(step, host.facts)
  if (reason !== undefined) {
    const told = stored.effects.some(({ call }) => call === noteCall)
    await Promise.all([
      commit.write((trx) => storeStatus(trx, id, reason)),
      told ? undefined : step.note(reason, noteCall),
    ])
    publish({ type: 'step.waiting', build: host.facts.id, step: id, number, name, reason })
    await unlessAborted(taken, signal)
  }
  const row = { step_id: id, call: locksCall, kind: locksEffect, request: jsonb(needs), result: jsonb(null) }
  await commit.write(async (trx) => {
    await trx
      .insertInto('effects')
      .values(row)
      .onConflict((oc) => oc.doNothing())
      .execute()
    await storeStatus(trx, id, null)
  })
  if (reason !== undefined) publish({ type: 'step.started', build: host.facts.id, step: id, number, name })
}

function storeStatus(trx: Transaction<Database>, id: number, summary: string | null): Promise<unknown> {
  return trx.updateTable('steps').set({ summary }).where('id', '=', id).where('result', 'is', null).execute()
}

async function unlessAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const over = new AbortController()
  const aborted = once(signal, 'abort', { signal: over.signal }).then(() => signal.throwIfAborted())
  aborted.catch(() => {})
  try {
    await Promise.race([promise, aborted])
  } finally {
    over.abort()
  }
}

const locksCall = '(locks)'
const noteCall = '(locks) note'

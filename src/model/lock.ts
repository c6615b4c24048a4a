/** Something that builds or steps must not use all at once: described in the config, kept by the master. */
export interface Lock extends LockOptions {
  readonly kind: 'lock'
  /** One for all builds of the master, or one on each worker. */
  readonly scope: 'master' | 'worker'
  readonly name: string
  /** How to use it: `'exclusive'` alone, `'counting'` beside others, together at most `maxCount`. `count` is 1. */
  access(mode: LockMode, count?: number): LockAccess
}

export interface LockOptions {
  /** How much of it there is for counting access. Default 1. */
  readonly maxCount?: number
  /** The same on workers by name, where it differs. Only of worker locks. */
  readonly maxCountForWorker?: Readonly<Record<string, number>>
}

export type LockMode = 'counting' | 'exclusive'

/** For the `locks` of a builder, a worker or a step. */
export interface LockAccess {
  readonly kind: 'lock-access'
  readonly lock: Lock
  readonly mode: LockMode
  readonly count: number
}

/** One lock for all builds: `masterLock('db', { maxCount: 2 }).access('counting')`. */
export function masterLock(name: string, options: Pick<LockOptions, 'maxCount'> = {}): Lock {
  return lock('master', name, options)
}

/** A lock on each worker: `workerLock('cpu', { maxCount: 2, maxCountForWorker: { big: 8 } }).access('counting')`. */
export function workerLock(name: string, options: LockOptions = {}): Lock {
  return lock('worker', name, options)
}

function lock(scope: Lock['scope'], name: string, options: LockOptions): Lock {
  const made: Lock = Object.freeze({
    ...options,
    kind: 'lock',
    scope,
    name,
    access: (mode: LockMode, count = 1) => Object.freeze({ kind: 'lock-access', lock: made, mode, count }),
  })
  return made
}

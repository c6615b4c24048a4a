import { isDeepStrictEqual } from 'node:util'
import type { MasterSettings, ResolvedWorker } from './master-settings.ts'
import { SecretValue } from './secret-value.ts'

export interface NameChanges {
  readonly added: readonly string[]
  readonly changed: readonly string[]
  readonly removed: readonly string[]
}

export interface SettingsChanges {
  readonly workers: NameChanges
  /** Their steps are functions, which cannot be compared: every builder is taken anew, and none is listed as changed. */
  readonly builders: NameChanges
  readonly schedulers: NameChanges
  readonly reporters: NameChanges
  /** What stays as it was until the master is started again: 'listen', 'workers "bot": baseDir'. */
  readonly needsRestart: readonly string[]
}

/** What a running master takes over of a new config, and the settings that it then runs with. */
export function compareSettings(
  old: MasterSettings,
  wanted: MasterSettings,
): { changes: SettingsChanges; settings: MasterSettings } {
  const fixed = fixedNames.filter((name) => !isSame(old[name], wanted[name]))
  const kept = Object.fromEntries(fixedNames.map((name) => [name, old[name]]))
  const workers = wanted.workers.map((worker) => movedFrom(worker, old) ?? worker)
  const settings = { ...wanted, ...kept, workers }
  const moved = wanted.workers.filter((worker) => movedFrom(worker, old))
  return {
    settings,
    changes: {
      workers: changesOf(old.workers, workers, isSame),
      builders: changesOf(old.builders, wanted.builders, () => true),
      schedulers: changesOf(old.schedulers, wanted.schedulers, isSame),
      reporters: changesOf(old.reporters, wanted.reporters, isSame),
      needsRestart: [
        ...fixed.map((name) => configNames[name] ?? name),
        ...moved.map(({ name }) => `worker "${name}": kind or baseDir`),
      ],
    },
  }
}

const fixedNames = [
  'title',
  'url',
  'listen',
  'agents',
  'database',
  'dataDir',
  'clusterKey',
  'cluster',
  'auth',
  'heartbeatSeconds',
  'maxDisconnectedSeconds',
  'maxInfraRetries',
  'sweepSeconds',
  'orphanGraceSeconds',
  'maxArtifactSize',
  'maxLogSize',
] as const satisfies readonly (keyof MasterSettings)[]

const configNames: Partial<Record<(typeof fixedNames)[number], string>> = {
  heartbeatSeconds: 'heartbeatInterval',
  maxDisconnectedSeconds: 'maxDisconnected',
  sweepSeconds: 'sweepInterval',
  orphanGraceSeconds: 'orphanGrace',
}

/** The old entry of a worker whose agent would have to be another one. */
function movedFrom(worker: ResolvedWorker, { workers }: MasterSettings): ResolvedWorker | undefined {
  const old = workers.find(({ name }) => name === worker.name)
  if (!old) return undefined
  const isMoved = old.kind !== worker.kind || baseDirOf(old) !== baseDirOf(worker)
  return isMoved ? old : undefined
}

function baseDirOf(worker: ResolvedWorker): string | undefined {
  return worker.kind === 'local' ? worker.baseDir : undefined
}

function changesOf<T extends { readonly name: string }>(
  old: readonly T[],
  wanted: readonly T[],
  same: (a: T, b: T) => boolean,
): NameChanges {
  const before = new Map(old.map((entry) => [entry.name, entry]))
  const after = new Set(wanted.map(({ name }) => name))
  const names = (entries: readonly T[]) => entries.map(({ name }) => name)
  return {
    added: names(wanted.filter(({ name }) => !before.has(name))),
    changed: names(wanted.filter((entry) => before.has(entry.name) && !same(before.get(entry.name)!, entry))),
    removed: names(old.filter(({ name }) => !after.has(name))),
  }
}

function isSame(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(shown(a), shown(b))
}

// A secret hides its value from every comparison but this one.
function shown(value: unknown): unknown {
  if (value instanceof SecretValue) return value.value
  // Each load makes functions anew; those of the same text are taken as the same.
  if (typeof value === 'function') return String(value)
  if (Array.isArray(value)) return value.map(shown)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shown(inner)]))
}

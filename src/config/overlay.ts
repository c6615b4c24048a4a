import { deepFreeze } from './deep-freeze.ts'
import type { MasterConfig } from './types.ts'

/**
 * Describes what `master.config.<ROUSE_ENV>.ts` or `master.config.local.ts` changes. Objects are merged by key; workers,
 * builders and schedulers by name; other arrays replace what was there.
 */
export function overlay(config: ConfigOverlay): ConfigOverlay {
  return deepFreeze(config)
}

export type ConfigOverlay = {
  readonly [K in keyof MasterConfig]?: OverlayOf<NonNullable<MasterConfig[K]>>
}

/** Lists of named entries take parts of entries; plain objects take some of their keys; the rest is replaced as a whole. */
type OverlayOf<T> = T extends readonly (infer Entry)[]
  ? readonly NamedPart<Entry>[]
  : T extends { readonly kind: string }
    ? T
    : T extends object
      ? Partial<T>
      : T

type NamedPart<Entry> = Entry extends { readonly name: string }
  ? Entry | (Pick<Entry, 'name'> & Partial<Entry>)
  : Entry

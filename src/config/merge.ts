import { isPlainObject } from './is-plain-object.ts'

/**
 * The config with an overlay laid over it: objects by key, the top's workers, images, builders, schedulers and reporters by name,
 * other arrays replaced. Pure; checks nothing, so that check-config sees the mistakes of both.
 */
export function mergeConfigs(base: unknown, overlay: unknown): unknown {
  if (!isPlainObject(base) || !isPlainObject(overlay)) return mergeValues(base, overlay)
  const merged = mergeValues(base, overlay) as Record<string, unknown>
  for (const list of namedLists) {
    if (Array.isArray(base[list]) && Array.isArray(overlay[list])) {
      merged[list] = mergeByName(base[list], overlay[list])
    }
  }
  return merged
}

function mergeValues(base: unknown, overlay: unknown): unknown {
  if (overlay === undefined) return base
  if (!isPlainObject(base) || !isPlainObject(overlay)) return overlay
  // Descriptions of different kinds have no keys in common that mean the same.
  if (overlay.kind !== undefined && overlay.kind !== base.kind) return overlay
  const keys = new Set([...Object.keys(base), ...Object.keys(overlay)])
  return Object.fromEntries([...keys].map((key) => [key, mergeValues(own(base, key), own(overlay, key))]))
}

function mergeByName(base: readonly unknown[], overlay: readonly unknown[]): unknown[] {
  const merged = [...base]
  for (const entry of overlay) {
    // Looked up in the base only, so that a name given twice in the overlay stays a mistake to report.
    const index = base.findIndex((other) => nameOf(other) !== undefined && nameOf(other) === nameOf(entry))
    if (index < 0) merged.push(entry)
    else merged[index] = mergeValues(merged[index], entry)
  }
  return merged
}

function nameOf(entry: unknown): unknown {
  return isPlainObject(entry) ? entry.name : undefined
}

function own(object: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

const namedLists = ['workers', 'images', 'builders', 'schedulers', 'reporters']

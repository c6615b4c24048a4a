import { resolve } from 'node:path'

/** 'src:dst' or 'src:dst:ro' taken apart; undefined when it is neither. */
export function parseVolume(
  text: unknown,
): { source: string; target: string; mode: string | undefined } | undefined {
  const [, source, target, mode] =
    typeof text === 'string' ? (/^([^:]+):(\/[^:]*)(?::([a-zA-Z,]+))?$/.exec(text) ?? []) : []
  if (source === undefined || target === undefined) return undefined
  if (!source.startsWith('.') && !source.startsWith('/') && !/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(source))
    return undefined
  return { source, target, mode }
}

/** As the engine wants it: a source that begins with '.' is seen from the config's folder. */
export function bindOf(text: string, configDir: string): string {
  const volume = parseVolume(text)
  if (!volume) return text
  const source = volume.source.startsWith('.') ? resolve(configDir, volume.source) : volume.source
  return [source, volume.target, ...(volume.mode ? [volume.mode] : [])].join(':')
}

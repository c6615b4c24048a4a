import { readFileSync } from 'node:fs'

/** Of this Rouse, from its package.json: two folders up from here as source, three as built JavaScript. */
export const version: string = readVersion()

function readVersion(): string {
  for (const path of ['../../package.json', '../../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as Record<
        string,
        string
      >
      if (name === 'rouse' && version) return version
    } catch {
      // Not there: look one folder further up.
    }
  }
  return '0.0.0'
}

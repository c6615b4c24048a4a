import type { PropertyReader, PropertyValue } from './properties.ts'

/**
 * Fills `%(prop:name)s`, `%(prop:name:-default)s` and `%%` from the build's properties, in Buildbot's notation:
 * `shell(['make', interpolate('%(prop:target:-all)s')])`. An unset property without default becomes ''.
 */
export function interpolate(template: string): (properties: PropertyReader) => string {
  return (properties) =>
    template.replaceAll(
      /%%|%\(prop:([\w.-]+?)(?::-([^)]*))?\)s/g,
      (all, name?: string, fallback?: string) => {
        if (name === undefined) return all === '%%' ? '%' : all
        const value = properties.get(name)
        return value === undefined || value === null || value === '' ? (fallback ?? '') : text(value)
      },
    )
}

function text(value: PropertyValue): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

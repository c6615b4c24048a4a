import { render, type PropertyReader } from '../model/properties.ts'
import type { LatentDescription } from './latent-worker.ts'

/** The template that a backend's options make: asked for each build only when one of them is computed. */
export function templateOf<T>(options: Readonly<Record<string, unknown>>): LatentDescription<T>['template'] {
  const template = hasFunction(options)
    ? (properties: PropertyReader) => render(options, properties)
    : options
  return template as LatentDescription<T>['template']
}

/** Without what is computed: for machines that are started for no build, whose properties it could be asked with. */
export function plainTemplateOf<T>(options: Readonly<Record<string, unknown>>): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => !hasFunction(value))) as T
}

function hasFunction(value: unknown): boolean {
  if (typeof value === 'function') return true
  return typeof value === 'object' && value !== null && Object.values(value).some(hasFunction)
}

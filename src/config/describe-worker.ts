import { deepFreeze } from './deep-freeze.ts'
import { isPlainObject } from './is-plain-object.ts'

/** The frozen description of a worker. Options that are no object are kept under `options`, for check-config to report. */
export function describeWorker<Kind extends string, Options extends object>(
  kind: Kind,
  name: string,
  options: Options,
): Options & { kind: Kind; name: string } {
  const given = isPlainObject(options) ? options : options === undefined ? {} : { options }
  return deepFreeze({ ...(given as Options), kind, name })
}

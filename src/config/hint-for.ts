import { closest } from '../util/closest.ts'
import { show, showNames } from './show.ts'

/** The end of a sentence about an unknown name: `; did you mean "dock"?`, or the names there are. */
export function hintFor(name: string, names: readonly string[], plural: string): string {
  const near = closest(name, names)
  if (near) return `; did you mean ${show(near)}?`
  return names.length > 0 ? `; the ${plural} are ${showNames(names)}` : `; there are no ${plural}`
}

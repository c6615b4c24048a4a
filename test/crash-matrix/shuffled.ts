import type { Random } from '../torture/random.ts'

export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const rest = [...items]
  return items.map(() => rest.splice(Math.floor(random.next() * rest.length), 1)[0]!)
}

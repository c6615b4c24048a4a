import { createHash } from 'node:crypto'

/** What Bitbucket knows a status by: the context where it is short enough, else one of its own for each context. */
export function keyOf(context: string, limit: number): string {
  if (context.length <= limit) return context
  return createHash('sha256').update(context).digest('hex').slice(0, 40)
}

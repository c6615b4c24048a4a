import { createHmac } from 'node:crypto'

/** What an instance logs in with for the first time: 43 characters, the same each time it is rendered for this generation. */
export function instanceToken(clusterKey: Buffer, id: string, generation: number): string {
  return createHmac('sha256', clusterKey)
    .update(JSON.stringify(['rouse instance token', id, generation]))
    .digest('base64url')
}

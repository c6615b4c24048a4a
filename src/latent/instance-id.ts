import { randomBytes } from 'node:crypto'

/** 'rouse-1a2b3c4d-dock-2-k3j9x0ab': says to people at the provider's whose it is, and is never given twice. */
export function newInstanceId(cluster: string, worker: string, number: number): string {
  const name = worker
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 24)
  const random = BigInt(`0x${randomBytes(8).toString('hex')}`)
    .toString(36)
    .padStart(13, '0')
    .slice(-10)
  return `${idPrefix(cluster)}${name || 'worker'}-${number}-${random}`
}

/** Of every instance of the cluster. */
export function idPrefix(cluster: string): string {
  return `rouse-${cluster.slice(0, 8)}-`
}

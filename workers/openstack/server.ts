import type { Instance } from '../../src/latent/backend.ts'
import { stamps } from './stamps.ts'

/** What Nova says of one server, as far as Rouse wants to know it. */
export interface Server {
  readonly ref: string
  readonly name: string
  /** 'BUILD', 'ACTIVE', 'ERROR', 'SHUTOFF', ... */
  readonly status: string
  /** 'scheduling', 'spawning', 'deleting', ...; '': it does nothing. */
  readonly task: string
  readonly metadata: Readonly<Record<string, string>>
  /** Why it is in ERROR, in Nova's words. */
  readonly fault: string
  /** ISO 8601. */
  readonly created: string
  /** Volumes that are deleted with it. */
  readonly volumes: readonly string[]
  /** For people: flavor, zone, addresses. */
  readonly description: string
}

export function serverOf(found: NovaServer): Server {
  const {
    addresses = {},
    created = '',
    fault,
    flavor,
    id,
    metadata = {},
    name = '',
    status = 'UNKNOWN',
  } = found
  const volumes = found['os-extended-volumes:volumes_attached'] ?? []
  const ips = Object.values(addresses).flatMap((list) => list.map(({ addr }) => addr))
  const size = flavor?.original_name
  const parts = [size, found['OS-EXT-AZ:availability_zone'], ...ips.slice(0, 4)]
  return {
    ref: id,
    name,
    status: status.toUpperCase(),
    task: found['OS-EXT-STS:task_state'] ?? '',
    metadata,
    fault: fault?.message ?? '',
    created,
    // Before 2.67 Nova does not tell, and Rouse attaches nothing else.
    volumes: volumes.filter((one) => one.delete_on_termination !== false).map((one) => one.id),
    description: parts.filter(Boolean).join(', ') || id,
  }
}

/** Undefined: nothing is left of it. */
export function asInstance(server: Server, trouble?: string): Instance | undefined {
  const { description, metadata, ref, status } = server
  if (isOver(server)) return undefined
  const common = {
    id: metadata[stamps.instance] ?? '',
    cluster: metadata[stamps.cluster] ?? '',
    worker: metadata[stamps.worker] ?? '',
    ref,
  }
  const detail = trouble === undefined ? description : `${description}; ${trouble}`
  if (isDeleting(server)) return { ...common, state: 'stopping', detail }
  if (status === 'BUILD') return { ...common, state: 'starting', detail }
  return {
    ...common,
    state: hasFailed(server) ? 'failed' : 'running',
    detail: hasFailed(server) ? failure(server) : detail,
  }
}

export function isOver({ status }: Server): boolean {
  return status === 'DELETED' || status === 'SOFT_DELETED'
}

export function isDeleting({ task }: Server): boolean {
  return task === 'deleting' || task === 'soft-deleting'
}

export function hasFailed({ status }: Server): boolean {
  return status === 'ERROR' || stopped.has(status)
}

/** Nova looks for a host, and may find none. */
export function isUnplaced({ status, task }: Server): boolean {
  return status === 'BUILD' && (task === '' || task === 'scheduling')
}

function failure({ description, fault, status }: Server): string {
  if (status !== 'ERROR')
    return `the server is ${status}: it was powered off, and goes on costing; ${description}`
  return `${fault || 'Nova does not say what went wrong'}; ${description}`
}

const stopped: ReadonlySet<string> = new Set(['SHUTOFF', 'STOPPED', 'SHELVED', 'SHELVED_OFFLOADED'])

export interface NovaServer {
  readonly id: string
  readonly name?: string
  readonly status?: string
  readonly created?: string
  readonly metadata?: Readonly<Record<string, string>>
  readonly fault?: { readonly message?: string }
  readonly flavor?: { readonly original_name?: string }
  readonly addresses?: Readonly<Record<string, readonly { readonly addr: string }[]>>
  readonly 'OS-EXT-STS:task_state'?: string | null
  readonly 'OS-EXT-AZ:availability_zone'?: string
  readonly 'os-extended-volumes:volumes_attached'?: readonly {
    readonly id: string
    readonly delete_on_termination?: boolean
  }[]
}

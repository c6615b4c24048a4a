import type { Connection } from './connection.ts'
import type { Pointer } from './library.ts'
import { codes, hasCode } from './libvirt-error.ts'

/** What libvirt says of a domain. */
export interface DomainFacts {
  readonly name: string
  readonly uuid: string
  /** The element of the asked namespace, as XML. */
  readonly metadata: string | undefined
  /** virDomainState, and the reason that belongs to it. */
  readonly state: number
  readonly reason: number
}

/** Calls about domains, as a lane makes them. Each throws LibvirtError. */
export const domainCalls = {
  /** All domains that have an element of the namespace in their metadata. */
  listDomains(c: Connection, namespace: string): DomainFacts[] {
    const list: Pointer[] = [null]
    const count = c.ask('cannot list domains', 'virConnectListAllDomains', list, 0) as number
    const facts: DomainFacts[] = []
    for (const domain of c.library.pointersOf(list[0], count)) {
      try {
        const one = factsOf(c, domain, namespace)
        if (one.metadata !== undefined) facts.push(one)
      } catch (error) {
        // It was undefined meanwhile.
        if (!hasCode(error, codes.noDomain)) throw error
      } finally {
        c.library.call('virDomainFree', domain)
      }
    }
    return facts
  },

  findDomain(c: Connection, name: string, namespace: string): DomainFacts | undefined {
    try {
      return withDomain(c, name, (domain) => factsOf(c, domain, namespace))
    } catch (error) {
      if (hasCode(error, codes.noDomain)) return undefined
      throw error
    }
  },

  domainXml(c: Connection, name: string, kind: 'live' | 'inactive'): string {
    const flags = kind === 'inactive' ? xmlSecure | xmlInactive : 0
    return withDomain(c, name, (domain) =>
      c.library.textOf(
        c.library.check(
          `cannot read domain ${name}`,
          c.library.call('virDomainGetXMLDesc', domain, flags),
        ) as Pointer,
      ),
    )
  },

  /** Resolves to its UUID. */
  defineDomain(c: Connection, name: string, xml: string): string {
    const domain = c.ask(`cannot define domain ${name}`, 'virDomainDefineXMLFlags', xml, 0) as Pointer
    try {
      return uuidOf(c, domain)
    } finally {
      c.library.call('virDomainFree', domain)
    }
  },

  startDomain(c: Connection, name: string): void {
    act(c, name, 'start', 'virDomainCreate')
  },

  /** Asks its system to shut down. */
  shutDownDomain(c: Connection, name: string): void {
    act(c, name, 'shut down', 'virDomainShutdownFlags', 0)
  },

  destroyDomain(c: Connection, name: string): void {
    act(c, name, 'end', 'virDomainDestroy')
  },

  /** With its snapshots, its saved memory and its firmware's variables. */
  undefineDomain(c: Connection, name: string): void {
    try {
      act(c, name, 'undefine', 'virDomainUndefineFlags', undefineAll)
    } catch (error) {
      // A driver that does not know all of them.
      if (!hasCode(error, codes.invalidArgument, codes.notSupported)) throw error
      act(c, name, 'undefine', 'virDomainUndefineFlags', 0)
    }
  },

  setMetadata(c: Connection, name: string, xml: string, prefix: string, namespace: string): void {
    const element = 2
    act(c, name, 'stamp', 'virDomainSetMetadata', element, xml, prefix, namespace, affectConfig)
  },

  hasSnapshot(c: Connection, name: string, snapshot: string): boolean {
    try {
      withSnapshot(c, name, snapshot, () => {})
      return true
    } catch (error) {
      if (hasCode(error, codes.noSnapshot)) return false
      throw error
    }
  },

  /** With memory; the domain goes on afterwards. */
  takeSnapshot(c: Connection, name: string, xml: string): void {
    withDomain(c, name, (domain) => {
      const made = c.library.check(
        `cannot take a snapshot of domain ${name}`,
        c.library.call('virDomainSnapshotCreateXML', domain, xml, 0),
      )
      c.library.call('virDomainSnapshotFree', made)
    })
  },

  revertDomain(c: Connection, name: string, snapshot: string): void {
    withSnapshot(c, name, snapshot, (pointer) => {
      c.library.check(
        `cannot revert domain ${name}`,
        c.library.call('virDomainRevertToSnapshot', pointer, revertRunning),
      )
    })
  },

  /** 'kvm' where the host can, else undefined. */
  fastAcceleration(c: Connection): 'kvm' | undefined {
    const text = c.ask(
      'cannot ask what the host can do',
      'virConnectGetDomainCapabilities',
      null,
      null,
      null,
      null,
      0,
    )
    return c.library.textOf(text).includes('<domain>kvm</domain>') ? 'kvm' : undefined
  },

  /** 'QEMU', 'TEST', ... */
  hypervisor(c: Connection): string {
    return c.ask('cannot ask for the hypervisor', 'virConnectGetType') as string
  },

  capabilities(c: Connection): string {
    return c.library.textOf(c.ask('cannot ask what the host can do', 'virConnectGetCapabilities'))
  },
}

export function withDomain<T>(c: Connection, name: string, work: (domain: Pointer) => T): T {
  const domain = c.ask(`cannot find domain ${name}`, 'virDomainLookupByName', name) as Pointer
  try {
    return work(domain)
  } finally {
    c.library.call('virDomainFree', domain)
  }
}

function withSnapshot(c: Connection, name: string, snapshot: string, work: (pointer: Pointer) => void): void {
  withDomain(c, name, (domain) => {
    const found = c.library.check(
      `cannot find snapshot ${snapshot} of domain ${name}`,
      c.library.call('virDomainSnapshotLookupByName', domain, snapshot, 0),
    ) as Pointer
    try {
      work(found)
    } finally {
      c.library.call('virDomainSnapshotFree', found)
    }
  })
}

function act(
  c: Connection,
  name: string,
  verb: string,
  call: Parameters<Connection['ask']>[1],
  ...args: readonly unknown[]
): void {
  withDomain(c, name, (domain) => {
    c.library.check(`cannot ${verb} domain ${name}`, c.library.call(call, domain, ...args))
  })
}

function factsOf(c: Connection, domain: Pointer, namespace: string): DomainFacts {
  const { library } = c
  const [state, reason]: [number[], number[]] = [[0], [0]]
  library.check(
    'cannot ask for the state of a domain',
    library.call('virDomainGetState', domain, state, reason, 0),
  )
  return {
    name: library.call('virDomainGetName', domain) as string,
    uuid: uuidOf(c, domain),
    metadata: metadataOf(c, domain, namespace),
    state: state[0]!,
    reason: reason[0]!,
  }
}

function metadataOf(c: Connection, domain: Pointer, namespace: string): string | undefined {
  const { library } = c
  const element = 2
  try {
    const text = library.check(
      'cannot read the metadata of a domain',
      library.call('virDomainGetMetadata', domain, element, namespace, affectConfig),
    )
    return library.textOf(text)
  } catch (error) {
    if (hasCode(error, codes.noMetadata)) return undefined
    // A transient domain has no stored configuration, and is none of ours.
    if (hasCode(error, codes.operationInvalid, codes.invalidArgument)) return undefined
    throw error
  }
}

function uuidOf(c: Connection, domain: Pointer): string {
  const text = Buffer.alloc(uuidBytes)
  c.library.check('cannot read the UUID of a domain', c.library.call('virDomainGetUUIDString', domain, text))
  return text.toString('latin1', 0, text.indexOf(0))
}

const uuidBytes = 37
const xmlSecure = 1
const xmlInactive = 2
const affectConfig = 2
// Managed save, snapshots and checkpoints (of which libvirt has but metadata), and firmware variables.
const undefineAll = 1 | 2 | 4 | 16
const revertRunning = 1

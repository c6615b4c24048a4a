import type { Connection } from './connection.ts'
import type { Pointer } from './library.ts'
import { codes, hasCode } from './libvirt-error.ts'

/** A volume of a storage pool. */
export interface VolumeName {
  readonly pool: string
  readonly name: string
}

export interface VolumeFacts extends VolumeName {
  readonly path: string
  readonly xml: string
}

/** Calls about storage pools and volumes, as a lane makes them. Each throws LibvirtError. */
export const storageCalls = {
  /** Of all active pools, those whose names begin so. */
  listVolumes(c: Connection, prefix: string): VolumeName[] {
    const list: Pointer[] = [null]
    const active = 2
    const count = c.ask('cannot list storage pools', 'virConnectListAllStoragePools', list, active) as number
    const found: VolumeName[] = []
    for (const pool of c.library.pointersOf(list[0], count)) {
      try {
        const name = c.library.call('virStoragePoolGetName', pool) as string
        found.push(...volumesOf(c, pool, name).filter((volume) => volume.name.startsWith(prefix)))
      } finally {
        c.library.call('virStoragePoolFree', pool)
      }
    }
    return found
  },

  findVolume(c: Connection, pool: string, name: string): VolumeFacts | undefined {
    try {
      return withVolume(c, { pool, name }, (volume) => factsOf(c, volume, pool))
    } catch (error) {
      if (hasCode(error, codes.noVolume)) return undefined
      throw error
    }
  },

  /** Looks again at what is in a pool, for what was put there by other means. */
  refreshPool(c: Connection, pool: string): void {
    withPool(c, pool, (pointer) => {
      c.library.check(`cannot look into pool ${pool}`, c.library.call('virStoragePoolRefresh', pointer, 0))
    })
  },

  createVolume(c: Connection, pool: string, name: string, xml: string): VolumeFacts {
    return withPool(c, pool, (pointer) => {
      const volume = c.library.check(
        `cannot create ${name} in pool ${pool}`,
        c.library.call('virStorageVolCreateXML', pointer, xml, 0),
      ) as Pointer
      try {
        return factsOf(c, volume, pool)
      } finally {
        c.library.call('virStorageVolFree', volume)
      }
    })
  },

  /** The whole of its content. */
  uploadVolume(c: Connection, pool: string, name: string, content: Uint8Array): void {
    withVolume(c, { pool, name }, (volume) => {
      const { library } = c
      const what = `cannot write ${name} in pool ${pool}`
      const stream = c.ask(what, 'virStreamNew', 0) as Pointer
      try {
        library.check(what, library.call('virStorageVolUpload', volume, stream, 0, content.length, 0))
        for (let at = 0; at < content.length;) {
          const rest = content.subarray(at, at + chunkBytes)
          at += library.check(what, library.call('virStreamSend', stream, rest, rest.length)) as number
        }
        library.check(what, library.call('virStreamFinish', stream))
      } finally {
        library.call('virStreamFree', stream)
      }
    })
  },

  /** It need not be there. */
  deleteVolume(c: Connection, pool: string, name: string): void {
    try {
      withVolume(c, { pool, name }, (volume) => {
        c.library.check(
          `cannot delete ${name} in pool ${pool}`,
          c.library.call('virStorageVolDelete', volume, 0),
        )
      })
    } catch (error) {
      if (!hasCode(error, codes.noVolume)) throw error
    }
  },
}

function volumesOf(c: Connection, pool: Pointer, poolName: string): VolumeName[] {
  const list: Pointer[] = [null]
  let count: number
  try {
    count = c.library.check(
      `cannot list the volumes of pool ${poolName}`,
      c.library.call('virStoragePoolListAllVolumes', pool, list, 0),
    ) as number
  } catch (error) {
    // It was stopped meanwhile.
    if (hasCode(error, codes.operationInvalid, codes.noPool)) return []
    throw error
  }
  return c.library.pointersOf(list[0], count).map((volume) => {
    const name = c.library.call('virStorageVolGetName', volume) as string
    c.library.call('virStorageVolFree', volume)
    return { pool: poolName, name }
  })
}

function withPool<T>(c: Connection, pool: string, work: (pointer: Pointer) => T): T {
  const found = c.ask(`cannot find pool ${pool}`, 'virStoragePoolLookupByName', pool) as Pointer
  try {
    return work(found)
  } finally {
    c.library.call('virStoragePoolFree', found)
  }
}

function withVolume<T>(c: Connection, { name, pool }: VolumeName, work: (volume: Pointer) => T): T {
  return withPool(c, pool, (pointer) => {
    const volume = c.library.check(
      `cannot find ${name} in pool ${pool}`,
      c.library.call('virStorageVolLookupByName', pointer, name),
    ) as Pointer
    try {
      return work(volume)
    } finally {
      c.library.call('virStorageVolFree', volume)
    }
  })
}

function factsOf(c: Connection, volume: Pointer, pool: string): VolumeFacts {
  const { library } = c
  const what = 'cannot look at a volume'
  return {
    pool,
    name: library.call('virStorageVolGetName', volume) as string,
    path: library.textOf(library.check(what, library.call('virStorageVolGetPath', volume))),
    xml: library.textOf(library.check(what, library.call('virStorageVolGetXMLDesc', volume, 0))),
  }
}

// Less than one message of libvirt's may hold.
const chunkBytes = 200_000

import koffi, { type LibraryHandle } from 'koffi'
import { messageOf } from '../../src/model/errors.ts'
import { codes, LibvirtError } from './libvirt-error.ts'

/** A pointer of the C library: a connection, a domain, a pool, ... */
export type Pointer = bigint | null

/**
 * The functions of libvirt that Rouse calls. They block, and what went wrong is told to the thread that made the call: so they are
 * called one after another in a process of their own (lane.ts), whose event loop nobody needs.
 */
export interface Library {
  /** The result of a call that gives null or a negative number when it failed. Throws LibvirtError. */
  check<T>(what: string, result: T): T
  call(name: FunctionName, ...args: readonly unknown[]): unknown
  /** Frees what the library has allocated, and gives its text. */
  textOf(pointer: unknown): string
  /** The pointers of a list that a function has written, which is freed. */
  pointersOf(written: unknown, count: number): Pointer[]
}

export type FunctionName = keyof typeof signatures

/** Throws LibvirtError with code `noLibrary` where the machine has none. */
export function openLibrary(file = libraryFile()): Library {
  let library: LibraryHandle
  try {
    library = koffi.load(file)
  } catch (error) {
    const advice =
      'Install the client library of libvirt on the machine of the master (Debian and Ubuntu: libvirt0; Fedora: libvirt-libs).'
    throw new LibvirtError(`cannot load ${file}: ${messageOf(error)}. ${advice}`, codes.noLibrary)
  }
  const functions = new Map<string, (...args: readonly unknown[]) => unknown>()
  const call = (name: string, ...args: readonly unknown[]): unknown => {
    let known = functions.get(name)
    if (!known) {
      const [result, ...types] = signatures[name as FunctionName]
      known = library.func(name, result, [...types]) as (...args: readonly unknown[]) => unknown
      functions.set(name, known)
    }
    return known(...args)
  }
  const free = koffi.load(null).func('free', 'void', ['void *'])

  return {
    call,
    check(what, result) {
      if (result !== null && !(typeof result === 'number' && result < 0)) return result
      const code = call('virGetLastErrorCode') as number
      const domain = call('virGetLastErrorDomain') as number
      const message = (call('virGetLastErrorMessage') as string | null) ?? 'no reason given'
      call('virResetLastError')
      throw new LibvirtError(`${what}: ${message}`, code, domain)
    },
    textOf(pointer) {
      const text = koffi.decode.string(pointer)
      free(pointer)
      return text
    },
    pointersOf(written, count) {
      const all = koffi.decode(written, 'void *', count) as Pointer[]
      free(written)
      return all
    },
  }
}

function libraryFile(): string {
  return process.platform === 'darwin' ? 'libvirt.0.dylib' : 'libvirt.so.0'
}

/** What each gives, then what it takes. */
const signatures = {
  virGetLastErrorCode: ['int'],
  virGetLastErrorDomain: ['int'],
  virGetLastErrorMessage: ['const char *'],
  virResetLastError: ['void'],

  virConnectOpen: ['void *', 'const char *'],
  virConnectClose: ['int', 'void *'],
  virConnectGetLibVersion: ['int', 'void *', '_Out_ unsigned long *'],
  virConnectGetType: ['const char *', 'void *'],
  virConnectGetDomainCapabilities: [
    'void *',
    'void *',
    'const char *',
    'const char *',
    'const char *',
    'const char *',
    'unsigned int',
  ],
  virConnectGetCapabilities: ['void *', 'void *'],
  virConnectListAllDomains: ['int', 'void *', '_Out_ void **', 'unsigned int'],
  virConnectListAllStoragePools: ['int', 'void *', '_Out_ void **', 'unsigned int'],

  virDomainLookupByName: ['void *', 'void *', 'const char *'],
  virDomainDefineXMLFlags: ['void *', 'void *', 'const char *', 'unsigned int'],
  virDomainFree: ['int', 'void *'],
  virDomainGetName: ['const char *', 'void *'],
  virDomainGetUUIDString: ['int', 'void *', 'void *'],
  virDomainGetMetadata: ['void *', 'void *', 'int', 'const char *', 'unsigned int'],
  virDomainSetMetadata: [
    'int',
    'void *',
    'int',
    'const char *',
    'const char *',
    'const char *',
    'unsigned int',
  ],
  virDomainGetState: ['int', 'void *', '_Out_ int *', '_Out_ int *', 'unsigned int'],
  virDomainGetXMLDesc: ['void *', 'void *', 'unsigned int'],
  virDomainCreate: ['int', 'void *'],
  virDomainShutdownFlags: ['int', 'void *', 'unsigned int'],
  virDomainDestroy: ['int', 'void *'],
  virDomainUndefineFlags: ['int', 'void *', 'unsigned int'],
  virDomainOpenChannel: ['int', 'void *', 'const char *', 'void *', 'unsigned int'],
  virDomainSnapshotCreateXML: ['void *', 'void *', 'const char *', 'unsigned int'],
  virDomainSnapshotLookupByName: ['void *', 'void *', 'const char *', 'unsigned int'],
  virDomainRevertToSnapshot: ['int', 'void *', 'unsigned int'],
  virDomainSnapshotFree: ['int', 'void *'],

  virStoragePoolLookupByName: ['void *', 'void *', 'const char *'],
  virStoragePoolGetName: ['const char *', 'void *'],
  virStoragePoolListAllVolumes: ['int', 'void *', '_Out_ void **', 'unsigned int'],
  virStoragePoolRefresh: ['int', 'void *', 'unsigned int'],
  virStoragePoolFree: ['int', 'void *'],
  virStorageVolLookupByName: ['void *', 'void *', 'const char *'],
  virStorageVolLookupByPath: ['void *', 'void *', 'const char *'],
  virStorageVolCreateXML: ['void *', 'void *', 'const char *', 'unsigned int'],
  virStorageVolGetName: ['const char *', 'void *'],
  virStorageVolGetPath: ['void *', 'void *'],
  virStorageVolGetXMLDesc: ['void *', 'void *', 'unsigned int'],
  virStorageVolDelete: ['int', 'void *', 'unsigned int'],
  virStorageVolUpload: [
    'int',
    'void *',
    'void *',
    'unsigned long long',
    'unsigned long long',
    'unsigned int',
  ],
  virStorageVolFree: ['int', 'void *'],

  virStreamNew: ['void *', 'void *', 'unsigned int'],
  virStreamSend: ['int', 'void *', 'void *', 'size_t'],
  virStreamRecv: ['int', 'void *', 'void *', 'size_t'],
  virStreamFinish: ['int', 'void *'],
  virStreamAbort: ['int', 'void *'],
  virStreamFree: ['int', 'void *'],
} as const satisfies Record<string, readonly [string, ...string[]]>

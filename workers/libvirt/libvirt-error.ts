/** What libvirt answered that is no success. */
export class LibvirtError extends Error {
  override readonly name = 'LibvirtError'
  /** One of libvirt's virErrorNumber, see `codes`. */
  readonly code: number
  /** Which part of libvirt says so, its virErrorDomain. */
  readonly domain: number

  constructor(message: string, code: number, domain = 0) {
    super(message)
    this.code = code
    this.domain = domain
  }
}

export function hasCode(error: unknown, ...any: number[]): error is LibvirtError {
  return error instanceof LibvirtError && any.includes(error.code)
}

export const codes = {
  /** No code of libvirt's: its library is not there. */
  noLibrary: -1,
  noMemory: 2,
  notSupported: 3,
  invalidArgument: 8,
  xmlError: 27,
  domainExists: 28,
  operationDenied: 29,
  xmlDetail: 35,
  system: 38,
  rpc: 39,
  noDomain: 42,
  noNetwork: 43,
  authFailed: 45,
  noPool: 49,
  noVolume: 50,
  operationInvalid: 55,
  configUnsupported: 67,
  noSnapshot: 72,
  authCancelled: 79,
  noMetadata: 80,
  accessDenied: 88,
  volumeExists: 90,
  invalidSchema: 92,
  authUnavailable: 94,
} as const

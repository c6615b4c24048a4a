/** A host of repositories, as its users see it. */
export interface RepositoryHost {
  /** Its page, with a trailing slash. */
  readonly web: URL
  /** Repositories lie in groups within groups, not just owner/name. */
  readonly nested?: boolean
  /** What stands before the repository in http(s) addresses, such as 'scm/'. */
  readonly httpPrefix?: string
  /** Another name that it has for ssh. */
  readonly sshHost?: string
}

/**
 * 'owner/name' of an address that git takes: https, ssh, or scp-like; undefined for one of another host, or that is not of this form. It
 * is taken apart by hand and strictly, because it comes from outside and decides where a status goes.
 */
export function repositoryOf(address: string, host: RepositoryHost): string | undefined {
  // Not all agree on where a host ends that has one of \ ? # before it.
  if (address.length > maxLength || !/^[!-~]+$/.test(address) || /[\\?#]/.test(address)) return undefined
  const url = /^([a-z+]+):\/\/(?:[^/@]*@)?([^/:@]+)(?::(\d{1,5}))?\/(.+)$/i.exec(address)
  if (url) {
    const [, scheme = '', name = '', port = '', path = ''] = url
    return ofUrl(scheme.toLowerCase(), name.toLowerCase(), port, path, host)
  }
  const scp = /^(?:[^/:@]+@)?([^/:@]+):\/?([^/:].*)$/.exec(address)
  if (!scp || address.includes('://')) return undefined
  const [, name = '', path = ''] = scp
  return isSshName(name.toLowerCase(), host) ? repositoryName(path, host) : undefined
}

/** 'owner/name' without a trailing '.git'; undefined when it cannot be a repository there. */
export function repositoryName(
  path: string,
  { nested = false }: Pick<RepositoryHost, 'nested'>,
): string | undefined {
  const segments = path
    .replace(/\/$/, '')
    .replace(/\.git$/, '')
    .split('/')
  if (segments.length < 2 || segments.length > (nested ? maxDepth : 2)) return undefined
  return segments.every(isSegment) ? segments.join('/') : undefined
}

function ofUrl(scheme: string, name: string, port: string, path: string, host: RepositoryHost) {
  if (scheme === 'http' || scheme === 'https') {
    const isDefault = port === (scheme === 'http' ? '80' : '443')
    if (name !== host.web.hostname || (isDefault ? '' : port) !== host.web.port) return undefined
    const prefix = `${host.web.pathname.slice(1)}${host.httpPrefix ?? ''}`
    return path.startsWith(prefix) ? repositoryName(path.slice(prefix.length), host) : undefined
  }
  // The port of an ssh server is its own.
  return sshSchemes.has(scheme) && isSshName(name, host) ? repositoryName(path, host) : undefined
}

function isSshName(name: string, { sshHost, web }: RepositoryHost): boolean {
  return name === web.hostname || name === sshHost
}

function isSegment(text: string): boolean {
  return /^[A-Za-z0-9_.~-]{1,255}$/.test(text) && !/^(\.+|-)$/.test(text)
}

const sshSchemes = new Set(['ssh', 'git', 'git+ssh', 'ssh+git'])
const maxLength = 2000
const maxDepth = 21

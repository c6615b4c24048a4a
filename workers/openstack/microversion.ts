/** Nova's version with all that Rouse can make use of: the type of a volume it boots from. */
const wanted = 67

/** The newest microversion 2.x that both sides know, from what GET on Nova's root says. 1: it knows none. */
export function negotiated(document: unknown): number {
  const { version, versions } = Object(document) as {
    version?: VersionEntry
    versions?: readonly VersionEntry[]
  }
  const entry = version ?? versions?.find(({ id }) => id === 'v2.1')
  const minor = (text: string | undefined) => Number(/^2\.(\d+)$/.exec(text ?? '')?.[1] ?? 1)
  const newest = Math.min(wanted, minor(entry?.version))
  if (newest < minor(entry?.min_version))
    throw new Error(`Nova speaks 2.${minor(entry?.min_version)} and newer only, Rouse 2.${wanted} and older`)
  return newest
}

/** Nova understands 'auto' and 'none' for networks, and wants one of them where no network is named. */
export const withNetworkWords = 37
/** The answer about a server says what its flavor is made of, and no longer its id. */
export const withVolumeType = 67

interface VersionEntry {
  readonly id?: string
  readonly version?: string
  readonly min_version?: string
}

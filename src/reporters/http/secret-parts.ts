/** What is to be hidden of an address that is a secret: all of it, its path, and the long pieces, which are what lets one in. */
export function secretParts(address: string): string[] {
  const url = URL.parse(address)
  if (!url) return [address]
  const path = `${url.pathname}${url.search}`
  const pieces = path.split(/[/?&=]/).filter((piece) => piece.length >= shortestKey)
  return [address, url.href, ...(path.length >= shortestPath ? [path, url.pathname] : []), ...pieces].filter(
    (part) => part.length >= shortestPath,
  )
}

/** Shorter ones are words. */
const shortestKey = 16
const shortestPath = 8

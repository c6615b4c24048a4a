/** Name and password of an HTTP Basic `Authorization` header; undefined when it is none. */
export function parseBasic(header: string | undefined): { name: string; password: string } | undefined {
  const [, base64] = /^Basic +([A-Za-z0-9+/_-]+=*)$/i.exec(header ?? '') ?? []
  if (base64 === undefined) return undefined
  const text = Buffer.from(base64, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 1 ? undefined : { name: text.slice(0, colon), password: text.slice(colon + 1) }
}

/** The page of a host, with a trailing slash, also when the address of its API was given: as Buildbot's options have it. */
export function webOf(baseUrl: string, apiPath: RegExp): URL {
  const url = new URL(baseUrl)
  url.pathname = `${url.pathname.replace(/\/+$/, '').replace(apiPath, '')}/`
  return url
}

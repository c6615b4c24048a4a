import type { Site } from '../reporter.ts'
import type { Link } from './letter.ts'

/** As a link where links are free, as a word in plain text. */
export function quiet(link: Link, text = link.text): Link {
  return { ...link, text, quiet: true }
}

export function buildLink({ url }: Site, id: number): Link {
  return { text: `build ${id}`, url: `${url}#/builds/${id}` }
}

export function builderLink({ url }: Site, name: string): Link {
  return { text: name, url: `${url}#/builders/${encodeURIComponent(name)}` }
}

export function workerLink({ url }: Site, name: string): Link {
  return { text: name, url: `${url}#/workers/${encodeURIComponent(name)}` }
}

/** A link that a stranger gave: shown as one only when it leads to a web page. */
export function foreignLink(text: string, url: string | null): Link | string {
  return url !== null && url.length <= 1000 && /^https?:\/\/[!-~]+$/i.test(url) ? { text, url } : text
}

/** A repository's address as it may be mailed: a login in it stays here. */
export function withoutLogin(repository: string): string {
  return repository.replace(/\/\/[^/]*@/, '//')
}

import { hostname } from 'node:os'
import type { ReporterDescription } from '../reporter-description.ts'
import type { Site } from '../reporter.ts'
import { parseAddress } from './addresses.ts'
import { mailNotifier } from './mail-notifier.ts'

/** What brings mail about missing workers where the config has no mail notifier, as in Buildbot: by the relay on this machine. */
export function defaultMailNotifier(site: Site): ReporterDescription {
  return mailNotifier({ fromaddr: `rouse@${senderDomain(site)}`, relayhost: 'localhost', builders: [] })
}

/** The host that people know, unless it is a number or has a meaning on this machine only; else the machine's name. */
function senderDomain({ url }: Site): string {
  const known = URL.canParse(url) ? new URL(url).hostname : ''
  const isPublic = /\.[a-z][a-z-]*$/i.test(known)
  return [isPublic ? known : '', hostname()].find((one) => parseAddress(`rouse@${one}`)) ?? 'localhost'
}

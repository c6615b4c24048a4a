import { systemClock, type Clock } from '../../util/clock.ts'
import type { Secret } from '../../model/secret.ts'
import { parseAddress, type Address } from './addresses.ts'
import type { MailLookup, MailOptions, MailTls } from './mail-options.ts'
import { defaultModes, type Mode } from './modes.ts'

/** The options with every default in its place. */
export interface MailSettings {
  readonly name: string
  readonly from: Address
  readonly replyTo: readonly Address[]
  readonly host: string
  readonly port: number
  readonly tls: MailTls
  readonly caFile: string | undefined
  readonly login: { readonly user: string | Secret; readonly password: string | Secret } | undefined
  readonly builders: readonly string[] | undefined
  readonly workers: boolean | readonly string[]
  readonly modes: readonly Mode[]
  readonly perBuildset: boolean
  readonly extraRecipients: readonly Address[]
  readonly toAuthors: boolean
  readonly toOwners: boolean
  readonly lookup: string | MailLookup | undefined
  readonly templates: Pick<MailOptions, 'body' | 'subject' | 'workerBody' | 'workerSubject'>
  readonly addLogs: boolean | readonly string[]
  readonly addArtifacts: boolean | readonly string[]
  readonly maxAttachmentSize: number
  readonly extraHeaders: Readonly<Record<string, string>>
  readonly clock: Clock
}

/** Of options in which there is no mistake. */
export function mailSettings(options: MailOptions, clock: Clock = systemClock): MailSettings {
  const { password, replyTo = [], sendToInterestedUsers = true, user } = options
  const tls = options.tls ?? (user === undefined ? 'opportunistic' : 'starttls')
  return {
    name: options.name ?? 'mail',
    from: known(options.fromaddr),
    replyTo: [replyTo].flat().map(known),
    host: options.relayhost ?? 'localhost',
    port: options.port ?? (tls === 'implicit' ? 465 : user === undefined ? 25 : 587),
    tls,
    caFile: options.caFile,
    login: user !== undefined && password !== undefined ? { user, password } : undefined,
    builders: options.builders,
    workers: options.workers ?? true,
    modes: options.mode === undefined ? defaultModes : [options.mode].flat(),
    perBuildset: options.perBuildset ?? false,
    extraRecipients: (options.extraRecipients ?? []).map(known),
    toAuthors: sendToInterestedUsers,
    toOwners: options.owners ?? sendToInterestedUsers,
    lookup: options.lookup,
    templates: options,
    addLogs: options.addLogs ?? false,
    addArtifacts: options.addArtifacts ?? false,
    maxAttachmentSize: options.maxAttachmentSize ?? 5 * 1_048_576,
    extraHeaders: options.extraHeaders ?? {},
    clock,
  }
}

function known(text: string): Address {
  const address = parseAddress(text)
  if (!address) throw new Error(`${JSON.stringify(text)} is no address`)
  return address
}

import { protocolVersion } from '../protocol/version.ts'

/** Why a master of that protocol cannot be served; undefined when it can. */
export function versionMismatch(protocol: number): string | undefined {
  if (protocol === protocolVersion) return undefined
  const older = protocol < protocolVersion ? 'master' : 'agent'
  return `the master speaks protocol ${protocol}, this agent ${protocolVersion}: upgrade the ${older}`
}

import type { Hello } from '../protocol/messages.ts'
import { protocolVersion } from '../protocol/version.ts'

/** Which of the two is to be upgraded when an agent speaks another protocol, and what it is told; undefined when both are right. */
export function versionProblem(
  hello: Hello,
  master: { readonly version: string },
): { older: 'agent' | 'master'; message: string } | undefined {
  if (hello.protocol === protocolVersion) return undefined
  const older = hello.protocol < protocolVersion ? 'agent' : 'master'
  const its = older === 'agent' ? hello.version : master.version
  const message = `agent ${hello.version} speaks protocol ${hello.protocol}, this master speaks ${protocolVersion}: upgrade the ${older} (${its})`
  return { older, message }
}

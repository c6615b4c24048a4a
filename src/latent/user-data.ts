import type { InstanceSpec } from './backend.ts'

/** What a cloud's instance needs to become a worker. */
export type UserDataSpec = Pick<InstanceSpec<unknown>, 'agent' | 'id' | 'token'>

export interface UserDataOptions {
  /** Lines of POSIX shell that run as root before the agent is fetched. */
  readonly before?: string
}

/**
 * The shell script that a cloud hands to a bare machine as user data; cloud-init runs it as root at the first boot. It fetches
 * the agent from the master, checks its sha256, and starts it with the instance's id and token. The same for the same spec.
 */
export function userData({ agent, id, token }: UserDataSpec, { before = '' }: UserDataOptions = {}): string {
  const masters = agent.masters.filter((url) => !url.startsWith('unix:'))
  const sources = masters.map(
    (url) => `${url.replace(/^ws/, 'http').replace(/\/$/, '')}/agent/rouse-agent.mjs`,
  )
  return `#!/bin/sh
set -eu
umask 077
${before}
mkdir -p /var/lib/rouse-agent
cd /var/lib/rouse-agent
printf %s ${quoted(token)} > token
until ${sources.map((url) => `curl -fsSL --max-time 60 -o agent.mjs ${quoted(url)}`).join(' || ')}; do sleep 3; done
echo ${quoted(`${agent.sha256}  agent.mjs`)} | sha256sum -c -
exec node agent.mjs --instance --name ${quoted(id)} --password-file token --base-dir builds ${masters.map((url) => `--master ${quoted(url)}`).join(' ')}
`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

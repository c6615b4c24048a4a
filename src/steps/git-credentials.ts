import { isSecret, type Secret } from '../model/secret.ts'
import type { Renderable } from '../model/properties.ts'
import { textMistakes } from './options.ts'

export interface GitCredentials {
  /** Default: that of the URL, else 'git', which GitHub, GitLab and Gitea take with an access token. */
  readonly username?: Renderable<string>
  readonly password: Secret
}

export interface GitAccess {
  /** For a repository at http or https. Given to its own scheme, host and port only. Needs git 2.31 on the worker. */
  readonly credentials?: GitCredentials
  /** The private key for a repository that is reached by ssh. It must have no passphrase. */
  readonly sshKey?: Secret
  /** Lines of a known_hosts file: the only hosts that are trusted. Default: those that the worker's user knows. */
  readonly knownHosts?: Renderable<string>
}

type Env = Readonly<Record<string, string | Secret>>

/**
 * The environment in which git gets at a repository. The secrets stand in variables only, which neither a process list nor
 * a file shows. Throws an Error for what people are told when the URL is not one for them.
 */
export function gitEnv(
  repo: string,
  { credentials, knownHosts, sshKey }: { [K in keyof GitAccess]: GitAccess[K] | undefined },
): Env {
  if (credentials) return passwordEnv(repo, credentials)
  if (sshKey) return sshEnv(sshKey, knownHosts as string | undefined)
  return {}
}

export function gitAccessMistakes(repo: unknown, { credentials, knownHosts, sshKey }: GitAccess): string[] {
  const isUrl = typeof repo === 'string'
  return [
    ...(credentials && sshKey ? ['credentials and sshKey cannot both be there'] : []),
    ...(credentials === undefined ? [] : credentialMistakes(credentials)),
    ...(credentials && isUrl && !httpUrl(repo)
      ? ['credentials: they need a repo at http:// or https://']
      : []),
    ...(sshKey === undefined || isSecret(sshKey) ? [] : ["sshKey: must be secret('NAME')"]),
    ...(sshKey && isUrl && httpUrl(repo) ? ['sshKey: it needs a repo that is reached by ssh'] : []),
    ...(knownHosts !== undefined && !sshKey ? ['knownHosts: it needs an sshKey'] : []),
    ...textMistakes({ knownHosts }),
  ]
}

function credentialMistakes(credentials: GitCredentials): string[] {
  if (typeof credentials !== 'object' || credentials === null || isSecret(credentials))
    return ["credentials: must be { username, password: secret('NAME') }"]
  const { password, username, ...others } = credentials
  return [
    ...(isSecret(password) ? [] : ["credentials.password: must be secret('NAME')"]),
    ...textMistakes({ 'credentials.username': username }),
    ...Object.keys(others).map((name) => `unknown option "credentials.${name}"`),
  ]
}

// Nothing of the worker's own may see the password, least of all a helper that stores it: the empty one removes them.
function passwordEnv(repo: string, { password, username }: GitCredentials): Env {
  const url = httpUrl(repo)
  if (!url) throw new Error('the credentials need a repository at http:// or https://')
  const key = `credential.${url.origin}.helper`
  return {
    GIT_CONFIG_COUNT: '2',
    GIT_CONFIG_KEY_0: key,
    GIT_CONFIG_VALUE_0: '',
    GIT_CONFIG_KEY_1: key,
    GIT_CONFIG_VALUE_1: passwordHelper,
    ROUSE_GIT_USERNAME: (username as string | undefined) ?? (decodeURIComponent(url.username) || 'git'),
    ROUSE_GIT_PASSWORD: password,
  }
}

function sshEnv(key: Secret, knownHosts: string | undefined): Env {
  return {
    GIT_SSH_VARIANT: 'ssh',
    GIT_SSH_COMMAND: sshCommand,
    ROUSE_GIT_SSH_KEY: key,
    ...(knownHosts === undefined ? {} : { ROUSE_GIT_KNOWN_HOSTS: knownHosts }),
  }
}

function httpUrl(repo: string): URL | undefined {
  const url = URL.parse(repo)
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? url : undefined
}

// printf is built into every shell: no process gets the password as an argument.
const passwordHelper = `!f() { test "$1" = get || exit 0; printf 'username=%s\\npassword=%s\\n' "$ROUSE_GIT_USERNAME" "$ROUSE_GIT_PASSWORD"; }; f`

/**
 * ssh takes a key from a file only. It is one in memory where the machine has such a folder, and where /proc can still open it
 * it has lost its name before ssh starts, so that even SIGKILL leaves none behind; elsewhere it goes when ssh ends.
 */
const sshCommand = [
  'f() { umask 077',
  'd=$(mktemp -d "${XDG_RUNTIME_DIR:-/dev/shm}/rouse-XXXXXXXX" 2>/dev/null || mktemp -d) || exit 255',
  `trap 'rm -rf "$d"' EXIT; trap 'exit 255' HUP INT TERM`,
  `printf '%s\\n' "$ROUSE_GIT_SSH_KEY" > "$d/key" && exec 9< "$d/key" || exit 255`,
  'unset ROUSE_GIT_SSH_KEY; k=$d/key',
  'if test -r /proc/$$/fd/9; then rm "$k"; k=/proc/$$/fd/9; fi',
  'set -- -i "$k" -o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes "$@"',
  'if test -n "$ROUSE_GIT_KNOWN_HOSTS"; then',
  `printf '%s\\n' "$ROUSE_GIT_KNOWN_HOSTS" > "$d/hosts"`,
  'set -- -o "UserKnownHostsFile=\\"$d/hosts\\"" -o GlobalKnownHostsFile=/dev/null -o StrictHostKeyChecking=yes "$@"; fi',
  '(exec 9<&-; exec ssh "$@"); }; f',
]
  .join('; ')
  .replaceAll('then; ', 'then ')

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Why this machine cannot run user data without harm; undefined: it can. */
export function missingForUserData(): string | undefined {
  const probe = 'mount --bind /var/lib /opt && command -v curl'
  const { status, stderr } = spawnSync('unshare', [...namespaces, 'sh', '-c', probe], { encoding: 'utf8' })
  return status === 0 ? undefined : `needs unshare and curl: ${stderr || 'no curl'}`.trim()
}

/**
 * A machine that boots: runs the user data as its root, with folders of `dir` as /var/lib and /opt, until the script ends or the
 * power goes. Its processes are in a namespace and end with it. Resolves to what it printed.
 */
export async function bootUserData(
  script: string,
  { dir, signal }: { dir: string; signal: AbortSignal },
): Promise<string> {
  const shims = join(dir, 'bin')
  for (const folder of [shims, join(dir, 'lib'), join(dir, 'opt')]) await mkdir(folder, { recursive: true })
  for (const [name, text] of Object.entries(harmless))
    await writeFile(join(shims, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  await writeFile(join(dir, 'user-data'), script, { mode: 0o755 })
  const path = [shims, dirname(process.execPath), '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin'].join(':')
  const child = spawn('unshare', [...namespaces, 'sh', '-c', boot, 'sh', dir], {
    cwd: '/',
    env: { PATH: path },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += String(data)))
  const over = once(child, 'close')
  const powerOff = () => child.kill('SIGKILL')
  signal.addEventListener('abort', powerOff, { once: true })
  if (signal.aborted) powerOff()
  try {
    await over
  } finally {
    signal.removeEventListener('abort', powerOff)
  }
  return output
}

const namespaces = ['--user', '--map-root-user', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
const boot = 'mount --bind "$1/lib" /var/lib && mount --bind "$1/opt" /opt && exec "$1/user-data"'

/** What a script that runs as root would do to the machine of the test: there is one user, no firewall and no power here. */
const harmless: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['useradd', 'adduser', 'addgroup', 'pw', 'chown', 'date'].map((name) => [name, 'exit 0']),
  ),
  ...Object.fromEntries(
    ['iptables', 'ip6tables', 'nft', 'ip', 'poweroff', 'shutdown', 'reboot', 'halt'].map((name) => [
      name,
      'exit 0',
    ]),
  ),
  id: 'case $* in *-u*|*-g*) echo 0 ;; *) echo rouse ;; esac',
  setpriv: 'while [ "${1#--}" != "$1" ]; do shift; done; exec "$@"',
}

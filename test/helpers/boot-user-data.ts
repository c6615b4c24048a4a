import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Why this machine cannot run user data; undefined: it can. */
export function missingForUserData(): string | undefined {
  const { status, stderr } = spawnSync(
    'unshare',
    [...namespaces, 'sh', '-c', 'mount --bind /var/lib /var/lib && command -v curl'],
    {
      encoding: 'utf8',
    },
  )
  return status === 0 ? undefined : `needs unshare and curl: ${stderr || 'no curl'}`.trim()
}

/**
 * A machine that boots: runs the user data as its root, with a folder of its own as /var/lib, until the script ends or the
 * power goes. Nothing of it is left then: its processes are in a PID namespace. Resolves to what it printed.
 */
export async function bootUserData(
  script: string,
  { dir, signal }: { dir: string; signal: AbortSignal },
): Promise<string> {
  const lib = join(dir, 'var-lib')
  await mkdir(lib, { recursive: true })
  await writeFile(join(lib, 'user-data'), script, { mode: 0o700 })
  const path = [
    dirname(process.execPath),
    '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  ].join(':')
  const child = spawn('unshare', [...namespaces, 'sh', '-c', boot, 'sh', lib], {
    cwd: '/',
    env: { PATH: path, HOME: lib },
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
const boot = 'mount --bind "$1" /var/lib && cd / && exec /var/lib/user-data'

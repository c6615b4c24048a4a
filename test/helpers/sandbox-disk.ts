import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { enterMachine, makeDisk, type SandboxMachine } from './sandbox-machine.ts'

/** The disk of a machine that is stopped and started: what one boot writes is there at the next. Gone with `close`. */
export interface SandboxDisk {
  /** As bootSandbox does it. The power of the boot before must be off. */
  boot(script: string, signal: AbortSignal): Promise<SandboxMachine>
  close(): Promise<void>
}

export async function openSandboxDisk(): Promise<SandboxDisk> {
  const folder = await mkdtemp(join(tmpdir(), 'rouse-test-'))
  const at = join(folder, 'machine')
  const script = `${makeDisk}\necho ready\nexec cat`
  const options = ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', at]
  // The mounts last as long as this process, which lasts as long as its input.
  const holder = spawn('unshare', options, { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(holder, 'close')
  await Promise.race([once(holder.stdout, 'data'), ended])
  if (holder.exitCode !== null) throw new Error('the disk could not be made')
  return {
    async boot(text, signal) {
      const file = join(folder, 'user-data')
      await writeFile(file, text, { mode: 0o600 })
      const inside = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private']
      const child = spawn(
        'nsenter',
        ['--target', String(holder.pid), '--mount', ...inside, 'sh', '-c', enterMachine, 'sh', file, at],
        { stdio: ['ignore', 'pipe', 'pipe'] },
      )
      let output = ''
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += String(data)))
      const powerOff = () => void child.kill('SIGKILL')
      if (signal.aborted) powerOff()
      signal.addEventListener('abort', powerOff, { once: true })
      return { pid: child.pid!, ended: once(child, 'close'), output: () => output }
    },
    async close() {
      holder.stdin.end()
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Container, HostConfig } from 'dockerode'
import { onTestFinished } from 'vitest'
import type { EngineForFile } from './engine-for-file.ts'
import { bareImage } from './test-images.ts'

export interface BareMachine {
  readonly container: Container
  /** What it has printed. */
  output(): Promise<string>
}

// The engine puts eight bytes before each piece of output.
function plain(log: Buffer): string {
  let text = ''
  for (let at = 0; at < log.length;) {
    const length = log.readUInt32BE(at + 4)
    text += log.toString('utf8', at + 8, at + 8 + length)
    at += 8 + length
  }
  return text
}

/** A container of the bare image that runs a script as root, as cloud-init does. It has the folder as /seed. */
export async function bootBare(
  engine: EngineForFile,
  script: string,
  { folder, ...more }: HostConfig & { folder?: string } = {},
): Promise<BareMachine> {
  const dir = folder ?? (await mkdtemp(join(tmpdir(), 'rouse-test-')))
  await writeFile(join(dir, 'script'), script)
  const container = await engine.docker.createContainer({
    Image: bareImage,
    Cmd: ['/bin/sh', '/seed/script'],
    HostConfig: { NetworkMode: 'host', Binds: [`${dir}:/seed`], ...more },
  })
  await container.start()
  onTestFinished(async () => {
    await container.remove({ force: true }).catch(() => {})
    if (folder === undefined) await rm(dir, { recursive: true, force: true })
  })
  const output = async () => plain(await container.logs({ stdout: true, stderr: true }))
  return { container, output }
}

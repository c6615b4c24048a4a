import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../helpers/free-port.ts'
import { finished, root } from '../helpers/master-process.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { waitFor } from '../helpers/wait-for.ts'

const isClone = existsSync(join(root, '.git'))

test.skipIf(!isClone)(
  'npm start in a fresh clone builds this repository and ends in SUCCESS, and its log can be followed (needs a git checkout)',
  { timeout: 600_000 },
  async () => {
    const clone = join(await tempDir(), 'rouse')
    await promisify(execFile)('git', ['clone', '--quiet', root, clone])
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    await writeFile(
      join(clone, 'master.config.local.ts'),
      `export default { listen: { host: '127.0.0.1', port: ${port} } }\n`,
    )
    const start = spawn('npm', ['start'], { cwd: clone, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [start.stdout, start.stderr]) stream.on('data', (data) => (output += String(data)))
    const ended = once(start, 'exit')
    onTestFinished(async () => {
      const { pid } = JSON.parse(
        await readFile(join(clone, 'rouse-data/master.json'), 'utf8').catch(() => '{}'),
      ) as { pid?: number }
      if (pid) process.kill(pid, 'SIGTERM')
      else start.kill('SIGTERM')
      await ended
    })

    const api = async (path: string) => (await fetch(`${url}/api/v1${path}`)).json() as Promise<any>
    await waitFor('the first build', async () => (await api('/builds/1')).state, {
      timeout: 240_000,
      interval: 250,
    }).catch((error: unknown) => {
      throw new Error(`npm start did not get there:\n${output}`, { cause: error })
    })
    const env = { ...process.env, NO_COLOR: '1' }
    const follow = spawn('npm', ['run', '-s', 'rouse', '--', 'logs', '1', '--follow'], { cwd: clone, env })
    const log = await finished(follow)
    const build = await api('/builds/1')

    expect(build, log.stdout).toMatchObject({
      builder: 'self',
      worker: 'local-1',
      state: 'finished',
      result: 'SUCCESS',
    })
    expect(log.code).toBe(0)
    expect(log.stdout).toMatch(/\d+ passed, 0 failed/)
  },
)

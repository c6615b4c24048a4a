import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { installScript } from '../../src/web/install-script.ts'
import { serveFolder } from '../helpers/serve-folder.ts'
import { tempDir } from '../helpers/temp-dir.ts'

test('install.sh replaces the password of an agent, and leaves it as it is when it cannot read the new one', async () => {
  const dir = await tempDir()
  const agent = 'console.log("agent")\n'
  await mkdir(join(dir, 'served/agent'), { recursive: true })
  await writeFile(join(dir, 'served/agent/rouse-agent.mjs'), agent)
  const master = await serveFolder(join(dir, 'served'))
  const sha256 = createHash('sha256').update(agent).digest('hex')
  await writeFile(join(dir, 'install.sh'), installScript({ master, sha256 }))
  // Nothing of this machine is changed.
  await mkdir(join(dir, 'bin'))
  for (const [name, text] of [
    ['systemctl', ''],
    ['id', '[ "$1" != -u ] || echo 0'],
  ] as const) {
    await writeFile(join(dir, 'bin', name), `#!/bin/sh\n${text}\n`)
    await chmod(join(dir, 'bin', name), 0o755)
  }
  const install = async (password: string) => {
    const options = [
      '--name',
      'bot',
      '--password-file',
      password,
      '--dir',
      'agent',
      '--user',
      userInfo().username,
    ]
    const child = spawn('sh', ['install.sh', ...options, '--systemd-dir', 'units', '--systemd'], {
      cwd: dir,
      env: { ...process.env, NODE: process.execPath, PATH: `${join(dir, 'bin')}:${process.env.PATH}` },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    child.stderr.on('data', (data) => (said += String(data)))
    const [code] = (await once(child, 'close')) as [number]
    return { code, said }
  }
  const stored = () => readFile(join(dir, 'agent/bot.password'), 'utf8')
  await writeFile(join(dir, 'first'), 'first\n')
  await writeFile(join(dir, 'second'), 'second\n')
  expect(await install('first')).toMatchObject({ code: 0 })
  expect(await install('second')).toMatchObject({ code: 0 })
  expect(await stored()).toBe('second\n')
  const { code, said } = await install('missing')
  expect({ code, stored: await stored() }).toEqual({ code: 1, stored: 'second\n' })
  expect(said).toContain(`cannot read ${join(dir, 'missing')}`)
})

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { configFolder } from '../helpers/config-folder.ts'
import { finished } from '../helpers/master-process.ts'
import { spawn } from 'node:child_process'

// Node's module hooks are of the whole process, and vitest has its own: so this runs as a user's process does.
async function run(dir: string, script: string): Promise<unknown> {
  const file = join(dir, 'run.ts')
  await writeFile(
    file,
    `import { loadConfig } from ${JSON.stringify(new URL('../../src/config/load-config.ts', import.meta.url).href)}
import { writeFileSync } from 'node:fs'
const load = (reload?: boolean) => loadConfig({ configFile: undefined, cwd: ${JSON.stringify(dir)}, env: {}, reload: reload ?? true })
const write = (name: string, text: string) => writeFileSync(${JSON.stringify(`${dir}/`)} + name, text)
const print = (value: unknown) => console.log(JSON.stringify(value))
${script}`,
  )
  const child = spawn(process.execPath, ['--conditions=source', file], { stdio: ['ignore', 'pipe', 'pipe'] })
  const { code, stderr, stdout } = await finished(child)
  expect(stderr.replace(/.*ExperimentalWarning.*\n.*\n/g, '')).toBe('')
  expect(code).toBe(0)
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

const top = `import { name } from './parts/name.ts'\nimport data from './data.json' with { type: 'json' }\n`

test('a reload runs the file and everything it imports anew; without one Node gives what it has', async () => {
  const dir = await configFolder({
    'master.config.ts': `${top}export default { title: name + data.n }`,
    'parts/name.ts': `export { name } from './deep.ts'`,
    'parts/deep.ts': `export const name: string = 'one'`,
    'data.json': '{"n": 1}',
  })
  const titles = await run(
    dir,
    `print((await load(false)).config.title)
write('parts/deep.ts', "export const name: string = 'two'")
write('data.json', '{"n": 2}')
print((await load(false)).config.title)
print((await load()).config.title)
write('parts/deep.ts', "export const name: string = 'three'")
print((await load()).config.title)`,
  )
  expect(titles).toEqual(['one1', 'one1', 'two2', 'three2'])
})

test('what a file of an older generation imports later is of that generation', async () => {
  const dir = await configFolder({
    'master.config.ts': `import './state.ts'\nexport default { late: async () => (await import('./state.ts')).value }`,
    'state.ts': `export const value = 'old'`,
  })
  const values = await run(
    dir,
    `const first = (await load(false)).config
write('state.ts', "export const value = 'new'")
const second = (await load()).config
print([await first.late(), await second.late()])`,
  )
  expect(values).toEqual([['old', 'new']])
})

test('a mistake in a reloaded file is told with its file and line, as at the start', async () => {
  const dir = await configFolder({
    'master.config.ts': `import { name } from './name.ts'\nexport default { title: name }`,
    'name.ts': `export const name = 'fine'`,
  })
  const messages = await run(
    dir,
    `await load(false)
const fail = () => load().catch((error) => print(error.code + ' ' + error.message))
write('name.ts', "export const name = 'fine'\\n\\nthrow new Error('broken')")
await fail()
write('name.ts', "export const name = (")
await fail()
write('name.ts', "import './missing.ts'\\nexport const name = 1")
await fail()
write('name.ts', "export const name = 'mended'")
print((await load()).config.title)`,
  )
  expect(messages).toEqual([
    'ROUSE_CONFIG_NOT_LOADED name.ts:3: broken',
    expect.stringMatching(/^ROUSE_CONFIG_NOT_LOADED name\.ts:1: /),
    expect.stringMatching(/^ROUSE_CONFIG_NOT_LOADED name\.ts:1: Cannot find module /),
    'mended',
  ])
})

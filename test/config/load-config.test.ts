import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { configFolder, rightConfig } from '../helpers/config-folder.ts'
import { runNode } from '../helpers/run-node.ts'

const script = fileURLToPath(new URL('../helpers/print-loaded-config.ts', import.meta.url))

interface LoadOptions {
  readonly configFile?: string
  readonly timeoutMs?: number
  readonly env?: NodeJS.ProcessEnv
  /** Below the folder. */
  readonly cwd?: string
}

/** Loads the config of a folder of these files, in a process of its own. */
async function load(
  files: Record<string, string>,
  { configFile = '', timeoutMs, env, cwd = '.' }: LoadOptions = {},
) {
  const dir = await configFolder(files)
  const args = [script, configFile, String(timeoutMs ?? '')]
  const { code, stdout, stderr } = await runNode(args, { cwd: join(dir, cwd), ...(env && { env }) })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return { dir, ...JSON.parse(stdout) }
}

const titled = (title: string) => `export default { title: '${title}' }`

describe('the config is found', () => {
  test('in the folder, and imports what rouse exports', async () => {
    const { dir, files, config, frozen } = await load({ 'master.config.ts': rightConfig })
    expect(files).toEqual([join(dir, 'master.config.ts')])
    expect(config.workers).toEqual([{ kind: 'local', name: 'local-1' }])
    expect(frozen).toBe(true)
  })

  test.each(['.mts', '.mjs', '.js'])('with the extension %s', async (extension) => {
    const name = `master.config${extension}`
    const { dir, files } = await load({ [name]: titled('x'), 'package.json': '{"type":"module"}' })
    expect(files).toEqual([join(dir, name)])
  })

  test('by its path, and its overlays beside it', async () => {
    const files = {
      'ci/acme.ts': titled('a'),
      'ci/acme.local.ts': titled('b'),
      'ci/master.config.local.ts': titled('c'),
    }
    const loaded = await load({ ...files, 'here/x': '' }, { configFile: '../ci/acme.ts', cwd: 'here' })
    expect(loaded.config).toEqual({ title: 'b' })
    expect(loaded.files).toEqual([join(loaded.dir, 'acme.ts'), join(loaded.dir, 'acme.local.ts')])
    expect(loaded.dir).toMatch(/\/ci$/)
  })

  test('by the path of its folder', async () => {
    const { config } = await load({ 'ci/master.config.ts': titled('a') }, { configFile: 'ci' })
    expect(config).toEqual({ title: 'a' })
  })

  test('or else an error says where it was looked for', async () => {
    const nowhere = await load({ 'other.ts': '' })
    expect(nowhere).toMatchObject({
      code: 'ROUSE_CONFIG_NOT_FOUND',
      message: `there is no master.config.ts in ${nowhere.dir}`,
    })
    const misnamed = await load({}, { configFile: 'acme.ts' })
    expect(misnamed.message).toBe(`there is no config file ${misnamed.dir}/acme.ts`)
  })
})

describe('environment and local files', () => {
  const files = {
    'master.config.ts': `export default { title: 'base', workers: [{ name: 'a', maxBuilds: 1 }], url: 'base' }`,
    'master.config.production.mjs': `export default { title: 'production', workers: [{ name: 'b' }] }`,
    'master.config.test.ts': titled('test'),
    'master.config.local.ts': `
      import { overlay } from 'rouse'
      export default overlay({ workers: [{ name: 'a', maxBuilds: 9 }] })`,
  }

  test('are merged in their order', async () => {
    const { dir, config, files: loaded } = await load(files, { env: { ROUSE_ENV: 'production' } })
    expect(config).toEqual({
      title: 'production',
      url: 'base',
      workers: [{ name: 'a', maxBuilds: 9 }, { name: 'b' }],
    })
    const names = ['master.config.ts', 'master.config.production.mjs', 'master.config.local.ts']
    expect(loaded).toEqual(names.map((name) => join(dir, name)))
  })

  test('count only where they exist', async () => {
    const { config } = await load(
      { 'master.config.ts': titled('base') },
      { env: { ROUSE_ENV: 'production' } },
    )
    expect(config).toEqual({ title: 'base' })
  })

  test('are not read twice when ROUSE_ENV is local', async () => {
    const { files: loaded } = await load(files, { env: { ROUSE_ENV: 'local' } })
    expect(loaded).toHaveLength(2)
  })

  test.each(['../evil', 'a/b', 'a b', '.'])('are not looked for under the name %j', async (name) => {
    expect(await load(files, { env: { ROUSE_ENV: name } })).toMatchObject({
      code: 'ROUSE_CONFIG_NOT_FOUND',
      message: `ROUSE_ENV is not a name: ${JSON.stringify(name)}`,
    })
  })
})

describe('TypeScript is an ES module', () => {
  test.each(['{"type":"commonjs"}', '{}'])(
    'also beside a package.json of %s, without a warning',
    async (manifest) => {
      const { config } = await load({
        'package.json': manifest,
        'master.config.ts': `import { title } from './lib/title.ts'\nexport default { title }`,
        'lib/title.ts': `import { up } from '../up.ts'\nexport const title: string = up('x')`,
        'up.ts': `export const up = (text: string) => text.toUpperCase()`,
      })
      expect(config).toEqual({ title: 'X' })
    },
  )
})

describe('a config that cannot be run is reported with its file and line:', () => {
  const base = 'master.config.ts'

  test.each<[string, Record<string, string>, string]>([
    [
      'wrong TypeScript',
      { [base]: 'const a = 1\nconst b: number =\nexport default {}' },
      `${base}:3: Expression expected`,
    ],
    [
      'TypeScript that Node cannot strip',
      { [base]: '\n\nenum A { B }' },
      `${base}:3: TypeScript enum is not supported in strip-only mode`,
    ],
    [
      'wrong JavaScript',
      { 'master.config.mjs': 'const a = 1\nconst b = = 2' },
      `master.config.mjs:2: Unexpected token '='`,
    ],
    [
      'what only V8 refuses',
      { [base]: 'const a = 1\nconst a = 2' },
      `${base}:2: Identifier 'a' has already been declared`,
    ],
    [
      'an error it throws',
      { [base]: `function f() {\n  throw new Error('boom\\nsecond line')\n}\nf()` },
      `${base}:2: boom`,
    ],
    [
      'an unknown name',
      { [base]: '\nexport default { a: unknownName }' },
      `${base}:2: unknownName is not defined`,
    ],
    [
      'an import that is not there',
      { [base]: `// x\nimport x from './lib/nothing.ts'\nexport default x` },
      `${base}:2: Cannot find module`,
    ],
    [
      'a package that is not there',
      { [base]: `import x from 'no-such-package'\nexport default x` },
      `${base}:1: Cannot find package 'no-such-package'`,
    ],
    [
      'an export that is not there',
      { [base]: `import { staticWroker } from 'rouse'\nexport default {}` },
      `${base}:1: The requested module 'rouse' does not provide an export named 'staticWroker'`,
    ],
    [
      'wrong options of our own functions',
      { [base]: `import { shell } from 'rouse'\n\nexport default { x: shell('a', null) }` },
      `${base}:3: Cannot destructure`,
    ],
    [
      'an imported file',
      { [base]: `import './lib/a.ts'`, 'lib/a.ts': '\nconst a = 1\nconst a = 2' },
      `lib/a.ts:3: Identifier 'a' has already been declared`,
    ],
    [
      'an overlay',
      { [base]: titled('x'), 'master.config.local.ts': `\nthrow new Error('boom')` },
      'master.config.local.ts:2: boom',
    ],
    ['something else that is thrown', { [base]: `throw 'a text'` }, `${base}: a text`],
  ])('%s', async (_what, files, message) => {
    const error = await load(files)
    expect(error).toMatchObject({ code: 'ROUSE_CONFIG_NOT_LOADED', caused: true })
    expect(error.message.slice(0, message.length)).toBe(message)
    expect(error.message).not.toContain('\n')
  })

  test('never ending', async () => {
    const error = await load({ [base]: 'await new Promise(() => {})' }, { timeoutMs: 100 })
    expect(error.message).toBe(`${base}: did not finish loading in 0.1 s; what does it await?`)
  })

  test('no default export', async () => {
    const error = await load({ [base]: `export const config = {}` })
    expect(error).toMatchObject({
      code: 'ROUSE_CONFIG_NOT_LOADED',
      message: `${error.dir}/${base} does not export a config as its default`,
      advice: 'End the file with: export default defineMaster({ ... })',
    })
  })

  test('and the advice fits', async () => {
    const stripped = await load({ [base]: 'enum A { B }' })
    expect(stripped.advice).toMatch('use no enum')
    const missing = await load({ [base]: `import x from '@scope/package/sub'` })
    expect(missing.advice).toBe(`Run \`npm install @scope/package\` in the folder of ${base}.`)
  })
})

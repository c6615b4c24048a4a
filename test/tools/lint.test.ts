import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { tempDir } from '../helpers/temp-dir.ts'
import { checkout } from './tiny-checkout.ts'

/** A folder with the project's own lint rules. */
let folder: string
beforeEach(async () => {
  folder = await tempDir()
  await cp(join(checkout, '.oxlintrc.json'), join(folder, '.oxlintrc.json'))
})

describe('import boundaries', () => {
  test('are those of the table in docs/architecture.md, for every pair of rooms', async () => {
    const table = await readImportTable()
    const targets = [...table.keys(), 'changes', 'commands']
    const forbidden: string[] = []
    for (const [room, { values, types }] of table) {
      for (const target of targets.filter((name) => name !== room)) {
        await write(
          `src/${room}/value-of-${target}.ts`,
          `import { x } from '../${target}/x.ts'\nexport const y = x\n`,
        )
        await write(
          `src/${room}/deep/type-of-${target}.ts`,
          `import type { X } from '../../${target}/x.ts'\nexport type Y = X\n`,
        )
        if (!values.includes(target)) forbidden.push(`src/${room}/value-of-${target}.ts`)
        if (!values.includes(target) && !types.includes(target))
          forbidden.push(`src/${room}/deep/type-of-${target}.ts`)
      }
    }
    expect(await filesWith('no-restricted-imports')).toEqual(forbidden.sort())
    expect(forbidden.length).toBeGreaterThan(100)
  })

  test('keep every room away from what puts the rooms together', async () => {
    const expected: string[] = []
    for (const room of (await readImportTable()).keys()) {
      for (const file of ['master', 'master-file', 'cli', 'index', 'web-services']) {
        expected.push(`src/${room}/${file}.ts`)
        await write(`src/${room}/${file}.ts`, `import { x } from '../${file}.ts'\nexport const y = x\n`)
      }
    }
    expect(await filesWith('no-restricted-imports')).toEqual(expected.sort())
  })

  test('keep packages to the rooms that may use them', async () => {
    const expected: string[] = []
    for (const [room, { packages }] of await readImportTable()) {
      for (const name of ['kysely', 'pg', 'fastify']) {
        const file = `src/${room}/uses-${name}.ts`
        await write(file, `import x from '${name}'\nexport const y = x\n`)
        if (packages.includes(name) || packages.includes('all')) expected.push(file)
      }
      await write(`src/${room}/uses-node.ts`, `import fs from 'node:fs'\nexport const y = fs\n`)
    }
    expect(await filesWith('no-restricted-imports')).toEqual(expected.sort())
  })

  test('let a migration import kysely only', async () => {
    await write('migrations/0002_right.ts', `import { sql } from 'kysely'\nexport const y = sql\n`)
    await write('migrations/0002_wrong.ts', `import { x } from '../src/model/x.ts'\nexport const y = x\n`)
    expect(await filesWith('no-restricted-imports')).toEqual(['migrations/0002_wrong.ts'])
  })

  test('let a backend import the interface of latent workers, util, and no other backend', async () => {
    const imports = {
      latent: '../../src/latent/backend.ts',
      util: '../../src/util/x.ts',
      db: '../../src/db/x.ts',
      other: '../ec2/x.ts',
      sdk: 'dockerode',
    }
    for (const [name, path] of Object.entries(imports))
      await write(`workers/docker/${name}.ts`, `import { x } from '${path}'\nexport const y = x\n`)
    expect(await filesWith('no-restricted-imports')).toEqual([
      'workers/docker/db.ts',
      'workers/docker/other.ts',
    ])
  })
})

describe('the linter', () => {
  test.for([
    [
      'a promise that nobody awaits',
      'typescript(no-floating-promises)',
      'async function f(): Promise<void> {}\nexport function g(): void {\n  f()\n}\n',
    ],
    [
      'a promise as a condition',
      'typescript(no-misused-promises)',
      'async function f(): Promise<boolean> {\n  return true\n}\nexport const g = (): number => (f() ? 1 : 2)\n',
    ],
    [
      'an async function where nobody waits',
      'typescript(no-misused-promises)',
      'export function g(list: number[]): void {\n  list.forEach(async () => {\n    await Promise.resolve()\n  })\n}\n',
    ],
    [
      'an await of what is no promise',
      'typescript(await-thenable)',
      'export async function g(): Promise<void> {\n  await 1\n}\n',
    ],
    [
      'a value of unknown type that is used',
      'typescript(no-unsafe-call)',
      'export const g = (text: string): unknown => JSON.parse(text).f()\n',
    ],
    [
      'a throw of what is no error',
      'typescript(only-throw-error)',
      "export function g(): void {\n  throw 'no'\n}\n",
    ],
    ['a file of more than 300 lines', 'eslint(max-lines)', `${'export {}\n'.repeat(301)}`],
  ] as const)('finds %s', async ([, rule, source]) => {
    await write('src/model/a.ts', source)
    expect(await findings()).toContainEqual({ file: 'src/model/a.ts', rule })
  })

  test('finds an import cycle, also one of types', async () => {
    await write('src/model/a.ts', `import type { B } from './b.ts'\nexport interface A {\n  b: B\n}\n`)
    await write('src/model/b.ts', `import type { A } from './a.ts'\nexport interface B {\n  a: A\n}\n`)
    expect(await filesWith('import(no-cycle)')).toEqual(['src/model/a.ts', 'src/model/b.ts'])
  })

  test('finds a file that only exports other files, but for src/index.ts', async () => {
    for (const file of ['src/model/all.ts', 'src/index.ts'])
      await write(file, `export * from '${file.includes('model') ? '.' : './model'}/a.ts'\n`)
    await write('src/model/a.ts', 'export const a = 1\n')
    expect(await filesWith('oxc(no-barrel-file)')).toEqual(['src/model/all.ts'])
  })
})

async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true })
  await writeFile(join(folder, path), content)
}

interface Finding {
  readonly file: string
  readonly rule: string
}

async function filesWith(rule: string): Promise<string[]> {
  const files = (await findings()).filter((finding) => finding.rule.includes(rule)).map(({ file }) => file)
  return [...new Set(files)].sort()
}

async function findings(): Promise<Finding[]> {
  await symlink(join(checkout, 'node_modules'), join(folder, 'node_modules')).catch(() => {})
  await write(
    'tsconfig.json',
    JSON.stringify({
      compilerOptions: {
        strict: true,
        module: 'nodenext',
        target: 'es2024',
        types: [],
        allowImportingTsExtensions: true,
        noEmit: true,
      },
    }),
  )
  const oxlint = join(checkout, 'node_modules/oxlint/bin/oxlint')
  const stdout = await new Promise<string>((resolve) => {
    const options = { cwd: folder, maxBuffer: 50_000_000, timeout: 60_000 }
    execFile(process.execPath, [oxlint, '--type-aware', '-f', 'json'], options, (_error, output) =>
      resolve(output),
    )
  })
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { filename: string; code: string }[] }
  return diagnostics.map(({ filename, code }) => ({ file: filename, rule: code }))
}

/** Who may import whom, as docs/architecture.md says. */
async function readImportTable(): Promise<
  Map<string, { values: string[]; types: string[]; packages: string[] }>
> {
  const text = await readFile(join(checkout, 'docs/architecture.md'), 'utf8')
  const list = (cell = '') => cell.split(',').map((word) => word.trim())
  const rows = [...text.matchAll(/^\| `(\w+)` \|(.*)\|$/gm)].map(([, room = '', rest = '']) => {
    const [, values, types, packages] = rest.split('|')
    return [room, { values: list(values), types: list(types), packages: list(packages) }] as const
  })
  return new Map(rows)
}

import { spawn, type ChildProcess } from 'node:child_process'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { tempDir } from '../helpers/temp-dir.ts'

export const checkout = fileURLToPath(new URL('../..', import.meta.url))

export interface Run {
  readonly child: ChildProcess
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>
  /** What it has printed until now. */
  readonly stdout: () => string
  readonly stderr: () => string
}

/** A checkout with the real tools, one small dependency, and a command line that tells how it was called. */
export class TinyCheckout {
  readonly root: string

  private constructor(root: string) {
    this.root = root
  }

  static async make(): Promise<TinyCheckout> {
    const tiny = new TinyCheckout(await tempDir())
    await cp(join(checkout, 'tools'), join(tiny.root, 'tools'), {
      recursive: true,
      filter: (path) => !path.includes('node_modules'),
    })
    const { scripts } = JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8')) as {
      scripts: object
    }
    for (const [path, content] of Object.entries(files)) await tiny.write(path, content)
    const manifest = { name: 'tiny', version: '1.0.0', type: 'module', dependencies: { dep: 'file:dep' } }
    await tiny.write('package.json', JSON.stringify({ ...manifest, scripts }))
    await tiny.write('package-lock.json', JSON.stringify(lockOf(manifest)))
    return tiny
  }

  async write(path: string, content: string): Promise<void> {
    await mkdir(dirname(join(this.root, path)), { recursive: true })
    await writeFile(join(this.root, path), content)
  }

  read(path: string): Promise<string> {
    return readFile(join(this.root, path), 'utf8')
  }

  /** `node tools/run.mjs ...args`; ended with the test. */
  task(args: readonly string[], options: { node?: string; env?: NodeJS.ProcessEnv } = {}): Run {
    return this.start(options.node ?? process.execPath, ['tools/run.mjs', ...args], options.env)
  }

  start(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Run {
    const child = spawn(command, args, {
      cwd: this.root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const texts = { stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => (texts.stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (texts.stderr += text))
    const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => resolve({ code, ...texts }))
    })
    return { child, ended, stdout: () => texts.stdout, stderr: () => texts.stderr }
  }
}

function lockOf(manifest: { name: string; version: string; dependencies: object }): object {
  const { name, version, dependencies } = manifest
  return {
    name,
    version,
    lockfileVersion: 3,
    requires: true,
    packages: {
      '': { name, version, dependencies },
      dep: { version: '1.0.0' },
      'node_modules/dep': { resolved: 'dep', link: true },
    },
  }
}

const files = {
  'dep/package.json': '{"name":"dep","version":"1.0.0"}',
  'src/cli.ts': `
    const [command, ...args]: string[] = process.argv.slice(2)
    const { PATH, NODE_OPTIONS } = process.env
    if (command === 'fail') process.exitCode = Number(args[0])
    if (command === 'wait' || command === 'start') {
      const timer = setInterval(() => {}, 1000)
      process.on('SIGTERM', () => { console.log('SIGTERM came'); clearInterval(timer); process.exitCode = 7 })
    }
    console.log(JSON.stringify({ command, args, PATH, NODE_OPTIONS, version: process.version, flags: process.execArgv }))
  `,
  // Stand in for Vite and for the builder of the agent: each adds a line to what it "builds".
  'vite.js': `
    import { appendFileSync, mkdirSync } from 'node:fs'
    mkdirSync('dist/ui', { recursive: true })
    appendFileSync('dist/ui/index.html', 'built\\n')
  `,
  'tools/build-agent.mjs': `
    import { appendFileSync, mkdirSync } from 'node:fs'
    mkdirSync('dist', { recursive: true })
    appendFileSync('dist/rouse-agent.mjs', 'built\\n')
  `,
  'src/ui/page.ts': '',
  'src/model/model.ts': '',
  'src/agent/agent.ts': '',
  'src/protocol/protocol.ts': '',
  'src/util/util.ts': '',
}

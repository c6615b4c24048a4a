import { closeSync, openSync, readSync } from 'node:fs'
import { arch, availableParallelism, hostname, platform, release, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Facts } from '../../protocol/messages.ts'

/** What the agent tells of its machine, with `<base dir>/info/admin` and `info/host` where they are, as Buildbot's workers do. */
export function machineFacts(baseDir: string): Facts {
  const admin = readInfo(join(baseDir, 'info', 'admin'))
  const host = readInfo(join(baseDir, 'info', 'host'))
  return {
    os: `${platform()} ${release()}`.slice(0, 256),
    arch: arch(),
    cpus: availableParallelism(),
    memory: totalmem(),
    hostname: hostname().slice(0, 256),
    node: process.version,
    ...(admin === undefined ? {} : { admin }),
    ...(host === undefined ? {} : { host }),
  }
}

// The first 4096 characters of it: somebody may have put a link to anything there.
function readInfo(file: string): string | undefined {
  try {
    const descriptor = openSync(file, 'r')
    try {
      const bytes = Buffer.alloc(maxInfo)
      return bytes.toString('utf8', 0, readSync(descriptor, bytes)).trim().slice(0, maxInfo)
    } finally {
      closeSync(descriptor)
    }
  } catch {
    return undefined
  }
}

const maxInfo = 4096

import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { stateDir } from './root.mjs'

/**
 * Runs `work` while no other process sets up this checkout. The lock file is touched every two seconds; one that
 * nobody touches, or whose process is gone, is taken over.
 */
export async function withSetupLock(work) {
  mkdirSync(stateDir, { recursive: true })
  const token = randomUUID()
  for (let told = false; !tryCreate(lockFile, token); await delay(200)) {
    const holder = readHolder()
    if (holder && isStale(holder)) takeAway(holder)
    else if (holder && !told) {
      told = true
      process.stderr.write(
        `rouse: waiting for process ${holder.pid}, which sets up this checkout (${lockFile})\n`,
      )
    }
  }
  const heartbeat = setInterval(() => utimesSync(lockFile, new Date(), new Date()), 2000)
  try {
    return await work()
  } finally {
    clearInterval(heartbeat)
    if (readHolder()?.token === token) rmSync(lockFile, { force: true })
  }
}

// Of several that see the same stale lock only the one that creates this second file may remove it, and only that lock:
// else a slow one would remove the lock of a quick one that has already taken it over.
function takeAway(holder) {
  const right = `${lockFile}.${holder.token}`
  if (!tryCreate(right, holder.token)) return
  if (readHolder()?.token === holder.token) rmSync(lockFile, { force: true })
  rmSync(right, { force: true })
}

function tryCreate(file, token) {
  try {
    writeFileSync(file, JSON.stringify({ token, pid: process.pid, host: hostname() }), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

function readHolder() {
  try {
    const touched = statSync(lockFile).mtimeMs
    const text = readFileSync(lockFile, 'utf8')
    // Empty: its process is just writing it, or died at that.
    return text ? { ...JSON.parse(text), touched } : { token: 'empty', pid: 0, host: '', touched }
  } catch {
    return undefined
  }
}

function isStale({ pid, host, touched }) {
  if (Date.now() - touched > 30_000) return true
  return host === hostname() && !isAlive(pid)
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

const lockFile = join(stateDir, 'setup.lock')

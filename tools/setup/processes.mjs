import { spawn } from 'node:child_process'
import { constants } from 'node:os'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
const passed = new Map()
let received
let current

for (const signal of signals) process.on(signal, () => isRepeated(signal) || pass(signal))

/** The signal that asked this process to end while set-up ran, if one did. */
export function signalName() {
  return received
}

/** Runs a program with our own stdin, stdout and stderr, passes signals on to it, and resolves to its exit code. */
export function runInherited(command, args, { cwd, env }) {
  return new Promise((resolve, reject) => {
    current = { child: spawn(command, args, { cwd, env, stdio: 'inherit' }), quiet: false }
    current.child.once('error', reject)
    current.child.once('exit', (code, signal) => {
      current = undefined
      resolve(code ?? 128 + constants.signals[signal])
    })
  })
}

/**
 * Runs a program and keeps its output, which is told to `onLine` line by line.
 * @returns {Promise<{ code: number, output: string }>}
 */
export function runQuietly(command, args, { cwd, env, timeout, onLine = () => {} }) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env, timeout, stdio: ['ignore', 'pipe', 'pipe'] })
    current = { child, quiet: true }
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8')
      stream.on('data', (text) => {
        output = (output + text).slice(-maxOutput)
        const line = text.trimEnd().split('\n').at(-1)
        if (line) onLine(line)
      })
    }
    const end = (code, text = output) => {
      current = undefined
      resolve({ code, output: text })
    }
    child.once('error', (error) => end(127, `${command}: ${error.message}`))
    child.once('close', (code, signal) => end(code ?? 128 + constants.signals[signal]))
  })
}

// A signal to the whole process group reaches us twice, by itself and through npm; people mean two by a pause between them.
function isRepeated(signal) {
  const before = passed.get(signal) ?? -Infinity
  passed.set(signal, performance.now())
  return performance.now() - before < 500
}

function pass(signal) {
  if (!current) process.exit(128 + constants.signals[signal])
  if (current.quiet) {
    received = signal
    current.child.kill('SIGTERM')
    return
  }
  // A terminal gives Ctrl-C to every process of the group, so that the task has it already.
  if (signal !== 'SIGINT' || !process.stdin.isTTY) current.child.kill(signal)
}

const maxOutput = 4_000_000

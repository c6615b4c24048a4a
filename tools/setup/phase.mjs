import { constants } from 'node:os'
import { runQuietly, signalName } from './processes.mjs'
import { SetupError } from './setup-error.mjs'

/**
 * Runs one program of the set-up. Shows its title with the time that passes, and the program's own output only when it
 * fails. Everything goes to stderr: stdout belongs to the task.
 */
export async function phase(title, { command, args, cwd, env, advice, timeout = 20 * 60_000 }) {
  const started = Date.now()
  const seconds = () => `${((Date.now() - started) / 1000).toFixed(1)} s`
  const display = process.stderr.isTTY ? spinner(title, seconds) : plainLines(title, seconds)
  const { code, output } = await runQuietly(command, args, {
    cwd,
    env,
    timeout,
    onLine: display.line,
  }).finally(display.stop)
  const signal = signalName()
  if (signal) throw new SetupError(`ended by ${signal}`, { exitCode: 128 + constants.signals[signal] })
  if (code === 0) return display.done()
  process.stderr.write(output.endsWith('\n') ? output : `${output}\n`)
  throw new SetupError(`${title} failed after ${seconds()} (exit code ${code}), see above. ${advice}`)
}

function spinner(title, seconds) {
  let frame = 0
  let last = ''
  const draw = () => {
    const text = `${frames[frame++ % frames.length]} ${title} ${seconds()}  ${last}`
    process.stderr.write(`\r\x1b[K${text.slice(0, (process.stderr.columns || 80) - 1)}`)
  }
  const timer = setInterval(draw, 100)
  draw()
  return {
    line: (text) => (last = text.replace(/[\x00-\x1f\x7f]/g, ' ')),
    stop: () => {
      clearInterval(timer)
      process.stderr.write('\r\x1b[K')
    },
    done: () => process.stderr.write(`✔ ${title} ${seconds()}\n`),
  }
}

function plainLines(title, seconds) {
  process.stderr.write(`rouse: ${title} ...\n`)
  return {
    line: () => {},
    stop: () => {},
    done: () => process.stderr.write(`rouse: ${title} ... ${seconds()}\n`),
  }
}

const frames = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'

import { closeSync, openSync } from 'node:fs'

/**
 * SIGHUP asks a server to read its config again. The same signal says that the terminal of a process in the foreground has been
 * closed: that is what `gone` is called for.
 */
export function onHangup({ gone, reload }: { gone: () => void; reload: () => void }): void {
  const hadTerminal = hasTerminal()
  process.on('SIGHUP', () => {
    if (!hadTerminal || hasTerminal()) return reload()
    // Nobody can read any more what is written there.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
    gone()
  })
}

function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return true
  } catch {
    return false
  }
}

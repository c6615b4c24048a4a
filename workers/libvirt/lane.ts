import koffi from 'koffi'
import { messageOf } from '../../src/model/errors.ts'
import { Connection } from './connection.ts'
import { laneCalls, type LaneAnswer, type LaneRequest } from './lane-calls.ts'
import { openLibrary } from './library.ts'
import { LibvirtError } from './libvirt-error.ts'

// A process that does one call of libvirt after another for lanes.ts, which started it with the URI and talks to it by messages.

const [uri = ''] = process.argv.slice(2)
let connection: Connection | undefined

endWithTheMaster()
process.on('message', (request: LaneRequest) => process.send!(answer(request)))
process.on('disconnect', () => process.exit())
// A Ctrl-C in the master's terminal is for the master: it may need this process to end its instances.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})

function answer({ args, call }: LaneRequest): LaneAnswer {
  try {
    connection ??= new Connection(openLibrary(), uri)
    connection.refresh()
    const work = laneCalls[call] as (c: Connection, ...args: readonly unknown[]) => unknown
    return { ok: true, result: work(connection, ...args) }
  } catch (error) {
    const message = messageOf(error)
    return error instanceof LibvirtError
      ? { ok: false, message, code: error.code, domain: error.domain }
      : { ok: false, message }
  }
}

// Also when it was killed while a call blocks here.
function endWithTheMaster(): void {
  if (process.platform !== 'linux') return
  const setParentDeathSignal = 1
  const kill = 9
  const prctl = koffi.load('libc.so.6').func('prctl', 'int', ['int', 'unsigned long'])
  prctl(setParentDeathSignal, kill)
  if (!process.connected) process.exit()
}

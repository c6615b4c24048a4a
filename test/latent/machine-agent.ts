import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { MasterLinkEvents } from '../../src/protocol/link.ts'
import type { Done, FromMaster, Hello } from '../../src/protocol/messages.ts'
import type { CommandResult } from '../../src/protocol/operation.ts'
import { protocolVersion } from '../../src/protocol/version.ts'
import type { FakeMachine } from '../../workers/fake/index.ts'
import type { LatentCore } from './latent-core.ts'

/** What a command does: resolves to its exit code. */
export type RunCommand = (run: Extract<FromMaster, { type: 'run' }>, machine: FakeMachine) => Promise<number>

/** The agent on a machine of a fake cloud, in this process: it logs in as a real one does, and its commands outlive a master. */
export class MachineAgent {
  readonly machine: FakeMachine
  /** Of the machine's present life, which ends with its next reset. */
  readonly signal: AbortSignal
  readonly runId = randomUUID() as string
  readonly credential = randomBytes(32).toString('base64url')
  readonly received: FromMaster[] = []
  /** Why it was refused or closed last. */
  refusal: string | undefined
  connected = false
  /** Refuses to say yes when the master asks it to end. */
  stubborn = false
  /** Its connection stays although master and machine have ended it, as on a network that tells nobody. */
  hangsOn = false
  readonly #commands = new Map<string, { result: CommandResult | null }>()
  readonly #runCommand: RunCommand
  #end: MasterLinkEvents | undefined
  #master: LatentCore | undefined
  #link: object | undefined
  readonly #login: { readonly id: string; readonly token: string }

  constructor(machine: FakeMachine, runCommand: RunCommand) {
    this.machine = machine
    this.#runCommand = runCommand
    this.signal = machine.signal
    this.#login = machine.spec
    this.signal.addEventListener('abort', () => {
      if (!this.hangsOn) this.drop()
    })
  }

  get running(): number {
    return [...this.#commands.values()].filter(({ result }) => result === null).length
  }

  /** One try to log in and say hello; false when it was refused. */
  async connect(master: LatentCore): Promise<boolean> {
    const { credential, signal } = this
    if (signal.aborted || master.dead || master.closing) return false
    const { id: name, token: password } = this.#login
    const attempt = { name, password, address: 'test', runId: this.runId, credential }
    const answer = await master.login.check(attempt)
    if (!answer.ok) {
      this.refusal = answer.message
      return false
    }
    if (signal.aborted || master.dead) return false
    const link = {
      // As over a wire: never in the same turn.
      send: (message: FromMaster) =>
        void setImmediate(() => {
          if (this.#link === link && !master.dead) this.#hear(message)
        }),
      sendFile: () => {},
      // An older connection that is closed is not the present one.
      close: (reason: string) => {
        if (this.#link === link && !this.hangsOn) this.#lose(master, reason)
      },
      ping: async () => this.#link === link,
    }
    this.#link = link
    this.#master = master
    this.connected = true
    this.#end = master.fleet.accept(answer.worker, link, {
      address: 'test',
      credentialHash: createHash('sha256').update(credential).digest(),
      generation: answer.generation,
    })
    this.#send(this.#hello())
    return true
  }

  /** The connection breaks. */
  drop(): void {
    if (this.#master) this.#lose(this.#master, 'the connection was lost')
  }

  /** As after SIGTERM. */
  wantToEnd(): void {
    this.#send({ type: 'drain', cancel: false })
  }

  #lose(master: LatentCore, reason: string): void {
    if (this.#master !== master) return
    const end = this.#end
    this.#master = undefined
    this.#end = undefined
    this.#link = undefined
    this.connected = false
    this.refusal = reason
    if (!master.dead) end?.closed(reason)
  }

  #hello(): Hello {
    const facts = { os: 'linux', arch: 'x64', cpus: 1, memory: 1, hostname: 'fake', node: '24.0.0' }
    const commands = [...this.#commands].map(([id, { result }]) => ({ id, logs: [], result }))
    return { type: 'hello', protocol: protocolVersion, version: '0.0.0', runId: this.runId, facts, commands }
  }

  #hear(message: FromMaster): void {
    this.received.push(message)
    switch (message.type) {
      case 'run':
        return this.#run(message)
      case 'cancel':
        return this.#finish(message.command, { exitCode: null, signal: null, reason: 'cancelled' })
      case 'forget':
        return void this.#commands.delete(message.command)
      case 'welcome': {
        const wanted = new Set(message.resume.map(({ command }) => command))
        for (const [id, { result }] of this.#commands)
          if (!wanted.has(id)) this.#commands.delete(id)
          else if (result) this.#send(doneOf(id, result))
        return
      }
      case 'retire':
        if (!this.stubborn && this.#commands.size === 0) this.#send({ type: 'drain', cancel: false })
        return
      case 'heartbeat':
        return this.#send({ type: 'heartbeat' })
      case 'ack':
      case 'want':
      case 'drained':
      case 'keepalive':
        return
    }
  }

  #run(run: Extract<FromMaster, { type: 'run' }>): void {
    if (this.#commands.has(run.command)) return
    this.#commands.set(run.command, { result: null })
    void this.#runCommand(run, this.machine).then((exitCode) => {
      if (this.signal.aborted) return
      this.#finish(run.command, { exitCode, signal: null, reason: null })
    })
  }

  #finish(id: string, result: CommandResult): void {
    const command = this.#commands.get(id)
    if (!command || command.result) return
    command.result = result
    this.#send(doneOf(id, result))
  }

  #send(message: Parameters<MasterLinkEvents['message']>[0]): void {
    if (!this.#master?.dead) this.#end?.message(message)
  }
}

function doneOf(command: string, result: CommandResult): Done {
  return { type: 'done', command, result, logs: [{ log: 0, bytes: 0 }] }
}

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * In the place of the agent: a program in each machine that takes tokens as an agent does and never logs in, and does what a test
 * tells it.
 */
export class ObedientGuests {
  /** Lines of shell for the machine's start script; they never end. */
  readonly setup: string
  readonly #waiting = new Map<
    string,
    { readonly command: string; readonly answer: (said: string) => void }[]
  >()
  readonly #server = createServer(({ url }, reply) => {
    const { pathname, searchParams } = new URL(url!, 'http://guest')
    const [, id, verb] = pathname.split('/')
    const [next] = this.#waiting.get(id!) ?? []
    if (verb === 'said' && next) {
      this.#waiting.get(id!)!.shift()
      next.answer(searchParams.get('text')!)
    }
    reply.end(verb === 'next' ? next?.command : '')
  })

  static async start(): Promise<ObedientGuests> {
    const guests = new ObedientGuests()
    guests.#server.listen(0, '127.0.0.1')
    await once(guests.#server, 'listening')
    const { port } = guests.#server.address() as AddressInfo
    return Object.assign(guests, { setup: setupFor(port) })
  }

  private constructor() {
    this.setup = ''
  }

  /** What a command prints in a machine, without white space. It may be run more than once. */
  async run(id: string, command: string): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>()
    this.#waiting.set(id, [...(this.#waiting.get(id) ?? []), { command, answer: resolve }])
    return await promise
  }

  async close(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }
}

const setupFor = (port: number) => `cat >/run/obey <<'end of script'
base=http://10.0.2.2:${port}/$1
ask() { timeout 3 busybox wget -q -O - "$base/$1"; }
while :; do
  command=$(ask next)
  [ -z "$command" ] || ask "said?text=$(eval "$command" 2>&1 | tr -d '[:space:]')"
  sleep 0.2
done &
exec 3<>/dev/virtio-ports/ci.rouse.agent
while :; do
  echo ready >&3
  read -t 1 -r line <&3 || continue
  echo "$line" | sed 's/.*"token":"\\([^"]*\\)".*/\\1/' >/run/token
  echo "taken $(echo "$line" | sed 's/.*"generation":\\([0-9]*\\).*/\\1/')" >&3
  break
done
wait
end of script
exec bash /run/obey "$id"`

import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'

/** A master's answer that is not a WebSocket. */
export interface Refusal {
  readonly status: number
  /** For people: status, code, message, advice, as far as they are given. */
  readonly reason: string
  /** The master does not want this agent as it is; else the address is only not ready. */
  readonly lasting: boolean
}

export async function readRefusal(response: IncomingMessage): Promise<Refusal> {
  const status = response.statusCode ?? 0
  const { code, message, advice } = parse(await readStart(response))
  const text = [code, message].filter(Boolean).join(': ') || (response.statusMessage ?? '')
  return {
    status,
    reason: [`HTTP ${status} ${text}`, advice].filter(Boolean).join('. '),
    lasting: lasting.has(status),
  }
}

async function readStart(body: Readable): Promise<string> {
  const parts: Buffer[] = []
  let length = 0
  const deadline = setTimeout(() => body.destroy(), patienceMs)
  try {
    for await (const part of body) {
      parts.push(part as Buffer)
      length += (part as Buffer).length
      if (length > maxBody) break
    }
  } catch {
    // What came before it broke off will do.
  } finally {
    clearTimeout(deadline)
  }
  return Buffer.concat(parts).toString('utf8', 0, maxBody)
}

function parse(text: string): { code?: string; message?: string; advice?: string } {
  try {
    const value = JSON.parse(text) as Record<string, unknown> | null
    const entries = ['code', 'message', 'advice'].map((key) => [key, value?.[key]] as const)
    return Object.fromEntries(
      entries.filter(([, v]) => typeof v === 'string').map(([k, v]) => [k, sentence(v as string)]),
    )
  } catch {
    return {}
  }
}

function sentence(text: string): string {
  return text.slice(0, 500).replace(/\.$/, '')
}

// Login, another agent of this name, version, too many failures.
const lasting: ReadonlySet<number> = new Set([401, 403, 409, 426, 429])
const maxBody = 65_536
const patienceMs = 5000

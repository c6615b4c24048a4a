import { createInterface } from 'node:readline'
import { EngineError } from './engine-error.ts'

/** Reads what an engine tells during a pull or build, to its end. Throws EngineError with what went wrong there. */
export async function followProgress(
  what: string,
  stream: NodeJS.ReadableStream,
  signal: AbortSignal,
): Promise<void> {
  const end = () => (stream as NodeJS.ReadableStream & { destroy(): void }).destroy()
  signal.addEventListener('abort', end, { once: true })
  const said: string[] = []
  try {
    for await (const line of createInterface({ input: stream })) {
      if (!line.trim()) continue
      const event = JSON.parse(line) as { error?: string; stream?: string }
      if (event.stream?.trim()) said.push(event.stream.trim())
      if (said.length > 5) said.shift()
      if (event.error !== undefined)
        throw new EngineError(500, [`${what}: ${event.error}`, ...said].join('\n  '))
    }
  } finally {
    signal.removeEventListener('abort', end)
    end()
  }
}

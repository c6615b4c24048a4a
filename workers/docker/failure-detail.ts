import type { Engine } from './engine.ts'

/** Why a container ended, with the last lines it printed. */
export async function failureDetail(engine: Engine, container: string, signal: AbortSignal): Promise<string> {
  const what = `cannot look at container ${container.slice(0, 12)}`
  const { Config, State } = await engine.call(what, signal, (docker) =>
    docker.getContainer(container).inspect({ abortSignal: signal }),
  )
  const output = await engine
    .call(what, signal, (docker) =>
      docker
        .getContainer(container)
        .logs({ stdout: true, stderr: true, tail: lastLines, abortSignal: signal }),
    )
    .catch(() => Buffer.alloc(0))
  const text = (Config.Tty ? output : withoutHeaders(output)).toString().trim().slice(-longestOutput)
  const reason = State.OOMKilled
    ? 'was killed: out of memory'
    : `ended with exit code ${State.ExitCode}${State.Error ? ` (${State.Error})` : ''}`
  return text ? `the container ${reason}: ${text}` : `the container ${reason} and printed nothing`
}

/** Output of a container without terminal comes in frames: stream, three zeros, length, bytes. */
export function withoutHeaders(framed: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at + 8 <= framed.length;) {
    const end = at + 8 + framed.readUInt32BE(at + 4)
    parts.push(framed.subarray(at + 8, end))
    at = end
  }
  return Buffer.concat(parts)
}

const lastLines = 20
const longestOutput = 4000

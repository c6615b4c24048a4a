import pc from 'picocolors'

export type Colours = ReturnType<typeof pc.createColors>

/** stdout or stderr as commands see it. */
export interface Terminal {
  /** False in a pipe or a file: no colours, nothing cut, no progress line. */
  readonly isTTY: boolean
  /** Columns; Infinity in a pipe. */
  readonly width: number
  readonly colours: Colours
  /** Resolves when the text or the bytes are handed on, so that a slow reader slows the writer down. */
  write(data: string | Uint8Array): Promise<void>
}

export function terminalOf(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv = process.env): Terminal {
  const isTTY = stream.isTTY === true
  return {
    isTTY,
    get width() {
      return isTTY ? stream.columns || 80 : Infinity
    },
    colours: pc.createColors(wantsColours(isTTY, env)),
    write: (data) =>
      new Promise((resolve, reject) => stream.write(data, (error) => (error ? reject(error) : resolve()))),
  }
}

// NO_COLOR wins (https://no-color.org); --no-color sets it.
function wantsColours(isTTY: boolean, env: NodeJS.ProcessEnv): boolean {
  if (env.NO_COLOR) return false
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0'
  return isTTY && env.TERM !== 'dumb'
}

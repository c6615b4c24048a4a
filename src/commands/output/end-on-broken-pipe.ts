/** `rouse builds | head`: when the reader has had enough, end quietly and at once, as SIGPIPE ends other programs. */
export function endOnBrokenPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      process.exit(brokenPipe)
    })
  }
}

/** 128 + SIGPIPE. */
export const brokenPipe = 141

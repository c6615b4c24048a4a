/** The user pressed Ctrl-C, or the process was asked to end. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  readonly exitCode: number

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(`ended by ${signal}`)
    this.exitCode = signal === 'SIGINT' ? 130 : 143
  }
}

/** Runs with a signal that the first Ctrl-C aborts; throws Interrupted then. A second Ctrl-C ends the process at once. */
export async function untilInterrupted<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const onInt = () => controller.abort(new Interrupted('SIGINT'))
  const onTerm = () => controller.abort(new Interrupted('SIGTERM'))
  process.once('SIGINT', onInt).once('SIGTERM', onTerm)
  try {
    return await run(controller.signal)
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error
  } finally {
    process.off('SIGINT', onInt).off('SIGTERM', onTerm)
  }
}

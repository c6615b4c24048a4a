/** What the master answered instead of what was asked: its own code, message and advice, and the HTTP status. */
export class RemoteError extends Error {
  override readonly name = 'RemoteError'
  readonly status: number
  readonly code: string
  readonly advice: string
  /** Milliseconds the master asks to wait before the next try, if it says so. */
  readonly retryAfter: number | undefined

  constructor(
    status: number,
    answer: { code: string; message: string; advice: string },
    retryAfter?: number,
  ) {
    super(answer.message)
    this.status = status
    this.code = answer.code
    this.advice = answer.advice
    this.retryAfter = retryAfter
  }
}

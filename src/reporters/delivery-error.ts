export interface DeliveryErrorOptions {
  /** 'never': another try cannot help, 'later' (default): it may. */
  readonly worth?: 'later' | 'never'
  /** Seconds after which the other side wants to be asked again. */
  readonly retryAfter?: number
  /** What a person can do about it. */
  readonly advice?: string
  readonly cause?: unknown
}

/** Why a message could not be sent. Its text is shown to people and holds no secret. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError'
  readonly worth: 'later' | 'never'
  readonly retryAfter: number | undefined
  readonly advice: string | undefined

  constructor(message: string, { advice, cause, retryAfter, worth = 'later' }: DeliveryErrorOptions = {}) {
    super(message, { cause })
    this.worth = worth
    this.retryAfter = retryAfter
    this.advice = advice
  }
}

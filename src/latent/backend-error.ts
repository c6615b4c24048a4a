/**
 * Why a backend could not do what it was asked for, where it knows. CAPACITY: the provider has no room or a quota is used up;
 * later or elsewhere, and nobody is blamed. REJECTED: this template is wrong and will be so on every try.
 */
export class BackendError extends Error {
  override readonly name = 'BackendError'
  readonly code: 'CAPACITY' | 'REJECTED'

  constructor(code: BackendError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

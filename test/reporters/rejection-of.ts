import { expect } from 'vitest'
import { DeliveryError } from '../../src/reporters/delivery-error.ts'

/** The DeliveryError that a promise is rejected with. */
export async function rejectionOf(promise: Promise<unknown>): Promise<DeliveryError> {
  const error: unknown = await promise.then(
    () => expect.unreachable('it was resolved'),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(DeliveryError)
  return error as DeliveryError
}

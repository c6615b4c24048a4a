/** Polls until `probe` returns something truthy, and returns that; fails with `what` and the last error after `timeout` ms. */
export async function waitFor<T>(
  what: string,
  probe: () => T | Promise<T>,
  { timeout = 60_000, interval = 25 }: { timeout?: number; interval?: number } = {},
): Promise<NonNullable<T>> {
  const deadline = Date.now() + timeout
  let last: unknown
  for (;;) {
    try {
      const value = await probe()
      if (value) return value
      last = value
    } catch (error) {
      last = error
    }
    if (Date.now() > deadline) throw new Error(`waited ${timeout} ms for ${what}`, { cause: last })
    await new Promise((resolve) => setTimeout(resolve, interval))
  }
}

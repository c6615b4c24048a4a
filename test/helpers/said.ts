import { waitFor } from './wait-for.ts'

/** Waits for a process to say it in its log: a line may arrive later than the answer to a request that came after it. */
export async function said(
  process: { readonly output: string | (() => string) },
  what: string | RegExp,
): Promise<void> {
  const output = () => (typeof process.output === 'string' ? process.output : process.output())
  await waitFor(`the log to say ${String(what)}`, () =>
    typeof what === 'string' ? output().includes(what) : what.test(output()),
  )
}

/** Whether the statement failed because the connection or the server went away, so that another try may succeed. */
export function isConnectionFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code } = error as { code?: unknown }
  if (typeof code !== 'string') return messages.test(error.message)
  // Class 08: connection exception; 57P01 to 57P03: shut down by an administrator, crashed, starting up.
  return /^(08...|57P0[123])$/.test(code) || /^E[A-Z_]+$/.test(code)
}

/** What went wrong in words; a refused connection to a name with two addresses has no message of its own. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message || (codeOf(error) ?? error.name)
}

/** The SQLSTATE or system error code, where there is one. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined
  return typeof code === 'string' ? code : undefined
}

// What pg and its pool say without a code.
const messages = /^(Connection terminated|Client (has encountered|was closed)|Query read timeout|timeout e)/

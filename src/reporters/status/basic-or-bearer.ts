/** A token that belongs to a user is a password; others stand for themselves. */
export function basicOrBearer(token: string, user: string | undefined): string {
  if (user === undefined) return `Bearer ${token}`
  return `Basic ${Buffer.from(`${user}:${token}`).toString('base64')}`
}

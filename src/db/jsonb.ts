/** JSON for a jsonb column. PostgreSQL refuses NUL and halves of characters there: they become U+FFFD. */
export function jsonb(value: unknown): string {
  const json = JSON.stringify(value) as string | undefined
  if (json === undefined) throw new TypeError(`JSON cannot say ${typeof value}`)
  return json.replaceAll(/(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g, '$1\\ufffd')
}

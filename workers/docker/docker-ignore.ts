/** Which paths of a context a .dockerignore leaves out: the last line that matches decides, '!' brings back. */
export function dockerIgnore(text: string): (path: string) => boolean {
  const rules = text.split(/\r?\n/).flatMap((line) => {
    const trimmed = line.trim()
    if (!trimmed || line.startsWith('#')) return []
    const keep = trimmed.startsWith('!')
    const pattern = (keep ? trimmed.slice(1).trim() : trimmed).replace(/^\.?\/+|\/+$/g, '')
    return pattern ? [{ keep, expression: expressionOf(pattern) }] : []
  })
  return (path) =>
    rules.reduce((ignored, { expression, keep }) => (expression.test(path) ? !keep : ignored), false)
}

// What matches a folder matches what is in it, too.
function expressionOf(pattern: string): RegExp {
  let source = ''
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i]!
    if (pattern.startsWith('**/', i)) {
      source += '(?:.*/)?'
      i += 2
    } else if (pattern.startsWith('**', i)) {
      source += '.*'
      i += 1
    } else if (c === '*') source += '[^/]*'
    else if (c === '?') source += '[^/]'
    else if (c === '[' && pattern.indexOf(']', i + 2) > 0) {
      const end = pattern.indexOf(']', i + 2)
      source += `[${pattern.slice(i + 1, end).replace(/[\\[]/g, '\\$&')}]`
      i = end
    } else source += c.replace(/[.+^${}()|\\[\]/]/g, '\\$&')
  }
  return new RegExp(`^${source}(?:/.*)?$`)
}

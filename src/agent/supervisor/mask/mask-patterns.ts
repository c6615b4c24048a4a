/**
 * What is to be hidden for the given secrets: each as it is, each of its longer lines, and both in base64 and URL encoding.
 * A base64 text can hold it at any of three alignments; the characters at its borders depend on what stands beside.
 */
export function maskPatterns(secrets: readonly string[]): Buffer[] {
  const found = new Set<string>()
  for (const secret of secrets) {
    const lines = secret.split(/\r?\n/).filter((line) => line.length >= shortestLine)
    for (const text of [secret, secret.trim(), ...lines]) {
      if (!text) continue
      for (const form of [...base64Forms(text), ...urlForms(text)])
        if (form.length >= shortestCode) found.add(form)
      found.add(text)
    }
  }
  return [...found].map((text) => Buffer.from(text))
}

function base64Forms(text: string): string[] {
  const bytes = Buffer.from(text)
  return [0, 1, 2].flatMap((before) => {
    const code = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    const from = Math.ceil((before * 8) / 6)
    const to = Math.floor(((before + bytes.length) * 8) / 6)
    const inner = code.slice(from, to)
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')]
  })
}

function urlForms(text: string): string[] {
  const component = encodeURIComponent(text.toWellFormed())
  const strict = component.replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
  const spaced = [component, strict].flatMap((code) => [code, code.replaceAll('%20', '+')])
  const slashed = spaced.flatMap((code) => [code, code.replaceAll('%2F', '/')])
  return slashed.flatMap((code) => [code, code.replace(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase())])
}

const shortestLine = 8
/** Shorter codes would hide innocent text. */
const shortestCode = 4

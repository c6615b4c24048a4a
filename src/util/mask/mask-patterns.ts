/**
 * What is to be hidden for the given secrets: each as it is, each of its longer lines, and both in base64, in URL encoding
 * and quoted for a shell or JSON. A base64 text can hold it at any of three alignments; the characters at its borders
 * depend on what stands beside.
 */
export function maskPatterns(secrets: readonly string[]): Buffer[] {
  const found = new Set<string>()
  for (const secret of secrets) {
    const lines = secret.split(/\r?\n/).filter((line) => line.length >= shortestLine)
    for (const text of [secret, secret.trim(), ...lines]) {
      if (!text) continue
      for (const form of [...base64Forms(text), ...urlForms(text)])
        if (form.length >= shortestCode) found.add(form)
      for (const form of quotedForms(text)) found.add(form)
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
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_'), ...(before === 0 ? wrapped(inner) : [])]
  })
}

/** The lines of a long code as `base64` (76 characters) and `openssl base64` (64) print it. */
function wrapped(code: string): string[] {
  return [76, 64].flatMap((width) => {
    const lines = Math.ceil(code.length / width)
    if (lines < 2) return []
    const all = Array.from({ length: lines }, (_, i) => code.slice(i * width, (i + 1) * width))
    return all.filter((line) => line.length >= shortestLine)
  })
}

function quotedForms(text: string): string[] {
  return [text.replaceAll("'", `'\\''`), JSON.stringify(text).slice(1, -1)]
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

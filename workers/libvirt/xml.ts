/** An element. Comments, processing instructions and white space between elements are not kept. */
export interface XmlElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly XmlNode[]
}

export type XmlNode = XmlElement | string

export function element(
  name: string,
  attributes: Readonly<Record<string, string | undefined>> = {},
  children: readonly XmlNode[] = [],
): XmlElement {
  const given = Object.entries(attributes).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  return { name, attributes: Object.fromEntries(given), children }
}

/** The elements of a text, which must be well-formed and declare no entities. Throws SyntaxError. */
export function parseXml(text: string): XmlElement[] {
  const open: { name: string; attributes: Record<string, string>; children: XmlNode[] }[] = [
    { name: '', attributes: {}, children: [] },
  ]
  let at = 0
  for (const match of text.matchAll(token)) {
    if (match.index !== at) break
    at += match[0].length
    const { cdata, close, name, own, plain, rest } = match.groups!
    const parent = open.at(-1)!
    if (plain !== undefined || cdata !== undefined) {
      const content = plain === undefined ? cdata! : unescaped(plain)
      if (open.length === 1 && content.trim())
        throw new SyntaxError(`text outside of elements: ${content.trim()}`)
      parent.children.push(content)
    } else if (close !== undefined) {
      if (open.length === 1 || close !== parent.name)
        throw new SyntaxError(`</${close}> without its beginning`)
      open.pop()
      open.at(-1)!.children.push(withoutIndentation(parent))
    } else if (name !== undefined) {
      const begun = { name, attributes: attributesOf(rest!), children: [] }
      if (own) parent.children.push(begun)
      else open.push(begun)
    }
  }
  if (at < text.length) throw new SyntaxError(`cannot be read at: ${text.slice(at, at + 40)}`)
  if (open.length > 1) throw new SyntaxError(`<${open.at(-1)!.name}> without its end`)
  return elementsOf(open[0]!)
}

export function xmlText(node: XmlNode): string {
  if (typeof node === 'string') return escaped(node)
  const attributes = Object.entries(node.attributes).map(([name, value]) => ` ${name}="${escaped(value)}"`)
  const content = node.children.map(xmlText).join('')
  return `<${node.name}${attributes.join('')}${content ? `>${content}</${node.name}>` : '/>'}`
}

export function elementsOf(parent: XmlElement, name?: string): XmlElement[] {
  return parent.children.filter(
    (child): child is XmlElement => typeof child !== 'string' && (name === undefined || child.name === name),
  )
}

/** The first element along the path. */
export function elementAt(parent: XmlElement, ...path: readonly string[]): XmlElement | undefined {
  return path.reduce<XmlElement | undefined>((found, name) => found && elementsOf(found, name)[0], parent)
}

function withoutIndentation<T extends XmlElement>(one: T): T {
  const hasElements = one.children.some((child) => typeof child !== 'string')
  const kept = (child: XmlNode) => typeof child !== 'string' || child.trim() !== ''
  return hasElements ? { ...one, children: one.children.filter(kept) } : one
}

function attributesOf(text: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [, name, double, single] of text.matchAll(attribute)) {
    if (Object.hasOwn(found, name!)) throw new SyntaxError(`attribute ${name} twice`)
    found[name!] = unescaped(double ?? single!)
  }
  return found
}

function escaped(text: string): string {
  // What XML cannot hold at all.
  const clean = text.replaceAll(/[\0-\x08\v\f\x0e-\x1f\ufffe\uffff]|\p{Surrogate}/gu, '\ufffd')
  return clean.replaceAll(/[&<>"'\t\n\r]/g, (c) => `&#${c.charCodeAt(0)};`)
}

function unescaped(text: string): string {
  return text.replaceAll(/&([^;]*);?/g, (all, name: string) => {
    const [, hex, decimal] = /^#(?:x([0-9a-f]{1,6})|(\d{1,7}))$/i.exec(name) ?? []
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
    const known = code <= 0x10ffff ? String.fromCodePoint(code) : entities.get(name)
    if (known === undefined || !all.endsWith(';')) throw new SyntaxError(`unknown entity ${all.slice(0, 20)}`)
    return known
  })
}

const entities = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])
const nameForm = '[A-Za-z_][\\w.:-]*'
const attributeForm = `\\s+${nameForm}\\s*=\\s*(?:"[^"<]*"|'[^'<]*')`
const token = new RegExp(
  [
    '(?<plain>[^<]+)',
    '<!--(?:(?!--)[^])*-->',
    '<\\?(?:(?!\\?>)[^])*\\?>',
    '<!\\[CDATA\\[(?<cdata>(?:(?!\\]\\]>)[^])*)\\]\\]>',
    `</(?<close>${nameForm})\\s*>`,
    `<(?<name>${nameForm})(?<rest>(?:${attributeForm})*)\\s*(?<own>/?)>`,
  ].join('|'),
  'g',
)
const attribute = new RegExp(`\\s+(${nameForm})\\s*=\\s*(?:"([^"<]*)"|'([^'<]*)')`, 'g')

import { RouseError } from '../model/errors.ts'

export type Target = { readonly kind: 'build' | 'request'; readonly id: number }

/** `17` is a build, `r12` a request. */
export function parseTarget(text: string): Target {
  const match = /^(r?)([1-9]\d{0,14})$/i.exec(text)
  if (!match) throw new RouseError('ROUSE_USAGE', `"${text}" is neither a build (17) nor a request (r12)`)
  return { kind: match[1] ? 'request' : 'build', id: Number(match[2]) }
}

export function parseBuildId(text: string): number {
  const advice = 'Run `rouse builds` to see the builds there are.'
  if (/^r\d+$/i.test(text))
    throw new RouseError('ROUSE_USAGE', `"${text}" is a request, a build's number is needed`, { advice })
  if (!/^[1-9]\d{0,14}$/.test(text))
    throw new RouseError('ROUSE_USAGE', `"${text}" is not the number of a build`, { advice })
  return Number(text)
}

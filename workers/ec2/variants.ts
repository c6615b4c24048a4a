import { createHash } from 'node:crypto'
import type { Ec2Template } from './ec2-options.ts'

/** One way to start an instance of a template. */
export interface Variant {
  readonly type: string
  readonly subnet: string | undefined
  readonly spot: { readonly maxPrice?: number } | undefined
}

/** In the order of trying: every type in every subnet, first as spot instances where that is wanted. */
export function variantsOf({ instanceType, spot, subnetId }: Ec2Template): Variant[] {
  const wanted = typeof spot === 'object' ? spot : spot ? {} : undefined
  const { fallback = false, maxPrice } = wanted ?? {}
  const asSpot = { spot: maxPrice === undefined ? {} : { maxPrice } }
  const markets = wanted ? [asSpot, ...(fallback ? [{ spot: undefined }] : [])] : [{ spot: undefined }]
  return markets.flatMap((market) =>
    [instanceType].flat().flatMap((type) => [subnetId].flat().map((subnet) => ({ type, subnet, ...market }))),
  )
}

export function variantName({ spot, subnet, type }: Variant): string {
  return [type, spot && 'spot', subnet && `in ${subnet}`].filter(Boolean).join(' ')
}

/**
 * The client token of a try: the same for the same try, since the same token gives the same machine; another one for other
 * parameters, which AWS would refuse, and for each machine of the id that has ended before.
 */
export function clientToken(id: string, variant: number, round: number): string {
  if (variant === 0 && round === 0) return id
  return createHash('sha256').update(`${id} ${variant} ${round}`).digest('hex')
}

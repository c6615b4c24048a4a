import type { MasterAddress } from './find-master.ts'
import { RemoteError } from './remote-error.ts'

/** The error that an answer with a failing status carries; something that is not Rouse's own says so. */
export async function errorOfAnswer({ url }: MasterAddress, response: Response): Promise<RemoteError> {
  const { status } = response
  const seconds = Number(response.headers.get('retry-after') ?? NaN)
  const retryAfter = seconds >= 0 ? seconds * 1000 : undefined
  try {
    const { code, message, advice } = JSON.parse(await response.text()) as Record<string, unknown>
    if (typeof code === 'string' && typeof message === 'string')
      return new RemoteError(
        status,
        { code, message, advice: typeof advice === 'string' ? advice : '' },
        retryAfter,
      )
  } catch {
    // Not JSON: a proxy, or another program.
  }
  return new RemoteError(
    status,
    {
      code: 'ROUSE_NOT_A_MASTER',
      message: `${url} answers ${status} ${response.statusText}, but not as a Rouse master does`,
      advice: 'Check the address: --url, ROUSE_URL, or the proxy in front of the master.',
    },
    retryAfter,
  )
}

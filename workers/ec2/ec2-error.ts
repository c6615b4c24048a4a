import { BackendError } from '../../src/latent/backend-error.ts'

/** What EC2 answered that is no success. */
export class Ec2Error extends Error {
  override readonly name = 'Ec2Error'
  /** AWS's own: 'InsufficientInstanceCapacity'. */
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** A failed call in words: Ec2Error for an answer, Error when there was none. */
export function explainFailure(error: unknown, operation: string, where: string): Error {
  const { $metadata, code, message = '', name = '' } = error as Partial<SdkError>
  if (/(Credentials|Token)ProviderError$/.test(name))
    return new Error(`${operation}: the master has no credentials for AWS: ${message}`, { cause: error })
  if ($metadata?.httpStatusCode === undefined || name === '') {
    const reason = connectionFailures[code ?? ''] ?? (message || code || name)
    return new Error(`${operation}: ${where} cannot be reached: ${reason}`, { cause: error })
  }
  const request = $metadata.requestId ? ` (request ${$metadata.requestId})` : ''
  const advice = adviceFor(name, message, operation)
  return new Ec2Error(name, `${operation}: ${name}: ${message}${advice}${request}`, { cause: error })
}

export function isThrottled(error: unknown): boolean {
  return throttled.test((error as Partial<SdkError>).name ?? '')
}

export function hasCode(error: unknown, pattern: RegExp): error is Ec2Error {
  return error instanceof Ec2Error && pattern.test(error.code)
}

/** Another type, subnet or market may have room where this one has none. */
export function isElsewhere(error: unknown): error is Ec2Error {
  return hasCode(error, noRoom) || hasCode(error, notHere)
}

/** Whose fault a failed start was, where that is known. */
export function verdict(error: unknown): unknown {
  if (hasCode(error, noRoom)) return new BackendError('CAPACITY', error.message, { cause: error })
  if (hasCode(error, notHere) || hasCode(error, wrong))
    return new BackendError('REJECTED', error.message, { cause: error })
  return error
}

function adviceFor(code: string, message: string, operation: string): string {
  if (/^UnauthorizedOperation$|^AccessDenied/.test(code)) {
    const permission = /perform: (\w+:\w+)/.exec(message)?.[1] ?? `ec2:${operation}`
    return `. The master's credentials need the permission ${permission}`
  }
  if (/^(AuthFailure|InvalidClientTokenId|SignatureDoesNotMatch|UnrecognizedClient)/.test(code))
    return ". AWS does not know the master's credentials, or its clock is wrong"
  return /^(ExpiredToken|RequestExpired)/.test(code) ? ". The master's credentials have expired" : ''
}

interface SdkError extends Error {
  readonly code?: string
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string }
}

const connectionFailures: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name cannot be looked up now',
  ETIMEDOUT: 'it does not answer',
  EHOSTUNREACH: 'there is no way to it',
}

const throttled =
  /^(RequestLimitExceeded|Throttling(Exception)?|ThrottledException|RequestThrottled(Exception)?|SlowDown|TooManyRequestsException|EC2ThrottledException|BandwidthLimitExceeded)$/
const noRoom =
  /^(Server\.)?(Insufficient\w*Capacity|InsufficientFreeAddressesInSubnet|InsufficientCapacityOnHost|(?!Tag)\w+LimitExceeded|Max\w+(Count|Limit)Exceeded|MaxIOPSLimitExceeded|ReservationCapacityExceeded|SpotMaxPriceTooLow|UnfulfillableCapacity|PendingVerification|\w*QuotaExceeded)$/
const notHere = /^Unsupported$/
// Not `Invalid` alone: InvalidState and the like pass.
const wrong =
  /^(InvalidAMI|InvalidParameter|InvalidSubnet|InvalidGroup|InvalidSecurityGroup|InvalidKeyPair|InvalidBlockDevice|InvalidPlacementGroup|InvalidSnapshot|InvalidUserData|InvalidInput|InvalidHostID|InvalidTag|InvalidZone|InvalidInstanceType|InvalidRequest|InvalidVpc|InvalidIamInstanceProfile|InvalidKmsKey|MissingParameter|MissingInput|UnknownParameter|UnsupportedOperation|UnauthorizedOperation|OptInRequired|OperationNotPermitted|VPCIdNotSpecified|NoDefaultVpc|MalformedQueryString|ValidationError|TagLimitExceeded)/

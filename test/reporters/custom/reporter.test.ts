import { expect, test, vi } from 'vitest'
import type { NoticeEvent, NoticeEventType } from '../../../src/model/notice-event.ts'
import { secret } from '../../../src/model/secret.ts'
import type { CustomReporterOptions } from '../../../src/reporters/custom/custom-options.ts'
import { reporter } from '../../../src/reporters/custom/reporter.ts'
import { DeliveryError } from '../../../src/reporters/delivery-error.ts'
import type { Reporter } from '../../../src/reporters/reporter.ts'
import { rejectionOf } from '../rejection-of.ts'
import { asMessage, endedBuild, factsOf, sendTools, site } from '../sample-facts.ts'

const completed: NoticeEvent = { type: 'request.completed', request: 12, result: 'FAILURE' }

test('a function of your own is called with the event and what belongs to it', async () => {
  const report = vi.fn<CustomReporterOptions<'request.completed'>['report']>(async (event, tools) => {
    const request = await tools.facts.request(event.request)
    expect(request?.builder).toBe('unit')
    expect(tools.site.title).toBe('Acme builds')
    expect(tools.secret(secret('TOKEN'))).toBe('t0ken')
    expect(tools.secret('TOKEN')).toBe('t0ken')
    expect(tools).toMatchObject({ id: 'f81d4fae-7dec', attempt: 3 })
  })
  const own = opened({ name: 'own', events: ['request.completed'], report })
  const facts = factsOf({ builds: [endedBuild('FAILURE')] })
  const [draft] = await own.compose(completed, { facts, site, signal: new AbortController().signal })
  expect(draft).toEqual({
    target: 'own',
    subject: 'unit: build 17 failed after 3 m 2 s',
    content: completed,
  })
  await own.send(asMessage(draft!, { attempt: 3 }), sendTools({ TOKEN: 't0ken' }, { facts }))
  expect(report).toHaveBeenCalledExactlyOnceWith(completed, expect.anything())
})

test('it hears of what is gone, too', async () => {
  const own = opened({ name: 'own', events: ['request.completed'], report: () => {} })
  const tools = { facts: factsOf({}), site, signal: new AbortController().signal }
  expect(await own.compose(completed, tools)).toEqual([
    { target: 'own', subject: 'request.completed', content: completed },
  ])
})

test('a function need not be asynchronous', async () => {
  await expect(sent(() => {})).resolves.toBeUndefined()
  expect(
    await rejectionOf(
      sent(() => {
        throw new Error('no')
      }),
    ),
  ).toMatchObject({ worth: 'later', message: 'no' })
})

test.each<[string, unknown, object]>([
  ['any error', new Error('busy'), { worth: 'later', message: 'busy' }],
  ['something that is no error', 'busy', { worth: 'later', message: 'busy' }],
  ['nothing', undefined, { worth: 'later', message: 'undefined' }],
  ['an error with retry: false', Object.assign(new Error('wrong'), { retry: false }), { worth: 'never' }],
  ['an error with retry: true', Object.assign(new Error('busy'), { retry: true }), { worth: 'later' }],
  [
    'a final DeliveryError',
    new DeliveryError('wrong', { worth: 'never', advice: 'mend it' }),
    { worth: 'never', advice: 'mend it' },
  ],
  [
    'a DeliveryError that knows when',
    new DeliveryError('busy', { retryAfter: 7 }),
    { worth: 'later', retryAfter: 7 },
  ],
])('throwing %s', async (_what, thrown, expected) => {
  expect(await rejectionOf(sent(() => Promise.reject(thrown as Error)))).toMatchObject(expected)
})

test('a secret that it has asked for is in none of its errors', async () => {
  const failing = sent(
    (_event, { secret: reveal }) => {
      const token = reveal('TOKEN')
      throw new DeliveryError(`refused ${token}`, {
        advice: `not ${encodeURIComponent(token)}`,
        cause: token,
      })
    },
    { TOKEN: 'a secret/of mine' },
  )
  const error = await rejectionOf(failing)
  expect(error).toMatchObject({ message: 'refused ***', advice: 'not ***', cause: undefined })
})

test('a secret that is not there is told', async () => {
  const error = await rejectionOf(sent((_event, { secret: reveal }) => void reveal('GONE')))
  expect(error.message).toContain('GONE')
})

test('a function that takes too long is told so and given up', async () => {
  let wasAborted = false
  const slow: Report = (_event, { signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        wasAborted = true
        reject(signal.reason as Error)
      })
    })
  const error = await rejectionOf(sent(slow, {}, { timeout: '1s' }))
  expect(error).toMatchObject({ worth: 'later', message: 'it did not answer within 1 s' })
  expect(wasAborted).toBe(true)
})

test('a function that heeds nothing does not stop the master from stopping', async () => {
  const stop = new AbortController()
  const deaf: Report = () => {
    stop.abort(new Error('the master stops'))
    return new Promise(() => {})
  }
  await expect(sent(deaf, {}, {}, stop.signal)).rejects.toThrow('the master stops')
})

test('all mistakes are told at once', () => {
  const description = reporter({ events: ['worker.gone'], report: 'f', timeout: '2m', builder: [] } as never)
  expect(description.mistakes(description.options)).toEqual([
    'name: is missing: what it is called',
    expect.stringMatching(/^events: there is no event "worker.gone"/),
    'report: must be a function, got "f"',
    'timeout: must be a duration from 1 s to a minute, such as 10 or \'45s\', got "2m"',
    'unknown option "builder"; did you mean "builders"?',
  ])
})

type Report = CustomReporterOptions<'request.completed'>['report']

function opened<T extends NoticeEventType>(options: CustomReporterOptions<T>): Reporter {
  const description = reporter(options)
  expect(description.mistakes(description.options)).toEqual([])
  return description.open(description.options, description.name)
}

async function sent(
  report: Report,
  secrets: Record<string, string> = {},
  more: Partial<CustomReporterOptions<'request.completed'>> = {},
  signal: AbortSignal = new AbortController().signal,
) {
  const own = opened({ name: 'own', events: ['request.completed'], report, ...more })
  const message = asMessage({ target: 'own', subject: '', content: completed })
  await own.send(message, sendTools(secrets, { signal }))
}

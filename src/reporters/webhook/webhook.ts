import { isSecret, isSecretName } from '../../model/secret.ts'
import { describeReporter } from '../describe-reporter.ts'
import {
  aFunction,
  anHttpUrl,
  aSecret,
  aText,
  builderNames,
  eventTypes,
  mustBe,
  needed,
  optional,
  reporterName,
  type Check,
} from '../option-checks.ts'
import type { ReporterDescription } from '../reporter-description.ts'
import type { WebhookOptions } from './webhook-options.ts'
import { WebhookReporter } from './webhook-reporter.ts'

/** Posts events as JSON, signed by HMAC-SHA256: see docs/hear-about-it.md. */
export function webhook(options: WebhookOptions): ReporterDescription {
  return describeReporter<WebhookOptions>({
    kind: 'webhook',
    options,
    checks: {
      name: optional(reporterName),
      builders: optional(builderNames),
      url: needed(
        "where to, such as 'https://example.com/hooks/builds' or secret('HOOK_URL')",
        anUrlOrSecret,
      ),
      secret: optional(aSecret('HOOK_SECRET')),
      events: optional(eventTypes),
      headers: optional(someHeaders),
      format: optional(aFunction),
    },
    open: (right, name) => new WebhookReporter(name, right),
  })
}

const anUrlOrSecret: Check = (value) => (isSecret(value) ? aSecret('HOOK_URL')(value) : anHttpUrl(value))

const someHeaders: Check = (value) => {
  const problem = mustBe(
    'an object of headers',
    (v) => typeof v === 'object' && v !== null && !Array.isArray(v),
  )(value)
  if (problem || isSecret(value))
    return problem ?? 'must be an object whose values may be secrets, got a secret'
  for (const [name, text] of Object.entries(value as object) as [string, unknown][]) {
    if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/.test(name)) return `"${name}" is no name of a header`
    if (ours.test(name)) return `"${name}" is set by Rouse itself`
    if (
      isSecret(text)
        ? !isSecretName(text.name)
        : aText(text) !== undefined || /[^\t\x20-\x7e]/.test(String(text))
    )
      return `the value of "${name}" must be a secret, or a string of ASCII characters without line breaks`
  }
  return undefined
}

const ours =
  /^(x-rouse-.*|idempotency-key|content-(type|length|encoding)|host|connection|transfer-encoding|expect|upgrade|te|trailer|keep-alive)$/i

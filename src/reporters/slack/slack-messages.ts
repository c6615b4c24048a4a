import { describeReporter } from '../describe-reporter.ts'
import { modes } from '../mail/modes.ts'
import { aSecret, aText, builderNames, eventTypes, listOf, optional, reporterName } from '../option-checks.ts'
import type { ReporterDescription } from '../reporter-description.ts'
import type { SlackOptions } from './slack-options.ts'
import { SlackReporter } from './slack-reporter.ts'

/** Messages to an incoming webhook of Slack, or of what imitates it: Mattermost, Rocket.Chat, Discord (its address and '/slack'). */
export function slackMessages(options: SlackOptions): ReporterDescription {
  return describeReporter<SlackOptions>({
    kind: 'slack',
    options,
    checks: {
      name: optional(reporterName),
      builders: optional(builderNames),
      url: aSecret('SLACK_URL'),
      events: optional(eventTypes),
      mode: optional((value) => listOf('mode', modes, typeof value === 'string' ? [value] : value)),
      channel: optional(aText),
    },
    open: (right, name) => new SlackReporter(name, right),
  })
}

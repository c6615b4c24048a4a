// Compiled by `tsc`, never run.
import {
  bitbucketStatus,
  DeliveryError,
  giteaStatus,
  githubStatus,
  gitlabStatus,
  interpolate,
  reporter,
  secret,
  slackMessages,
  webhook,
  type ReporterDescription,
  type WebhookPayload,
} from 'rouse'

const token = secret('TOKEN')

// Right
export const reporters: ReporterDescription[] = [
  githubStatus({ token }),
  githubStatus({
    token,
    name: 'enterprise',
    baseUrl: 'https://github.acme.example/',
    builders: ['unit'],
    repository: ({ request }) => (request.builder === 'unit' ? 'acme/app' : undefined),
    context: interpolate('ci/%(prop:buildername)s'),
    startDescription: 'Off we go',
    endDescription: (about) => `${about.state}: ${about.description} (${String(about.get('target', 'all'))})`,
  }),
  gitlabStatus({ token, repository: 'group/sub/app' }),
  giteaStatus({ token, baseUrl: 'https://git.acme.example/' }),
  bitbucketStatus({ token, user: 'bob@acme.example' }),
  webhook({
    url: 'https://acme.example/hook',
    secret: secret('KEY'),
    headers: { authorization: token, 'x-a': 'b' },
  }),
  webhook({
    url: secret('URL'),
    events: ['worker.missing'],
    format: ({ text }: WebhookPayload) => ({ text }),
  }),
  slackMessages({ url: secret('SLACK_URL'), mode: 'change', channel: '#builds' }),
  slackMessages({ url: secret('SLACK_URL'), mode: ['failing', 'problem'], events: ['request.completed'] }),
  reporter({
    name: 'lamp',
    events: ['request.completed', 'worker.missing'],
    async report(event, { facts, secret: reveal, signal }) {
      if (event.type === 'worker.missing') return console.log(event.worker, event.reason)
      const request = await facts.request(event.request)
      const answer = await fetch(`https://lamp.acme.example/${event.result}/${request?.builder}`, {
        headers: { authorization: reveal(token) },
        signal,
      })
      if (answer.status === 404) throw new DeliveryError('the lamp is gone', { worth: 'never' })
    },
  }),
  reporter({ name: 'plain', events: ['build.started'], report: ({ build }) => console.log(build.toFixed()) }),
]

// Wrong
// @ts-expect-error a token is a secret
githubStatus({ token: 'ghp_0123' })
// @ts-expect-error a misspelt option
githubStatus({ token, contextt: 'ci' })
// @ts-expect-error a Gitea has an address
giteaStatus({ token })
// @ts-expect-error only Bitbucket's tokens belong to a user
gitlabStatus({ token, user: 'bob' })
// @ts-expect-error no such event
webhook({ url: 'https://acme.example/', events: ['request.complete'] })
// @ts-expect-error the key is a secret
webhook({ url: 'https://acme.example/', secret: 'key' })
// @ts-expect-error the address is a secret
slackMessages({ url: 'https://hooks.slack.com/services/T0' })
// @ts-expect-error no such mode
slackMessages({ url: secret('U'), mode: 'failed' })
// @ts-expect-error it has a name
reporter({ events: ['build.started'], report: () => {} })
// @ts-expect-error an event that was not asked for has no worker
reporter({ name: 'r', events: ['build.started'], report: ({ worker }) => console.log(worker) })
// @ts-expect-error of several events only what all have is known
reporter({ name: 'r', events: ['build.started', 'worker.missing'], report: ({ build }) => void build })

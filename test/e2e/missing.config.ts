import { defineMaster, localWorker, mailNotifier, shell, staticWorker } from 'rouse'

const recipients = ['bob@acme.example', 'alice@acme.example']
const timeout = Number(process.env.MISSING_TIMEOUT)

export default defineMaster({
  title: 'Acme builds',
  listen: { host: '127.0.0.1', port: Number(process.env.PORT) },
  workers: [
    staticWorker('bot', {
      password: 'b0t',
      notifyOnMissing: recipients,
      missingTimeout: timeout,
      notifyOnRecovery: true,
    }),
    localWorker('here'),
  ],
  builders: [
    {
      name: 'slow',
      workers: ['bot'],
      steps: [shell('touch begun; while [ ! -e go ]; do sleep 0.1; done')],
    },
    { name: 'quick', workers: ['here'], steps: [shell('echo quick')] },
  ],
  reporters: [
    mailNotifier({
      fromaddr: 'ci@acme.example',
      relayhost: '127.0.0.1',
      port: Number(process.env.SMTP_PORT),
      tls: 'none',
      builders: [],
    }),
  ],
})

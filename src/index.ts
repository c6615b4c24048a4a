export { defineMaster } from './config/define-master.ts'
export { localWorker } from './config/local-worker.ts'
export { once } from './config/once.ts'
export { overlay } from './config/overlay.ts'
export { secret } from './model/secret.ts'
export { staticWorker } from './config/static-worker.ts'
export { interpolate } from './model/interpolate.ts'
export { masterLock, workerLock } from './model/lock.ts'
export { escapeHtml } from './reporters/mail/html.ts'
export { mailNotifier } from './reporters/mail/mail-notifier.ts'
export { copyDir, fileExists, makeDir, removeDir, removeFile } from './steps/file-steps.ts'
export { reporter } from './reporters/custom/reporter.ts'
export { DeliveryError } from './reporters/delivery-error.ts'
export { slackMessages } from './reporters/slack/slack-messages.ts'
export { bitbucketStatus } from './reporters/status/bitbucket-status.ts'
export { giteaStatus } from './reporters/status/gitea-status.ts'
export { githubStatus } from './reporters/status/github-status.ts'
export { gitlabStatus } from './reporters/status/gitlab-status.ts'
export { webhook } from './reporters/webhook/webhook.ts'
export { git } from './steps/git.ts'
export { httpRequest } from './steps/http-request.ts'
export { masterShell } from './steps/master-shell.ts'
export { setProperty, setPropertyFromCommand } from './steps/set-property.ts'
export { trigger } from './steps/trigger.ts'
export { downloadFile, uploadDirectory, uploadFile, writeFile } from './steps/transfer-steps.ts'
export { shell } from './steps/shell.ts'
export { step } from './steps/step.ts'

export type { ConfigOverlay } from './config/overlay.ts'
export type { Secret } from './model/secret.ts'
export type {
  AgentsConfig,
  BuilderConfig,
  BuilderHooks,
  CollapseRequests,
  CommonWorkerOptions,
  FreeWorker,
  ListenAddress,
  SocketAddress,
  LocalWorkerConfig,
  LocalWorkerOptions,
  MasterConfig,
  OnceConfig,
  SchedulerConfig,
  StaticWorkerConfig,
  StaticWorkerOptions,
  WaitingRequest,
  WorkerConfig,
} from './config/types.ts'
export type { Duration } from './model/durations.ts'
export type { Lock, LockAccess, LockMode, LockOptions } from './model/lock.ts'
export type { PropertyReader, PropertyValue, Renderable } from './model/properties.ts'
export type { Result } from './model/results.ts'
export type { NoticeEvent, NoticeEventType } from './model/notice-event.ts'
export type { SourceStamp } from './model/source-stamp.ts'
export type { CommandResult } from './protocol/operation.ts'
export type { CustomReporterOptions, CustomReporterTools } from './reporters/custom/custom-options.ts'
export type { DeliveryErrorOptions } from './reporters/delivery-error.ts'
export type { Facts } from './reporters/facts.ts'
export type {
  MailLookup,
  MailBody,
  MailOptions,
  MailTls,
  MailTemplate,
} from './reporters/mail/mail-options.ts'
export type { BuildReport, BuildsetReport, StandardMail, WorkerReport } from './reporters/mail/report.ts'
export type { Mode } from './reporters/mail/modes.ts'
export type { ReporterDescription } from './reporters/reporter-description.ts'
export type { SlackOptions } from './reporters/slack/slack-options.ts'
export type { AboutStatus } from './reporters/status/about-status.ts'
export type { BitbucketStatusOptions } from './reporters/status/bitbucket-status.ts'
export type { CommitStatusOptions, StatusText } from './reporters/status/commit-status-options.ts'
export type { GiteaStatusOptions } from './reporters/status/gitea-status.ts'
export type { WebhookOptions } from './reporters/webhook/webhook-options.ts'
export type { WebhookPayload } from './reporters/webhook/webhook-payload.ts'
export type { FileStepOptions } from './steps/file-steps.ts'
export type { GitOptions } from './steps/git.ts'
export type { GitAccess, GitCredentials } from './steps/git-credentials.ts'
export type {
  ExtractProperties,
  SetPropertyFromCommandOptions,
  SetPropertyOptions,
} from './steps/set-property.ts'
export type { ShellCommand, ShellOptions } from './steps/shell.ts'
export type { MasterShellOptions } from './steps/master-shell.ts'
export type { HttpRequestOptions } from './steps/http-request.ts'
export type { TriggerOptions } from './steps/trigger.ts'
export type { DownloadOptions, UploadOptions } from './steps/transfer-steps.ts'
export type {
  ArtifactFacts,
  BuildFacts,
  CommandOptions,
  CommandOutcome,
  CommandRequest,
  DownloadRequest,
  HttpAnswer,
  HttpRequest,
  MasterShellRequest,
  Step,
  StepContext,
  StepFlags,
  StepOutcome,
  TriggerOutcome,
  TriggerRequest,
  UploadOutcome,
  UploadRequest,
} from './steps/step.ts'

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
export type { SourceStamp } from './model/source-stamp.ts'
export type { CommandResult } from './protocol/operation.ts'
export type {
  MailLookup,
  MailBody,
  MailOptions,
  MailTls,
  MailTemplate,
} from './reporters/mail/mail-options.ts'
export type { BuildReport, BuildsetReport, StandardMail, WorkerReport } from './reporters/mail/report.ts'
export type { ReporterDescription } from './reporters/reporter-description.ts'
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

import type { StepContext } from '../steps/step.ts'

/** What a step's function gets: nothing but the context, and functions that need no `this`, so that it may take them apart. */
export function stepContext(of: StepContext): StepContext {
  return Object.freeze<StepContext>({
    build: of.build,
    properties: of.properties,
    signal: of.signal,
    setProperty: (name, value) => of.setProperty(name, value),
    command: (operation, options) => of.command(operation, options),
    upload: (request) => of.upload(request),
    download: (request) => of.download(request),
    trigger: (request) => of.trigger(request),
    masterShell: (request) => of.masterShell(request),
    httpRequest: (request) => of.httpRequest(request),
    countLines: (pattern) => of.countLines(pattern),
    note: (line) => of.note(line),
    addSteps: (steps, options) => of.addSteps(steps, options),
    sleep: (duration) => of.sleep(duration),
    now: () => of.now(),
    randomId: () => of.randomId(),
  })
}

/** Rouse's own folder in a container. */
export const rouseFolder = '/rouse'
/** Node.js and the agent: a volume, read-only. */
export const runtimeFolder = '/rouse/runtime'
/** Starts the agent: what a container runs, or what its own command ends in. */
export const agentScript = '/rouse/agent'
export const tokenFile = '/rouse/token'
/** Where builds run. */
export const workFolder = '/rouse/work'
/** Folders with the master's sockets, one per address. */
export const masterFolder = '/rouse/master'
/** Leads to the loader that starts our Node.js: the image's, or the one beside our Node.js. */
export const loaderLink = '/rouse/ld.so'

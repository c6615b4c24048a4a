import { supervise } from './supervise.ts'

await supervise(process.argv.slice(2))

import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { FileReceiver } from '../../protocol/transfer/file-receiver.ts'

export interface IncomingFile extends AsyncDisposable {
  readonly receiver: FileReceiver
}

/** A file that comes from the master: written beside its place, and put there when it is whole and what was promised. */
export async function openIncoming(
  path: string,
  o: {
    id: string
    size: number
    sha256: string
    mode: number
    ask: (offset: number, bytes: number) => void
  },
): Promise<IncomingFile> {
  await mkdir(dirname(path), { recursive: true })
  // Not longer than any name may be, however long the file's own is.
  const temporary = join(dirname(path), `.${o.id}.part`)
  const file = await open(temporary, 'wx', o.mode)
  const receiver = new FileReceiver({
    window,
    maxBytes: o.size,
    ask: o.ask,
    decode: async (codec, body) => {
      if (codec !== 'none') throw new Error('the master sends files uncompressed')
      return body
    },
    write: (bytes) => file.writeFile(bytes),
    finish: async ({ sha256, size }) => {
      if (size !== o.size || sha256 !== o.sha256) throw new Error('the file changed while it was sent')
      // Whatever the umask takes away, the mode is what was asked for.
      await file.chmod(o.mode)
      await file.sync()
      await rename(temporary, path)
    },
  })
  return {
    receiver,
    [Symbol.asyncDispose]: async () => {
      receiver.fail(new Error('the transfer has ended'))
      await receiver.settled
      await file.close()
      await rm(temporary, { force: true })
    },
  }
}

/** Small, because a master drops an agent that has too much unread. */
const window = 524_288

import { connect, type Socket } from 'node:net'
import { FrameReader, writeFrame } from './frames.ts'
import { encodeOwn, parseOwn, type FromConnector, type Greeting } from './own-messages.ts'

/** A supervisor that has greeted, and that nobody has attached to yet. */
export interface FoundSupervisor {
  readonly socket: Socket
  readonly greeting: Greeting
  /** Has what came with the greeting. */
  readonly reader: FrameReader
}

/** Connects to the supervisor that listens there; undefined when none does. Throws when it does not greet. */
export async function findSupervisor(path: string): Promise<FoundSupervisor | undefined> {
  const socket = await open(path)
  if (!socket) return undefined
  const reader = new FrameReader()
  try {
    return { socket, greeting: await greetingFrom(socket, reader), reader }
  } catch (error) {
    socket.destroy()
    throw error
  }
}

/** Asks an idle one to end. True when it has; one that got commands in the meantime goes on. */
export async function retire({ socket }: FoundSupervisor): Promise<boolean> {
  const message: FromConnector = { type: 'retire' }
  writeFrame(socket, 'own', encodeOwn(message))
  socket.resume()
  return await new Promise((resolve) => {
    const patience = setTimeout(() => {
      socket.destroy()
      resolve(false)
    }, patienceMs)
    socket.once('close', () => {
      clearTimeout(patience)
      resolve(true)
    })
  })
}

function open(path: string): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.off('error', reject)
      // What breaks it is followed by 'close'.
      socket.on('error', () => {})
      resolve(socket)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined)
      else reject(error)
    })
  })
}

async function greetingFrom(socket: Socket, reader: FrameReader): Promise<Greeting> {
  // A greeting is the first frame, and all there is before we attach.
  for (;;) {
    const [frame] = reader.push(await nextChunk(socket))
    if (frame) return parseOwn<Greeting>(frame.payload)
  }
}

function nextChunk(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const patience = setTimeout(() => reject(new Error('the supervisor does not greet')), patienceMs)
    const onClose = () => {
      clearTimeout(patience)
      reject(new Error('the supervisor has ended'))
    }
    socket.once('close', onClose)
    socket.once('data', (chunk: Buffer) => {
      socket.pause()
      clearTimeout(patience)
      socket.off('close', onClose)
      resolve(chunk)
    })
    socket.resume()
  })
}

const patienceMs = 10_000

import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import type Dockerode from 'dockerode'
import { statusOf, type DockerEngine } from '../connection.ts'

/** A name that the daemon has given to this connection. */
export interface DaemonSession {
  /** Whether the daemon still answers on the connection. */
  answers(): Promise<boolean>
  close(): void
}

/** Milliseconds for the daemon to answer on an open connection. */
const patience = 4_000

/**
 * From BuildKit's session/grpc.go: newer daemons ask a client every three seconds whether it lives and give it
 * up after three more; older ones ignore the header and allow eleven seconds (20.10) or up to a minute.
 */
const healthHeader = { 'X-Buildkit-Session-Health-Custom-Timeout': '3000' }

/**
 * Opens a session of the Engine API (POST /session) under a name. The daemon refuses a second session of one
 * name until the connection of the first has ended (moby/buildkit, session/manager.go).
 * @returns null if the name is taken
 * @throws RunbookError for a daemon that cannot be reached or offers no sessions
 */
export async function openSession(engine: DockerEngine, name: string): Promise<DaemonSession | null> {
  let abandoned = false
  try {
    return await engine.ask(scope(), {
      doing: 'lock a name of the daemon',
      ask: async (docker) => {
        const socket = await dial(docker, name, true)
        if (abandoned) socket.destroy()
        return served(socket)
      },
    })
  } catch (thrown) {
    abandoned = true
    if (isTaken(thrown)) return null
    throw thrown
  }
}

/**
 * Whether a name is taken, by a request that cannot open a session: the daemon looks for the name first, and
 * then refuses a request without an upgrade.
 * @throws RunbookError as above
 */
export async function isNameTaken(engine: DockerEngine, name: string): Promise<boolean> {
  try {
    await engine.ask(scope(), {
      doing: 'look for a lock of the daemon',
      ask: (docker) => dial(docker, name, false),
    })
  } catch (thrown) {
    if (isTaken(thrown)) return true
    if (statusOf(thrown) === 400 && /upgrade/i.test(messageOf(thrown))) return false
    throw thrown
  }
  throw new TypeError('the daemon accepted a session without an upgrade')
}

const scope = () => ({ signal: new AbortController().signal })
const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))
const isTaken = (thrown: unknown): boolean =>
  statusOf(thrown) === 400 && /already exists/.test(messageOf(thrown))

/** The part of docker-modem that its types leave out. */
type Modem = {
  dial(options: object, answered: (problem: Error | null, answer: unknown) => void): void
}

function dial(docker: Dockerode, name: string, upgrade: boolean): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    ;(docker.modem as unknown as Modem).dial(
      {
        path: '/session',
        method: 'POST',
        statusCodes: { 200: true },
        headers: {
          'X-Docker-Expose-Session-Uuid': name,
          'X-Docker-Expose-Session-Name': 'runbook',
          ...(upgrade ? { Upgrade: 'h2c', ...healthHeader } : {}),
        },
        // An empty body of known length: a chunked one would end in the middle of the upgraded stream.
        file: Buffer.alloc(0),
        hijack: upgrade,
      },
      (problem, answer) => (problem === null ? resolve(answer as Duplex) : reject(problem)),
    )
  })
}

/** The daemon is the client of HTTP/2 on the connection, and asks over it whether we live. */
function served(socket: Duplex): Promise<DaemonSession> {
  const ready = Promise.withResolvers<DaemonSession>()
  const server = createServer()
  const timer = setTimeout(() => fail('it did not begin the session'), patience)
  const fail = (why: string): void => {
    clearTimeout(timer)
    socket.destroy()
    ready.reject(new Error(why))
  }
  socket.on('error', () => undefined)
  socket.once('close', () => fail('it closed the session'))
  server.on('sessionError', () => undefined)
  server.on('stream', answer)
  server.on('session', (session) => {
    session.on('error', () => undefined)
    session.once('remoteSettings', () => {
      clearTimeout(timer)
      ready.resolve({
        answers: () => pinged(session),
        close: () => {
          session.destroy()
          socket.destroy()
        },
      })
    })
  })
  server.emit('connection', socket)
  return ready.promise
}

/** `SERVING` to grpc.health.v1.Health/Check: one length-prefixed message, field 1 = 1. */
function answer(stream: ServerHttp2Stream): void {
  stream.on('error', () => undefined)
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  stream.end(Buffer.from([0, 0, 0, 0, 2, 8, 1]))
}

function pinged(session: ServerHttp2Session): Promise<boolean> {
  return new Promise((resolve) => {
    if (session.destroyed || session.closed) return resolve(false)
    const timer = setTimeout(() => resolve(false), patience)
    const end = (answers: boolean): void => {
      clearTimeout(timer)
      // A run asks before each change, and Node warns of the eleventh listener.
      session.off('close', closed)
      resolve(answers)
    }
    const closed = (): void => end(false)
    session.once('close', closed)
    if (!session.ping((problem) => end(problem === null))) end(false)
  })
}

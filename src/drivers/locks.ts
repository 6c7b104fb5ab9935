import type { PostgresDatabase } from './databases.ts'

/**
 * One thing that a run may change, with the place where its lock lives: in the thing itself, so that whoever
 * can change it meets the lock, whatever their state folder, account or machine.
 */
export type LockPart = PostgresPart | DockerPart | FilePart

/** An advisory lock of the server, for one database. */
export type PostgresPart = { readonly kind: 'postgres'; readonly database: PostgresDatabase }

/** A name that the Docker daemon gives to one client at a time: a service of a project, or a repository. */
export type DockerPart = { readonly kind: 'docker'; readonly name: string; readonly what: string }

/** A kernel lock on a file beside this path. */
export type FilePart = {
  readonly kind: 'file'
  readonly path: string
  readonly what: string
  /** Its folder is made where it is missing: it records what runs, so nothing runs yet. */
  readonly makesFolder?: true
}

/** The run that holds a lock, as others see it. `since` is ISO 8601, UTC. */
export type LockHolder = {
  readonly run: string
  readonly by: string
  readonly host: string
  readonly since: string
}

/** `by` is null where the holder cannot be read. */
export type HeldLock = { readonly is: 'held'; readonly by: LockHolder | null }

/**
 * The place offers no lock to this account, so nothing excludes others there. `down`: the place itself does not
 * answer, so it may offer one once it does.
 */
export type NoLock = {
  readonly is: 'unavailable'
  readonly why: string
  readonly hint: string
  readonly down?: string
}

export interface LocksView {
  /** Whether a lock could be taken now. Takes nothing and leaves nothing behind. */
  look(part: LockPart): Promise<{ readonly is: 'free' } | HeldLock | NoLock>
}

export interface Locks extends LocksView {
  /**
   * Takes a lock without waiting for its holder. It is released when this process dies or loses its
   * connection, within ten seconds.
   */
  take(
    part: LockPart,
    holder: LockHolder,
  ): Promise<{ readonly is: 'taken'; readonly lock: TakenLock } | HeldLock | NoLock>
  /**
   * Takes the lock away from a run that no longer responds, if that run holds it.
   * @returns whether the lock is free of that run now
   */
  evict(part: LockPart, run: string): Promise<boolean>
}

/** The locks of one place, which are asked for its own parts only. */
export type LocksAt<Part extends LockPart> = {
  readonly [M in keyof Locks]: (
    part: Part,
    ...rest: Parameters<Locks[M]> extends [unknown, ...infer R] ? R : never
  ) => ReturnType<Locks[M]>
}

export interface TakenLock {
  /**
   * Asks the place itself. `down`: the thing is stopped, so nobody can hold or change it. A lock that was lost
   * because the thing restarted is taken again here, if it is proven that nobody else held it meanwhile.
   */
  check(): Promise<{ readonly is: 'held' } | { readonly is: 'down' } | LostLock>
  /** Never throws; a lock that cannot be released ends with this process. */
  release(): Promise<void>
}

/**
 * `down`: nobody is known to have it, but the place stopped answering: when it last did (ISO 8601, UTC), and its name.
 */
export type LostLock = {
  readonly is: 'lost'
  readonly why: string
  readonly down?: { readonly place: string; readonly answeredAt: string }
}

/** For messages: `service web of shop`. */
export function partName(part: LockPart): string {
  if (part.kind !== 'postgres') return part.what
  const { name, via } = part.database
  if (via.kind === 'compose') return `database ${name} of ${via.stack.project}/${via.service}`
  return via.kind === 'server' ? `database ${name} at ${via.host}:${via.port}` : `database ${name}`
}

/** Identifies a lock. Parts are taken in the order of their keys, so that two runs cannot block each other. */
export function partKey(part: LockPart): string {
  switch (part.kind) {
    case 'docker':
      return `1 docker ${part.name}`
    case 'file':
      return `2 file ${part.path}`
    case 'postgres': {
      const { name, via } = part.database
      const place =
        via.kind === 'compose'
          ? `${via.stack.project}/${via.service}`
          : via.kind === 'server'
            ? `${via.host}:${via.port}`
            : via.container
      return `3 postgres ${place} ${name}`
    }
  }
}

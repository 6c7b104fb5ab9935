import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { Writable } from 'node:stream'
import { makeFolders } from '../disk/make-folders.ts'
import type { Places, Store } from '../../drivers/places.ts'
import type { Scope } from '../../drivers/scope.ts'
import type { Secrets } from '../../drivers/secrets.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Secret } from '../../kernel/secret.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { withPackage } from '../environment/optional-packages.ts'
import { fileLocks } from '../disk/file-locks.ts'
import type { Shell } from '../process/shell.ts'
import { download } from './download.ts'
import { addressOf, type OpenStore } from './open-store.ts'

/** What every store needs to be opened. */
export type StoreDeps = {
  readonly scope: Scope
  readonly secrets: Secrets
  /** Called with each secret that a client finds by itself, before it is used. */
  readonly register: (secret: Secret) => void
  readonly shell: Shell
  readonly clock: Clock
  /** Of this program; the others get its proxies and certificate authorities. */
  readonly environment: { readonly [name: string]: string | undefined }
}

/** Backups in stores. What speaks to each kind is loaded on first use. */
export function storedPlaces(deps: StoreDeps): Places {
  const { scope, clock } = deps
  return {
    list: (store, pattern) => using(store, deps, (opened) => opened.list(pattern)),
    digestOf: (store, object) => using(store, deps, (opened) => opened.digestOf(object)),

    read: (store, object, maxBytes) =>
      using(store, deps, async (opened) => {
        const tooLarge = new RunbookError(
          'failed',
          `cannot read ${shellWord(object.key)} in ${addressOf(store)}: larger than the limit of ${maxBytes} bytes`,
          { hint: 'it is not what its name says' },
        )
        if (object.bytes > maxBytes) throw tooLarge
        const chunks: Buffer[] = []
        let bytes = 0
        const sink = new Writable({
          write(chunk: Buffer, _, next) {
            chunks.push(chunk)
            bytes += chunk.length
            next(bytes > maxBytes ? tooLarge : null)
          },
        })
        sink.on('error', () => undefined)
        await opened.send(object, 0, sink).catch((thrown: unknown) => {
          throw bytes > maxBytes ? tooLarge : thrown
        })
        return Buffer.concat(chunks)
      }),

    fetch: async (store, object, to) => {
      await makeFolders(dirname(to), 0o700)
      const holder = {
        run: scope.run,
        by: String(process.getuid?.() ?? ''),
        host: hostname(),
        since: clock.now().toISOString(),
      }
      const locked = await fileLocks.take({ kind: 'file', path: to, what: 'a download' }, holder)
      if (locked.is !== 'taken')
        throw new RunbookError(
          'failed',
          `cannot download ${shellWord(object.key)} to ${shellWord(to)}: ${
            locked.is === 'held'
              ? `the run ${locked.by?.run ?? 'of another process'} is downloading it`
              : locked.why
          }`,
          { hint: locked.is === 'held' ? 'wait for that run, then start again' : locked.hint },
        )
      try {
        return await using(store, deps, (opened) => download(opened, { store, object, to, scope, clock }))
      } finally {
        await locked.lock.release()
      }
    },
  }
}

async function using<T>(store: Store, deps: StoreDeps, work: (opened: OpenStore) => Promise<T>): Promise<T> {
  using opened = await openStore(store, deps)
  return await work(opened)
}

async function openStore(store: Store, deps: StoreDeps): Promise<OpenStore & Disposable> {
  switch (store.kind) {
    case 's3':
      return (
        await withPackage(
          '@aws-sdk/client-s3',
          ['read', `the bucket ${store.bucket}`],
          () => import('./s3.ts'),
        )
      ).s3Store(store, deps)
    case 'rclone':
      return (await import('./rclone.ts')).rcloneStore(store, deps)
    case 'restic':
      return (await import('./restic.ts')).resticStore(store, deps)
    case 'borg':
      return (await import('./borg.ts')).borgStore(store, deps)
  }
}

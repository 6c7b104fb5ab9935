import type { Look, StackImages } from '../../../src/index.ts'
import { lastOf } from '../../files/lib/path.ts'
import { digits, sameMoment, snapshotsIn, tarNames, type Recalled } from './lock-file.ts'

/** An image to go back to, and who says so. */
export type Source = Recalled & { readonly from: string }

/**
 * Where the tar file may be: the written path, and in our own folder (the tar may come from elsewhere) each
 * name that it may have, also by what the history says of the same image.
 */
export function candidates(
  { folder, repository }: StackImages,
  env: string,
  source: Recalled,
  history: string,
): readonly string[] {
  const same = snapshotsIn(history, env).filter(({ imageId: id, tag }) =>
    source.imageId === null ? tag !== null && tag === source.tag : id === source.imageId,
  )
  const all = [source, ...same]
  return [
    ...new Set([
      ...all.flatMap(({ tar }) => (tar?.startsWith('/') === true ? [tar] : [])),
      ...all.flatMap((one) => tarNames(repository, env, one)).map((name) => `${folder}/${name}`),
    ]),
  ]
}

/** The tar files of an environment in the folder of snapshots, by the time in their names, oldest first. */
export async function tarsOf(
  look: Look,
  { folder, repository }: StackImages,
  env: string,
): Promise<readonly { readonly tar: string; readonly moment: string }[]> {
  const start = `${lastOf(repository)}-${env}-`
  if ((await look.files.stat(folder)) === null) return []
  return (await look.files.list(folder))
    .filter((name) => name.startsWith(start) && name.endsWith('.tar'))
    .map((name) => ({ tar: `${folder}/${name}`, moment: name.slice(start.length, -'.tar'.length) }))
    .toSorted((one, other) => (digits(one.moment) < digits(other.moment) ? -1 : 1))
}

/** The only image of the tar file with this time in its name; null where there is no such file. */
export async function savedAt(
  look: Look,
  images: StackImages,
  env: string,
  snapshot: string,
): Promise<Source | null> {
  const saved = (await tarsOf(look, images, env)).find(({ moment }) => sameMoment(moment, snapshot))
  if (saved === undefined) return null
  const [only, ...more] = await look.images.archived(saved.tar)
  const [id] = only?.ids ?? []
  if (only === undefined || id === undefined || more.length > 0) return null
  return {
    imageId: id,
    tag: only.tags[0] ?? null,
    tar: saved.tar,
    at: snapshot,
    gitSha: null,
    from: `tar ${saved.tar}`,
  }
}
